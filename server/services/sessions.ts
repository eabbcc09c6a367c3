import { randomUUID } from 'node:crypto'
import { Problem } from '../../schemas/problem.ts'
import type { Session } from '../../schemas/session.ts'
import { audienceOfKey } from '../core/audiences.ts'
import type { Clock } from '../core/clock.ts'
import type { CsrfTokens } from '../core/csrf-token.ts'
import { sessionIdleSeconds, type TokenSigner } from '../core/jwt.ts'
import { recordAudit } from '../store/audit.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import {
  deleteEndedSessions,
  deleteSessionRow,
  findSessionRow,
  insertSession,
  type SessionRow,
  touchSession,
} from '../store/sessions.ts'
import type { Database } from '../store/tables.ts'
import { timestamp } from './installation.ts'
import { type SentKey, type TokenDependencies, verifyApiKey } from './tokens.ts'

export interface SessionDependencies {
  readonly db: Database
  readonly clock: Clock
  readonly signer: TokenSigner
  readonly csrf: CsrfTokens
  readonly sessions: SessionCache
}

/** A session with the token that its cookie holds. */
export interface OpenSession {
  readonly session: SessionRow
  readonly token: string
}

const idleMs = sessionIdleSeconds * 1000
const longestMs = 12 * 3_600_000
/** A used session is renewed no more often than this. */
const renewAfterMs = 60_000

/** Signs a browser in with an API key: a session of a new id (R206, S19). The session that it had before ends. */
export async function createSession(
  { db, clock, signer, sessions }: SessionDependencies,
  tokens: TokenDependencies,
  remoteAddress: string,
  sent: SentKey,
  previousId: string | undefined,
): Promise<OpenSession> {
  const key = await verifyApiKey(tokens, remoteAddress, sent)
  if (key.role === 'bootstrap' || audienceOfKey(key.role) !== 'api') {
    throw new Problem('forbidden', 'A browser signs in with the key of a user, or of a service with a person’s role.')
  }
  const now = clock.now()
  const session = { id: randomUUID(), api_key_id: key.id, created_at: now, last_used_at: now }
  await inWriteTransaction(db, async (transaction) => {
    await deleteEndedSessions(transaction, key.id, now - longestMs, now - idleMs)
    if (previousId !== undefined) await deleteSessionRow(transaction, previousId)
    await insertSession(transaction, session)
    await recordAudit(transaction, now, [
      { actor: `key:${key.id}`, action: 'session.create', object: `api_key:${key.id}` },
    ])
  })
  if (previousId !== undefined) sessions.forget(previousId)
  return { session, token: tokenOf(signer, session, key.generation, now) }
}

/** Signs out: the session ends at once here, and within five seconds in every other process (S16). */
export async function deleteSession({ db, clock, sessions }: SessionDependencies, session: SessionRow): Promise<void> {
  const now = clock.now()
  await inWriteTransaction(db, async (transaction) => {
    await deleteSessionRow(transaction, session.id)
    await recordAudit(transaction, now, [
      { actor: `key:${session.api_key_id}`, action: 'session.delete', object: `api_key:${session.api_key_id}` },
    ])
  })
  sessions.forget(session.id)
}

/** Renews a session that is used, about once a minute: a new cookie, or undefined while the present one will do. */
export async function renewSession(
  { db, clock, signer, sessions }: SessionDependencies,
  session: SessionRow,
  generation: number,
): Promise<OpenSession | undefined> {
  const now = clock.now()
  if (now - session.last_used_at < renewAfterMs) return undefined
  if (!(await touchSession(db, session.id, now))) return undefined
  sessions.forget(session.id)
  const renewed = { ...session, last_used_at: now }
  return { session: renewed, token: tokenOf(signer, renewed, generation, now) }
}

/** The session as the API shows it. */
export function toSession({ csrf }: SessionDependencies, row: SessionRow): Session {
  const expiresAt = row.created_at + longestMs
  return {
    csrfToken: csrf.tokenOf(row.id),
    idleUntil: timestamp(Math.min(row.last_used_at + idleMs, expiresAt)),
    expiresAt: timestamp(expiresAt),
  }
}

/** Says which sessions are live, from what is at most five seconds old (S16). */
export interface SessionCache {
  /** Undefined once the session has ended: by signing out, by rest, by age, with its key. */
  findSession(id: string): Promise<SessionRow | undefined>
  forget(id: string): void
}

const maximumAgeMs = 4_000
const maximumEntries = 10_000

export function createSessionCache(db: Database, clock: Clock): SessionCache {
  const known = new Map<string, { readonly row: SessionRow | undefined; readonly until: number }>()
  return {
    findSession: async (id) => {
      const now = clock.now()
      let entry = known.get(id)
      if (!entry || entry.until <= now) {
        entry = { row: await findSessionRow(db, id), until: now + maximumAgeMs }
        if (known.size >= maximumEntries) known.clear()
        known.set(id, entry)
      }
      return entry.row && isLive(entry.row, now) ? entry.row : undefined
    },
    forget: (id) => {
      known.delete(id)
    },
  }
}

function isLive({ created_at, last_used_at }: SessionRow, now: number): boolean {
  return now < created_at + longestMs && now < last_used_at + idleMs
}

function tokenOf(signer: TokenSigner, session: SessionRow, generation: number, now: number): string {
  return signer.sign({ keyId: session.api_key_id, audience: 'ui', generation, sessionId: session.id }, now).token
}
