import type { Request, Response } from 'express'
import type { Operation } from '../../schemas/operation.ts'
import { isOpen } from '../../schemas/operation-facts.ts'
import { sessionOperations } from '../../schemas/operations/sessions.ts'
import { Problem } from '../../schemas/problem.ts'
import { csrfHeaderName } from '../../schemas/session.ts'
import { type Audience, bearerAudiences, surfacesOf } from '../core/audiences.ts'
import { anonymous, type Caller } from '../core/authorise.ts'
import { type CallerCache, type KnownKey, unauthenticated } from '../services/callers.ts'
import { renewSession, type SessionDependencies } from '../services/sessions.ts'
import type { SessionRow } from '../store/sessions.ts'
import type { AddressBudget } from './address-budget.ts'
import { requireOwnPage } from './own-page.ts'
import { readSessionCookie, sessionCookie } from './session-cookie.ts'
import type { SourceAddress } from './source-address.ts'

/** Who asks, and by what he is known. */
export interface Authenticated {
  readonly caller: Caller
  /** What the token is good for; null where none was looked at. */
  readonly audience: Audience | null
  /** The browser's session; null for every other caller. */
  readonly session: SessionRow | null
}

/** Says who asks; throws the Problem that a caller is answered with who names nobody, or may not ask like that. */
export type Authenticate = (request: Request, response: Response, operation: Operation) => Promise<Authenticated>

export interface AuthenticateParts {
  readonly callers: CallerCache
  readonly sessions: SessionDependencies
  readonly strangers: AddressBudget
  readonly sourceAddress: SourceAddress
  readonly publicUrl: () => string | undefined
}

const nobody: Authenticated = { caller: anonymous, audience: null, session: null }

/**
 * Makes the one place that reads tokens and cookies. A token comes in the Authorization header, a browser's session in
 * its cookie, and neither is taken for the other (S15, S19). Whoever cannot be told is limited by his address, whoever
 * can never is (S13).
 */
export function createAuthenticate(parts: AuthenticateParts): Authenticate {
  const { strangers, sourceAddress } = parts
  const spend = (request: Request) => spendOrRefuse(strangers, sourceAddress(request))
  return async (request, response, operation) => {
    if (isOpen(operation)) {
      // Signing in with cookies is for our pages alone: another site must not put its own session under a person.
      if (operation.path === sessionOperations.createSession.path) requireOwnPage(request, parts.publicUrl())
      // Whoever signs in is known by his key, and costs of the budget only once that is refused.
      if (operation.permission === 'anyone') spend(request)
      return nobody
    }
    const authorization = request.get('authorization')
    const known = authorization === undefined ? await bySession(parts, request, response, operation) : undefined
    const found = authorization === undefined ? known : await byToken(parts, authorization)
    if (!found) {
      spend(request)
      throw unauthenticated()
    }
    requireSurface(found, operation)
    return found
  }
}

/** Takes one request of the stranger's budget; throws where nothing is left of it (S13, R39). */
export function spendOrRefuse(strangers: AddressBudget, address: string): void {
  if (strangers.take(address, performance.now())) return
  const detail = 'Too many requests from your address that name nobody; wait, and send a valid token.'
  throw new Problem('too_many_requests', detail, { retryAfterSeconds: 1 })
}

async function byToken({ callers, sessions }: AuthenticateParts, authorization: string) {
  const token = /^Bearer ([^\s]+)$/i.exec(authorization)?.[1]
  const subject = token === undefined ? undefined : sessions.signer.verify(token, bearerAudiences, sessions.clock.now())
  if (!subject) return undefined
  const key = await callers.findKey(subject.keyId, subject.generation)
  // A key that was changed, or whose user was, ends the tokens made before.
  if (!key || key.generation > subject.generation || key.audience !== subject.audience) return undefined
  return { caller: key.caller, audience: subject.audience, session: null }
}

async function bySession(
  parts: AuthenticateParts,
  request: Request,
  response: Response,
  operation: Operation,
): Promise<Authenticated | undefined> {
  const found = await findSession(parts, request)
  if (!found) return undefined
  const { key, session } = found
  if (operation.method !== 'GET') {
    requireOwnPage(request, parts.publicUrl())
    if (!parts.sessions.csrf.matches(session.id, request.get(csrfHeaderName) ?? '')) {
      const detail = 'Send the session’s CSRF token, from GET /api/v1/session, as X-CSRF-Token with every write.'
      throw new Problem('csrf_token_wrong', detail)
    }
  }
  const renewed = await renewSession(parts.sessions, session, key.generation)
  if (renewed) response.append('set-cookie', sessionCookie(renewed.token))
  return { caller: key.caller, audience: 'ui', session: renewed?.session ?? session }
}

/** The live session of the request's cookie, and whose it is. */
export async function findSession(
  { callers, sessions }: Pick<AuthenticateParts, 'callers' | 'sessions'>,
  request: Request,
): Promise<{ readonly key: KnownKey; readonly session: SessionRow } | undefined> {
  const token = readSessionCookie(request.headers.cookie)
  const subject = token === undefined ? undefined : sessions.signer.verify(token, ['ui'], sessions.clock.now())
  if (!subject || subject.sessionId === null) return undefined
  const session = await sessions.sessions.findSession(subject.sessionId)
  if (!session || session.api_key_id !== subject.keyId) return undefined
  const key = await callers.findKey(subject.keyId, subject.generation)
  return key && { key, session }
}

/** Each token works on its own surface only, whatever the roles of its key (S15). */
function requireSurface({ audience }: Authenticated, { method, path, permission }: Operation): void {
  if (audience !== null && surfacesOf(permission).includes(audience)) return
  throw new Problem('forbidden', `A token for "${audience}" is not good for ${method} ${path}.`)
}
