import { inWriteTransaction, lockRows } from './dialect/transactions.ts'
import type { Database } from './tables.ts'

/** How long a key stands for its first request (R202). */
const keptMs = 24 * 60 * 60 * 1000
/** How long a process that has fallen silent keeps a key to itself. */
export const leaseMs = 60_000
/** Live keys of one caller (S22). */
const mostKeys = 1_000

export interface KeyedRequest {
  readonly apiKeyId: string
  readonly key: string
  /** The digest of the request; under each key that digests were made with, the present one first. */
  readonly digests: readonly [string, ...string[]]
  /** The digest of what the caller is allowed. */
  readonly grantsDigest: string
}

export type Beginning =
  /** Nobody has begun it, or whoever had fell silent: it is the caller's now, as long as the lease lives. */
  | { readonly kind: 'begun'; readonly lease: string }
  | { readonly kind: 'answered'; readonly status: number; readonly answer: string | null }
  | { readonly kind: 'running'; readonly until: number }
  | { readonly kind: 'other_request' }
  | { readonly kind: 'other_grants' }
  | { readonly kind: 'too_many' }

/** Takes the key for a request, or says why not. `lease` is a new UUID, by which the taker is known. */
export function beginKeyed(db: Database, request: KeyedRequest, lease: string, now: number): Promise<Beginning> {
  const { apiKeyId, key, digests, grantsDigest } = request
  return inWriteTransaction(db, async (transaction) => {
    // One request of a caller after the other, so that a key is never taken twice and the keys are counted right.
    await transaction
      .selectFrom('api_key')
      .select('id')
      .where('id', '=', apiKeyId)
      .$call(lockRows(transaction))
      .execute()
    const row = await transaction
      .selectFrom('idempotency_key')
      .selectAll()
      .where('api_key_id', '=', apiKeyId)
      .where('key', '=', key)
      .executeTakeFirst()
    const held = { lease, lease_until: now + leaseMs }
    if (row && row.expires_at > now) {
      if (!digests.includes(row.request_digest)) return { kind: 'other_request' }
      if (row.grants_digest !== grantsDigest) return { kind: 'other_grants' }
      if (row.status !== null) return { kind: 'answered', status: row.status, answer: row.answer }
      if (row.lease_until !== null && row.lease_until > now) return { kind: 'running', until: row.lease_until }
      await transaction
        .updateTable('idempotency_key')
        .set(held)
        .where('api_key_id', '=', apiKeyId)
        .where('key', '=', key)
        .execute()
      return { kind: 'begun', lease }
    }
    if (await hasTooMany(transaction, apiKeyId, now)) return { kind: 'too_many' }
    const fresh = {
      request_digest: digests[0],
      grants_digest: grantsDigest,
      ...held,
      status: null,
      answer: null,
      expires_at: now + keptMs,
    }
    await transaction
      .insertInto('idempotency_key')
      .values({ api_key_id: apiKeyId, key, ...fresh })
      .onConflict((conflict) => conflict.columns(['api_key_id', 'key']).doUpdateSet(fresh))
      .execute()
    return { kind: 'begun', lease }
  })
}

/** Keeps the lease of a request that takes long. */
export async function renewLease(db: Database, lease: string, request: KeyedRequest, now: number): Promise<void> {
  await own(db, lease, request)
    .set({ lease_until: now + leaseMs })
    .execute()
}

/** Keeps what the request was answered; the lease ends. */
export async function finishKeyed(
  db: Database,
  lease: string,
  request: KeyedRequest,
  status: number,
  answer: string | null,
): Promise<void> {
  await own(db, lease, request).set({ status, answer, lease: null, lease_until: null }).execute()
}

/** Forgets a request that came to nothing: the next one with the key is the first. */
export async function abandonKeyed(db: Database, lease: string, { apiKeyId, key }: KeyedRequest): Promise<void> {
  await db
    .deleteFrom('idempotency_key')
    .where('api_key_id', '=', apiKeyId)
    .where('key', '=', key)
    .where('lease', '=', lease)
    .execute()
}

/** Deletes keys whose day is over, at most so many; says how many it were. To be called every now and then. */
export async function deleteExpiredKeys(db: Database, now: number, atMost = 1_000): Promise<number> {
  const expired = await db
    .selectFrom('idempotency_key')
    .select(['api_key_id', 'key'])
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .limit(atMost)
    .execute()
  if (expired.length === 0) return 0
  const result = await db
    .deleteFrom('idempotency_key')
    .where('expires_at', '<=', now)
    .where(
      'key',
      'in',
      expired.map(({ key }) => key),
    )
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}

function own(db: Database, lease: string, { apiKeyId, key }: KeyedRequest) {
  return db
    .updateTable('idempotency_key')
    .where('api_key_id', '=', apiKeyId)
    .where('key', '=', key)
    .where('lease', '=', lease)
}

async function hasTooMany(db: Database, apiKeyId: string, now: number): Promise<boolean> {
  const live = await db
    .selectFrom('idempotency_key')
    .select('key')
    .where('api_key_id', '=', apiKeyId)
    .where('expires_at', '>', now)
    .limit(mostKeys)
    .execute()
  return live.length >= mostKeys
}
