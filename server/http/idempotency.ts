import { createHash, createHmac, randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { OperationId } from '../../schemas/api.ts'
import type { Operation } from '../../schemas/operation.ts'
import { Problem } from '../../schemas/problem.ts'
import type { Caller } from '../core/authorise.ts'
import type { Clock } from '../core/clock.ts'
import {
  abandonKeyed,
  type Beginning,
  beginKeyed,
  finishKeyed,
  type KeyedRequest,
  leaseMs,
  renewLease,
} from '../store/idempotency.ts'
import type { Database } from '../store/tables.ts'
import { problemDocument } from './problem-answer.ts'

/** What goes out; a status from 400 on has a problem document as its body. */
export interface Answer {
  readonly status: number
  readonly body: unknown
  /** True where it is what an earlier request with the same key was answered. */
  readonly isReplay: boolean
}

/** One validated request that may be repeated. */
export interface RepeatableRequest {
  readonly id: OperationId
  readonly operation: Operation
  readonly caller: Caller
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
  readonly log: Logger
}

/** Answers a request once for each caller and key, and again as often as it is repeated (R202, S22). */
export type AnswerOnce = (key: string, request: RepeatableRequest, act: () => Promise<Answer>) => Promise<Answer>

/**
 * Makes `AnswerOnce`. What is kept of an answer is without its secrets, and the request is kept as a digest under a
 * key of the installation, so that nobody who reads the table can try out what a body may have held. `digestKeys` are
 * derived from the encryption key in use and from those before it.
 */
export function createAnswerOnce(
  db: Database,
  clock: Clock,
  digestKeys: readonly [Uint8Array, ...Uint8Array[]],
): AnswerOnce {
  return async (key, request, act) => {
    const { caller, operation, log } = request
    if (caller.keyId === null) return act()
    const keyed: KeyedRequest = {
      apiKeyId: caller.keyId,
      key,
      digests: requestDigests(digestKeys, request),
      grantsDigest: grantsDigest(caller),
    }
    const beginning = await beginKeyed(db, keyed, randomUUID(), clock.now())
    if (beginning.kind === 'answered') return replayOf(beginning, operation)
    if (beginning.kind !== 'begun') throw refusalOf(beginning, key, clock.now())
    const { lease } = beginning
    const renewing = setInterval(() => {
      renewLease(db, lease, keyed, clock.now()).catch((error: unknown) => log.warn({ err: error }, 'lease not renewed'))
    }, leaseMs / 3)
    try {
      const answer = await act()
      // What happened has happened: the caller hears of it even where it cannot be kept.
      await finishKeyed(db, lease, keyed, answer.status, keptForm(operation, answer.body)).catch((error: unknown) =>
        log.error({ err: error }, 'answer not kept for its idempotency key'),
      )
      return answer
    } catch (error) {
      if (isLasting(error)) await finishKeyed(db, lease, keyed, error.status, JSON.stringify(problemDocument(error)))
      else await abandonKeyed(db, lease, keyed)
      throw error
    } finally {
      clearInterval(renewing)
    }
  }
}

/** Failures of the server, of permission and of haste may go away: the next request with the key tries again. */
function isLasting(error: unknown): error is Problem {
  return error instanceof Problem && error.status < 500 && ![401, 403, 429].includes(error.status)
}

function keptForm({ secretFields = [] }: Operation, body: unknown): string | null {
  if (body === undefined) return null
  if (secretFields.length === 0) return JSON.stringify(body)
  const kept = Object.entries(body as object).filter(([name]) => !secretFields.includes(name))
  return JSON.stringify(Object.fromEntries(kept))
}

function replayOf({ status, answer }: Beginning & { kind: 'answered' }, { secretFields = [] }: Operation): Answer {
  const body: unknown = answer === null ? undefined : JSON.parse(answer)
  const hidSecret = status < 400 && secretFields.length > 0
  return { status, body: hidSecret ? { ...(body as object), secretShown: true } : body, isReplay: true }
}

function refusalOf(beginning: Exclude<Beginning, { kind: 'begun' | 'answered' }>, key: string, now: number): Problem {
  switch (beginning.kind) {
    case 'running':
      return new Problem('request_in_progress', `The request with the Idempotency-Key "${key}" is being worked on.`, {
        retryAfterSeconds: Math.max(1, Math.min(5, Math.ceil((beginning.until - now) / 1000))),
      })
    case 'other_request':
      return new Problem(
        'idempotency_key_reused',
        `The Idempotency-Key "${key}" came with another request in the last 24 hours; draw a new one for each request.`,
      )
    case 'other_grants':
      return new Problem(
        'idempotency_roles_changed',
        `Your roles have changed since the first request with the Idempotency-Key "${key}": its answer is not shown again, and nothing was done.`,
      )
    case 'too_many':
      return new Problem(
        'too_many_idempotency_keys',
        'You have used 1,000 idempotency keys in the last 24 hours. Send this request without one, or wait.',
        { retryAfterSeconds: 600 },
      )
  }
}

function requestDigests(
  keys: readonly [Uint8Array, ...Uint8Array[]],
  { id, params, query, body }: RepeatableRequest,
): [string, ...string[]] {
  const text = JSON.stringify([id, params, query, body], sortKeys)
  const digest = (key: Uint8Array) => createHmac('sha256', key).update(text).digest('base64url')
  const [current, ...old] = keys
  return [digest(current), ...old.map(digest)]
}

/** The order of an object's fields says nothing. */
function sortKeys(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** What the caller is allowed, whatever the order in which it is written. */
function grantsDigest({ kind, grants, integrations }: Caller): string {
  const roles = grants.map(({ role, spaceId }) => `${role} ${spaceId}`).sort()
  const text = JSON.stringify([kind, roles, integrations && [...integrations].sort()])
  return createHash('sha256').update(text).digest('base64url')
}
