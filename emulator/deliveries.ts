import { createHmac, randomUUID } from 'node:crypto'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { setTimeout as wait } from 'node:timers/promises'
import type { Faults } from './faults.ts'
import type { Settings } from './settings.ts'
import type { Webhook } from './state.ts'

/** One delivery as it was sent, or lost. */
export interface DeliveryRecord {
  readonly sequence: number
  readonly webhookId: number | null
  readonly scope: { readonly kind: 'project' | 'repository'; readonly id: number }
  readonly event: string
  readonly requestId: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly startedAt: number
  readonly finishedAt: number
  /** SUCCESS: a 2xx answer; FAILURE: another; ERROR: none came; LOST: a fault swallowed it. */
  readonly outcome: 'SUCCESS' | 'FAILURE' | 'ERROR' | 'LOST'
  readonly status: number | null
  /** The answer's first characters, or why none came. */
  readonly description: string
}

export interface Delivery {
  readonly webhookId: number | null
  readonly scope: { readonly kind: 'project' | 'repository'; readonly id: number }
  readonly url: string
  readonly event: string
  readonly body: string
  readonly secret: string | undefined
  readonly credentials: { readonly username: string; readonly password: string } | null
  readonly isSslVerificationRequired: boolean
}

export interface Deliveries {
  /** Sends once, in the background, and never again: Bitbucket does not retry. */
  send(delivery: Delivery): void
  /** Sends and tells how it went; faults do not apply. */
  sendNow(delivery: Delivery): Promise<DeliveryRecord>
  /** Oldest first, finished ones only. */
  list(after?: number): DeliveryRecord[]
  clear(): void
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
  /** Gives up what is under way. */
  close(): Promise<void>
}

const kept = 20_000
/** As far as an answer is read. */
const answerLimit = 1_024

export function createDeliveries(settings: Settings, faults: Faults): Deliveries {
  let records: DeliveryRecord[] = []
  let last = 0
  const underWay = new Set<Promise<unknown>>()
  const closing = new AbortController()

  function record(entry: Omit<DeliveryRecord, 'sequence'>): DeliveryRecord {
    last += 1
    const complete = { sequence: last, ...entry }
    records.push(complete)
    if (records.length > kept * 2) records = records.slice(-kept)
    return complete
  }

  async function attempt(delivery: Delivery): Promise<DeliveryRecord> {
    const requestId = randomUUID()
    const headers = headersOf(delivery, requestId, settings.version)
    const startedAt = settings.now()
    const answer = await post(delivery, headers, settings.deliveryTimeoutMs, closing.signal)
    return record({ ...describe(delivery, requestId, headers), startedAt, finishedAt: settings.now(), ...answer })
  }

  async function sendWithFaults(delivery: Delivery): Promise<void> {
    const met = faults.takeForDelivery(delivery.event)
    if (met.some((fault) => fault.kind === 'lose-delivery')) {
      const requestId = randomUUID()
      const now = settings.now()
      const headers = headersOf(delivery, requestId, settings.version)
      const lost = { outcome: 'LOST', status: null, description: 'A fault swallowed it.' } as const
      record({ ...describe(delivery, requestId, headers), startedAt: now, finishedAt: now, ...lost })
      return
    }
    for (const fault of met) {
      if (fault.kind === 'delay-delivery') await wait(fault.ms, undefined, { signal: closing.signal })
    }
    await attempt(delivery)
  }

  return {
    send(delivery) {
      const sending: Promise<unknown> = sendWithFaults(delivery)
        .catch(() => {})
        .finally(() => underWay.delete(sending))
      underWay.add(sending)
    },
    sendNow: attempt,
    list(after = 0) {
      return records.slice(-kept).filter((entry) => entry.sequence > after)
    },
    clear() {
      records = []
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay)
    },
    async close() {
      closing.abort()
      await Promise.all(underWay)
    },
  }
}

/** The delivery that a webhook gets for an event. */
export function deliveryFor(webhook: Webhook, event: string, body: string): Delivery {
  const secret = webhook.configuration.secret
  return {
    webhookId: webhook.id,
    scope: webhook.scope,
    url: webhook.url,
    event,
    body,
    secret: typeof secret === 'string' ? secret : undefined,
    credentials: webhook.credentials,
    isSslVerificationRequired: webhook.isSslVerificationRequired,
  }
}

function describe(delivery: Delivery, requestId: string, headers: Readonly<Record<string, string>>) {
  const { webhookId, scope, event, url, body } = delivery
  return { webhookId, scope, event, url, body, requestId, headers }
}

/** Bitbucket's headers; signed where there is a secret. */
function headersOf(delivery: Delivery, requestId: string, version: string): Record<string, string> {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  const build = `${major}${String(minor).padStart(3, '0')}${String(patch).padStart(3, '0')}`
  const headers: Record<string, string> = {
    'X-Event-Key': delivery.event,
    'X-Request-Id': requestId,
    'Content-Type': 'application/json; charset=utf-8',
    'User-Agent': `Atlassian HttpClient 4.2.0 / Bitbucket-${version} (${build}) / Default`,
  }
  if (delivery.secret !== undefined) {
    const signature = createHmac('sha256', delivery.secret).update(delivery.body, 'utf8').digest('hex')
    headers['X-Hub-Signature'] = `sha256=${signature}`
  }
  if (delivery.credentials) {
    const { username, password } = delivery.credentials
    headers.Authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  }
  return headers
}

type Answer = Pick<DeliveryRecord, 'outcome' | 'status' | 'description'>

function post(
  delivery: Delivery,
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
  closing: AbortSignal,
): Promise<Answer> {
  const failed = (description: string): Answer => ({ outcome: 'ERROR', status: null, description })
  if (!URL.canParse(delivery.url)) return Promise.resolve(failed('The URL of the webhook is not a URL.'))
  const url = new URL(delivery.url)
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return Promise.resolve(failed('Not an HTTP address.'))
  const bytes = Buffer.from(delivery.body, 'utf8')
  return new Promise((resolve) => {
    const signal = AbortSignal.any([closing, AbortSignal.timeout(timeoutMs)])
    const options = {
      method: 'POST',
      headers: { ...headers, 'Content-Length': String(bytes.length) },
      rejectUnauthorized: delivery.isSslVerificationRequired,
      signal,
      agent: false,
    } as const
    const outgoing = send(url, options, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8')
      incoming.on('data', (chunk: string) => {
        if (text.length < answerLimit) text += chunk.slice(0, answerLimit - text.length)
      })
      incoming.on('error', (error) => resolve(failed(error.message)))
      incoming.on('end', () => {
        const status = incoming.statusCode ?? 0
        resolve({ outcome: status >= 200 && status < 300 ? 'SUCCESS' : 'FAILURE', status, description: text })
      })
    })
    outgoing.on('error', (error) => resolve(failed(error.message)))
    outgoing.end(bytes)
  })
}
