import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { webhookPathPrefix } from '../../schemas/rules/webhook-path.ts'
import { pingEventKey } from '../../schemas/webhook.ts'
import type { Clock } from '../core/clock.ts'
import { matchesSignature } from '../core/signature.ts'
import { uuidv7 } from '../core/uuid-v7.ts'
import type { DeliveryWriter } from '../store/delivery-writer.ts'
import type { SecretCache, WebhookReceiverTarget, WebhookSecret } from '../store/secret-cache.ts'
import type { AddressBudget } from './address-budget.ts'
import type { HttpLimits } from './http-limits.ts'
import type { ReceiverMetrics } from './receiver-metrics.ts'
import {
  answerDuplicate,
  answerEarly,
  answerPing,
  answerRefusal,
  answerStored,
  type RefusalReason,
} from './webhook-answers.ts'
import { BodyBudget, type HeldBody, readBody } from './webhook-body.ts'
import {
  judgeHeaders,
  keptHeaders,
  readWebhookHeaders,
  type SignatureFailure,
  type WebhookHeaders,
} from './webhook-headers.ts'
import type { WebhookObservations } from './webhook-observations.ts'

export interface WebhookListenerParts {
  readonly secrets: SecretCache
  readonly writer: DeliveryWriter
  readonly observations: WebhookObservations
  readonly metrics: ReceiverMetrics
  readonly limits: HttpLimits
  readonly clock: Clock
  readonly log: Logger
  /** While true deliveries are refused before they are stored (F6). */
  isDiskFull?(): boolean
  /** What strangers may cost, each address (S13). */
  readonly strangers: AddressBudget
  /** The address that a request comes from: the socket's, or what a trusted proxy says. */
  sourceAddress(request: IncomingMessage): string
}

/** Answers a request at a webhook address; false, and nothing done, for every other address. */
export type WebhookListener = (request: IncomingMessage, response: ServerResponse) => boolean

/** Bitbucket's are far shorter; an index takes no more. */
const longestHeader = 255
const retryMs = 250

/** One request on its way through the checks. */
interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly headers: WebhookHeaders
}

/**
 * Receives Bitbucket's webhooks, in front of the router (R30 to R35): method, integration, size, signature, then the
 * delivery is stored, and answered once it is on disk. Nothing else of the server is needed to do so.
 */
