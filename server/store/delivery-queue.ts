import { type ExpressionBuilder, type Selectable, sql } from 'kysely'
import { claimRows } from './dialect/transactions.ts'
import type { Database, Tables } from './tables.ts'

/** A larger body is read alone, when its turn comes, so that a batch of them does not fill the memory. */
const inlineBodyBytes = 256 * 1024

type Row = Selectable<Tables['delivery']>

/** A delivery that this process works on until its lease ends. */
export interface ClaimedDelivery
  extends Pick<
    Row,
    'id' | 'integration_id' | 'event_key' | 'received_at' | 'secret_version' | 'body_digest' | 'attempts'
  > {
  /** Null where it is too large to come along: `readBody` gives it. */
  readonly body: Uint8Array | null
}

/** Names one claim: a delivery claimed again has another number of attempts, so that an old claim cannot write. */
export type Claim = Pick<ClaimedDelivery, 'id' | 'attempts'>

/** What became of a delivery. */
export interface Verdict {
  readonly verdict: 'accepted' | 'ignored' | 'unreadable'
  readonly reason: string | null
  readonly detail: string | null
}

/** The lease of a claim ended, and another process has the delivery: nothing of this claim may be written. */
export class LostClaimError extends Error {
  constructor() {
    super('Another process has claimed a delivery of this batch, since the lease on it had ended.')
    this.name = 'LostClaimError'
  }
}

export interface ClaimRequest {
  readonly now: number
  readonly leaseUntil: number
  readonly limit: number
  /** Integrations whose deliveries this process works on already: theirs stay in order. */
  readonly except: readonly string[]
}

/** No lease and no wait is longer: one that ends later was written by a clock that was wrong (F15). */
const longestMs = 3_600_000

/** Claims the oldest deliveries that are due, in order (L1). Several processes never claim the same one. */
export async function claimDeliveries(db: Database, request: ClaimRequest): Promise<ClaimedDelivery[]> {
  const { now, leaseUntil, limit, except } = request
  const due = db
    .selectFrom('delivery')
    .select('id')
    .where('state', '=', 'queued')
    .where((eb) => eb.or([eb('not_before', '<=', now), eb('not_before', '>', now + longestMs)]))
    .where((eb) =>
      eb.or([eb('lease_until', 'is', null), eb('lease_until', '<=', now), eb('lease_until', '>', now + longestMs)]),
    )
    .$if(except.length > 0, (query) => query.where('integration_id', 'not in', except))
    .orderBy('id')
    .limit(limit)
    .$call(claimRows(db))
  const rows = await db
    .updateTable('delivery')
    .set((eb) => ({ lease_until: leaseUntil, attempts: eb('attempts', '+', 1) }))
    .where('id', 'in', due)
    .returning(['id', 'integration_id', 'event_key', 'received_at', 'secret_version', 'body_digest', 'attempts'])
    .returning((eb) => eb.case().when('size', '<=', inlineBodyBytes).then(eb.ref('body')).end().as('body'))
    .execute()
  return rows.sort((one, other) => (one.id < other.id ? -1 : 1))
}

export async function readBody(db: Database, id: string): Promise<Uint8Array | undefined> {
  const row = await db.selectFrom('delivery').select('body').where('id', '=', id).executeTakeFirst()
  return row?.body
}

/** Keeps the deliveries for as long as they are worked on. */
export async function renewLeases(db: Database, ids: readonly string[], leaseUntil: number): Promise<void> {
  if (ids.length === 0) return
  await db
    .updateTable('delivery')
    .set({ lease_until: leaseUntil })
    .where('id', 'in', ids)
    .where('state', '=', 'queued')
    .execute()
}

export interface Deferral extends Claim {
  readonly notBefore: number
  /** What it waits for, in words; null leaves the words as they are. */
  readonly detail: string | null
}

/** Puts deliveries back into the queue, not to be claimed before their time. A lost claim changes nothing. */
export async function deferDeliveries(db: Database, deferrals: readonly Deferral[]): Promise<void> {
  if (deferrals.length === 0) return
  await db
    .updateTable('delivery')
    .set((eb) => ({
      lease_until: null,
      not_before: byId(eb, deferrals, ({ notBefore }) => sql<number>`cast(${notBefore} as bigint)`),
      detail: byId(eb, deferrals, ({ detail }) => sql<string | null>`coalesce(${detail}, detail)`),
    }))
    .where((eb) => isClaimed(eb, deferrals))
    .execute()
}

/** Gives the leases back, so that another process need not wait for their end. */
export async function releaseDeliveries(db: Database, claims: readonly Claim[]): Promise<void> {
  if (claims.length === 0) return
  await db
    .updateTable('delivery')
    .set({ lease_until: null })
    .where((eb) => isClaimed(eb, claims))
    .execute()
}

/**
 * Marks a batch as processed, in one statement (L1). Call it in the transaction that writes what the deliveries led to.
 *
 * @throws LostClaimError when another process has one of them meanwhile
 */
