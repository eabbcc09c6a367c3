import { Problem } from '../../schemas/problem.ts'
import { type Audience, audienceOfKey } from '../core/audiences.ts'
import type { Caller } from '../core/authorise.ts'
import type { Clock } from '../core/clock.ts'
import { findLiveKeyWithRoles, holdApiKey, type KeyWithRoles } from '../store/api-keys.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import { lockSpaces } from '../store/spaces.ts'
import type { Database } from '../store/tables.ts'
import { labelsOf } from './installation.ts'

/** Whom a key stands for, as it is known. */
export interface KnownKey {
  readonly caller: Caller
  readonly audience: Audience
  readonly generation: number
  readonly expiresAt: number | null
}

/** Says whom a key stands for; revocation, roles and narrowing are read from the database, at most five seconds old (S16). */
export interface CallerCache {
  /**
   * Gives the key's caller; undefined where it has ended. A token of a generation that is not known yet proves that
   * what is known is old.
   */
  findKey(keyId: string, generation: number): Promise<KnownKey | undefined>
  forget(keyId: string): void
}

const maximumAgeMs = 4_000
const maximumEntries = 10_000

export function createCallerCache(db: Database, clock: Clock): CallerCache {
  const known = new Map<string, { readonly key: KnownKey | undefined; readonly until: number }>()
  return {
    findKey: async (keyId, generation) => {
      const now = clock.now()
      const entry = known.get(keyId)
      if (entry && entry.until > now && (entry.key?.generation ?? generation) >= generation) return entry.key
      const found = await findLiveKeyWithRoles(db, keyId, now)
      const key = found && knownKey(found)
      if (known.size >= maximumEntries) known.clear()
      known.set(keyId, { key, until: Math.min(now + maximumAgeMs, key?.expiresAt ?? Number.POSITIVE_INFINITY) })
      return key
    },
    forget: (keyId) => {
      known.delete(keyId)
    },
  }
}

/**
 * Changes something as the caller, with the rights that he has at that moment (S20). No other change of spaces,
 * integrations, attachments, users and keys happens meanwhile.
 */
export async function changeAs<Result>(
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  caller: Caller,
  act: (transaction: Database, present: Caller) => Promise<Result>,
): Promise<Result> {
  return inWriteTransaction(db, async (transaction) => {
    await lockSpaces(transaction)
    return act(transaction, await presentCaller(transaction, caller, clock.now()))
  })
}

/**
 * The caller with the rights that he has now; to be called in the transaction that writes what he asked for, after
 * `lockSpaces` where that is called at all. His key's row stays held until the transaction ends, and whoever takes a
 * right away writes that row: one waits for the other, so no right is used after it was taken away (S20).
 */
export async function presentCaller(transaction: Database, caller: Caller, now: number): Promise<Caller> {
  if (caller.keyId === null) return caller
  await holdApiKey(transaction, caller.keyId)
  // A statement of its own: on PostgreSQL only what begins after the wait sees what was waited for.
  const found = await findLiveKeyWithRoles(transaction, caller.keyId, now)
  if (!found) throw unauthenticated()
  return knownKey(found).caller
}

/** The one answer for a missing, unreadable, expired or revoked token. */
export function unauthenticated(): Problem {
  return new Problem(
    'unauthenticated',
    'Send "Authorization: Bearer <token>" with a token from POST /api/v1/token that has not expired and whose API key is not revoked.',
  )
}

function knownKey({ key, userRoles }: KeyWithRoles): KnownKey {
  const own = key.role === 'bootstrap' || key.role === 'user' ? [] : [{ role: key.role, spaceId: key.space_id }]
  return {
    caller: {
      kind: key.role === 'bootstrap' ? 'bootstrap' : 'account',
      keyId: key.id,
      userId: key.user_id,
      grants: key.role === 'user' ? userRoles : own,
      integrations: key.integrations === null ? null : new Set(labelsOf(key.integrations)),
    },
    audience: audienceOfKey(key.role),
    generation: key.generation,
    expiresAt: key.expires_at,
  }
}