export function createWebhookListener(parts: WebhookListenerParts): WebhookListener {
  const { secrets, writer, observations, metrics, limits, clock, log, strangers } = parts
  const bodies = new BodyBudget(limits.heldBodyBytes)
  const isDiskFull = () => parts.isDiskFull?.() === true

  function listen(request: IncomingMessage, response: ServerResponse): boolean {
    const slug = slugOf(request.url ?? '')
    if (slug === undefined) return false
    const exchange = { request, response, headers: readWebhookHeaders(request.rawHeaders) }
    const target = secrets.peek(slug)
    if (request.method !== 'POST') refuseEarly(exchange, 'wrong_method')
    else if (target !== undefined) receive(exchange, target)
    else void receiveAfterLookUp(exchange, slug)
    return true
  }

  async function receiveAfterLookUp(exchange: Exchange, slug: string): Promise<void> {
    // Whoever guesses slugs pays for it before the database is asked; an integration's own traffic never does.
    if (!secrets.hasSeen(slug) && !strangers.hasLeft(addressOf(exchange), performance.now())) {
      refuseEarly(exchange, 'too_many_requests')
      return
    }
    const target = await findTarget(slug)
    if (target === 'unavailable') refuseEarly(exchange, 'unavailable')
    else if (target !== undefined) receive(exchange, target)
    else refuseEarly(exchange, isInBudget(exchange) ? 'unknown_integration' : 'too_many_requests')
  }

  async function findTarget(slug: string): Promise<WebhookReceiverTarget | undefined | 'unavailable'> {
    const deadline = performance.now() + limits.patience
    for (;;) {
      try {
        return await beforeDeadline(secrets.load(slug), deadline)
      } catch (error) {
        log.error({ err: error, integration: slug }, 'webhook secrets could not be read')
        if (performance.now() >= deadline) return 'unavailable'
        await sleep(retryMs)
      }
    }
  }

  /** A database that takes the question and gives no answer may keep the connection longer than anybody waits (F14). */
  async function beforeDeadline<Value>(value: Promise<Value>, deadline: number): Promise<Value> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('The database gave no answer in time.')), deadline - performance.now())
    })
    try {
      return await Promise.race([value, late])
    } finally {
      clearTimeout(timer)
    }
  }

  function receive(exchange: Exchange, target: WebhookReceiverTarget): void {
    const verdict = judgeHeaders(exchange.headers, limits.bodyBytes)
    switch (verdict.kind) {
      case 'refused':
        refuseEarly(exchange, verdict.reason)
        break
      case 'rejected':
        answerEarly(exchange.request, exchange.response, reject(exchange, target, verdict.reason))
        break
      case 'unsigned_ping':
        receiveUnsignedPing(exchange, target)
        break
      case 'signed':
        readBody(exchange.request, limits.bodyBytes, bodies, (body) => {
          if (body === 'aborted') metrics.answered('aborted')
          else if (typeof body === 'string') refuseEarly(exchange, body)
          else verify(exchange, target, verdict.signature, body)
        })
    }
  }

  function verify(exchange: Exchange, target: WebhookReceiverTarget, signature: string, body: HeldBody): void {
    const now = clock.now()
    const secret = target.secrets.find(
      (candidate) => isLive(candidate, now) && matchesSignature(candidate.key, body.bytes, signature),
    )
    if (secret !== undefined && exchange.headers.eventKey !== pingEventKey && hasRoom()) {
      void store(exchange, target.integrationId, secret.version, signature, body, now)
      return
    }
    const failure = secret === undefined ? explainMismatch(exchange, target, signature, body.bytes, now) : undefined
    body.release()
    if (failure !== undefined) answerRefusal(exchange.response, reject(exchange, target, failure))
    else if (exchange.headers.eventKey === pingEventKey) receivePing(exchange, target, true)
    else refuse(exchange, isDiskFull() ? 'disk_full' : 'overloaded')
  }

  function hasRoom(): boolean {
    return !isDiskFull() && writer.pending < limits.unansweredDeliveries
  }

  /** A stranger who has used up his budget does not get the further look at the retired secrets. */
  function explainMismatch(
    exchange: Exchange,
    target: WebhookReceiverTarget,
    signature: string,
    bytes: Uint8Array,
    now: number,
  ): SignatureFailure {
    if (!strangers.hasLeft(addressOf(exchange), performance.now())) return 'wrong_secret'
    const isRetired = target.secrets.some(
      (candidate) => !isLive(candidate, now) && matchesSignature(candidate.key, bytes, signature),
    )
    return isRetired ? 'retired_secret' : 'wrong_secret'
  }

  async function store(
    { response, headers }: Exchange,
    integrationId: string,
    secretVersion: number,
    signature: string,
    body: HeldBody,
    now: number,
  ): Promise<void> {
    const outcome = await writer.store({
      id: uuidv7(now),
      integrationId,
      requestId: requestIdOf(headers),
      eventKey: (headers.eventKey ?? '').slice(0, longestHeader),
      headers: JSON.stringify(keptHeaders(headers)),
      receivedAt: now,
      secretVersion,
      bodyDigest: signature,
      body: body.bytes,
    })
    body.release()
    metrics.answered(outcome.kind)
    if (outcome.kind === 'stored') answerStored(response, outcome.id)
    else if (outcome.kind === 'duplicate') answerDuplicate(response, outcome.id)
    else answerRefusal(response, 'unavailable')
  }

  function receiveUnsignedPing(exchange: Exchange, target: WebhookReceiverTarget): void {
    if (isInBudget(exchange)) exchange.request.once('end', () => receivePing(exchange, target, false)).resume()
    else refuseEarly(exchange, 'too_many_requests')
  }

  function receivePing(exchange: Exchange, target: WebhookReceiverTarget, signed: boolean): void {
    if (!exchange.request.complete) return
    observations.recordPing(target.integrationId, { at: clock.now(), address: addressOf(exchange), signed })
    metrics.answered('ping')
    answerPing(exchange.response)
  }

  /** Records the failure, and gives the reason to answer with. */
  function reject(exchange: Exchange, target: WebhookReceiverTarget, failure: SignatureFailure): RefusalReason {
    const { headers } = exchange
    observations.recordRejection(target.integrationId, {
      at: clock.now(),
      address: addressOf(exchange),
      reason: failure,
      length: headers.contentLength === undefined ? null : Number(headers.contentLength),
      headers: keptHeaders(headers),
    })
    metrics.rejected(failure)
    const reason = isInBudget(exchange) ? failure : 'too_many_requests'
    metrics.answered(reason)
    return reason
  }

  function refuseEarly(exchange: Exchange, reason: RefusalReason): void {
    metrics.answered(reason)
    answerEarly(exchange.request, exchange.response, reason)
  }

  function refuse(exchange: Exchange, reason: RefusalReason): void {
    metrics.answered(reason)
    answerRefusal(exchange.response, reason)
  }

  function isInBudget(exchange: Exchange): boolean {
    return strangers.take(addressOf(exchange), performance.now())
  }

  function addressOf({ request }: Exchange): string {
    return parts.sourceAddress(request)
  }

  return listen
}

/**
 * The slug in `<prefix><slug>[?query]`, matched on the bytes of the request line: no decoding, no normalising, so that
 * nothing that is taken here could mean something else to the router (S8). The query is the sender's own (R45).
 */
export function slugOf(url: string): string | undefined {
  if (!url.startsWith(webhookPathPrefix)) return undefined
  const end = url.indexOf('?', webhookPathPrefix.length)
  const slug = url.slice(webhookPathPrefix.length, end === -1 ? undefined : end)
  return /^[a-z0-9-]{1,63}$/.test(slug) ? slug : undefined
}

function isLive({ validUntil }: WebhookSecret, now: number): boolean {
  return validUntil === null || validUntil > now
}

/** Ids are Bitbucket's UUIDs; a longer one is a stranger's and is not used. */
function requestIdOf({ requestId }: WebhookHeaders): string | null {
  return requestId === undefined || requestId === '' || requestId.length > longestHeader ? null : requestId
}