export async function finishDeliveries(
  db: Database,
  finished: readonly (Claim & Verdict)[],
  now: number,
): Promise<void> {
  if (finished.length === 0) return
  const rows = await db
    .updateTable('delivery')
    .set((eb) => ({
      state: 'processed' as const,
      lease_until: null,
      processed_at: now,
      verdict: byId(eb, finished, ({ verdict }) => sql<string>`${verdict}`),
      reason: byId(eb, finished, ({ reason }) => sql<string | null>`${reason}`),
      detail: byId(eb, finished, ({ detail }) => sql<string | null>`${detail}`),
    }))
    .where((eb) => isClaimed(eb, finished))
    .returning('id')
    .execute()
  if (rows.length !== finished.length) throw new LostClaimError()
}

/**
 * Which of these bodies were processed before, under another request id (S2). Gives the ids of the deliveries that
 * repeat one, each with the delivery that it repeats.
 */
export async function findReplayed(
  db: Database,
  integrationId: string,
  deliveries: readonly ClaimedDelivery[],
): Promise<Map<string, string>> {
  if (deliveries.length === 0) return new Map()
  const rows = await db
    .selectFrom('body_key')
    .select(['secret_version', 'body_digest', 'delivery_id'])
    .where('integration_id', '=', integrationId)
    .where('body_digest', 'in', [...new Set(deliveries.map((delivery) => delivery.body_digest))])
    .execute()
  const firsts = new Map(rows.map((row) => [bodyKey(row), row.delivery_id]))
  const replayed = new Map<string, string>()
  for (const delivery of deliveries) {
    const first = firsts.get(bodyKey(delivery))
    if (first === undefined) firsts.set(bodyKey(delivery), delivery.id)
    else if (first !== delivery.id) replayed.set(delivery.id, first)
  }
  return replayed
}

/**
 * Remembers the bodies as processed, in the transaction that processes them. Gives the deliveries whose body another
 * one has brought meanwhile: they must not have an effect.
 */
export async function rememberBodies(
  db: Database,
  deliveries: readonly ClaimedDelivery[],
  now: number,
): Promise<Set<string>> {
  const repeated = new Set(deliveries.map(({ id }) => id))
  if (deliveries.length === 0) return repeated
  const rows = await db
    .insertInto('body_key')
    .values(
      deliveries.map(({ id, integration_id, secret_version, body_digest }) => ({
        integration_id,
        secret_version,
        body_digest,
        delivery_id: id,
        created_at: now,
      })),
    )
    .onConflict((conflict) => conflict.columns(['integration_id', 'secret_version', 'body_digest']).doNothing())
    .returning('delivery_id')
    .execute()
  for (const { delivery_id } of rows) repeated.delete(delivery_id)
  return repeated
}

/** A delivery that waits, and until when. */
export interface Waiting {
  readonly id: string
  readonly detail: string
  readonly notBefore: number
}

/**
 * Finds, for each of the details, the first delivery of the integration that waits with it: later ones of the same
 * repository wait behind it (R46).
 */
export async function findWaiting(
  db: Database,
  integrationId: string,
  details: readonly string[],
): Promise<Map<string, Waiting>> {
  if (details.length === 0) return new Map()
  const rows = await db
    .selectFrom('delivery')
    .select(['detail', (eb) => eb.fn.max('not_before').as('notBefore')])
    // uuid has no min() on PostgreSQL before 17; its text has the same order.
    .select(sql<string>`min(cast(id as text))`.as('id'))
    .where('integration_id', '=', integrationId)
    .where('state', '=', 'queued')
    .where('detail', 'in', [...details])
    .groupBy('detail')
    .execute()
  return new Map(
    rows.flatMap(({ id, detail, notBefore }) =>
      detail === null ? [] : [[detail, { id, detail, notBefore }] as const],
    ),
  )
}

/** Deletes up to a thousand dedupe keys of deliveries received before that time (L12), and says how many. */
export async function deleteOldDeliveryKeys(db: Database, before: number): Promise<number> {
  const old = db
    .selectFrom('delivery_key')
    .select('delivery_id')
    .where('delivery_id', '<', smallestIdAt(before))
    .orderBy('delivery_id')
    .limit(1000)
  const deleted = await db.deleteFrom('delivery_key').where('delivery_id', 'in', old).executeTakeFirst()
  return Number(deleted.numDeletedRows)
}

/** Where the UUIDv7s of that millisecond begin. */
function smallestIdAt(time: number): string {
  const hex = Math.max(0, time).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

function bodyKey(row: { readonly secret_version: number; readonly body_digest: string }): string {
  return `${row.secret_version} ${row.body_digest}`
}

type Eb = ExpressionBuilder<Tables, 'delivery'>

function isClaimed(eb: Eb, claims: readonly Claim[]) {
  return eb.and([
    eb(
      'id',
      'in',
      claims.map(({ id }) => id),
    ),
    eb('state', '=', 'queued'),
    eb(
      'attempts',
      '=',
      byId(eb, claims, ({ attempts }) => sql<number>`cast(${attempts} as integer)`),
    ),
  ])
}

/** `case id when … then … end`: another value for each row, in one statement that both databases understand. */
function byId<Each extends Claim, Value>(
  _: Eb,
  rows: readonly Each[],
  pick: (row: Each) => ReturnType<typeof sql<Value>>,
) {
  const cases = rows.map((row) => sql`when ${row.id} then ${pick(row)}`)
  return sql<Value>`case id ${sql.join(cases, sql` `)} end`
}
