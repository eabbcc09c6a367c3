import pg from 'pg'
import { timeOfUuidv7 } from '../../core/uuid-v7.ts'
import type { DeliveryWriterEvents, DeliveryWriterOptions, ReceivedDelivery, StoreOutcome } from '../delivery-writer.ts'
import { partitionStatements } from './delivery-partitions.ts'
import { isDiskFull } from './disk-reserve.ts'
import type { BatchFailure, BatchStore } from './group-commit.ts'
import { createPostgresPool } from './postgres-pool.ts'

/** Two: while one commits, the next is being filled and sent. */
const maxInFlight = 2
const maxBatch = 64
const queryTimeoutMs = 8_000

/**
 * Stores batches with one statement each, through two connections of its own. Several processes may store the same
 * delivery at once: the key's unique index lets one win, and the others wait for its commit (R35, L12).
 */
export function postgresDeliveryBatches(
  url: string,
  events: DeliveryWriterEvents,
  { preparedStatements }: DeliveryWriterOptions,
): BatchStore {
  const pool = createPostgresPool(url, maxInFlight, events.onFailure, queryTimeoutMs)

  async function store(batch: readonly ReceivedDelivery[]): Promise<StoreOutcome[]> {
    const groups = groupByKey(batch)
    const { name, text } = statementFor(groups.length)
    const statement = preparedStatements ? { name, text } : { text }
    const query = { ...statement, values: groups.flatMap(parametersOf), rowMode: 'array' }
    const { rows } = await pool.query<[string, string, string, string]>(query)
    const firsts = new Map(rows.map(([integration, request, digest, id]) => [keyOf(integration, request, digest), id]))
    const outcomes = new Map<ReceivedDelivery, StoreOutcome>()
    for (const { key, first, copies } of groups) {
      const id = firsts.get(key) ?? first.id
      outcomes.set(first, { kind: id === first.id ? 'stored' : 'duplicate', id })
      for (const copy of copies) outcomes.set(copy, { kind: 'duplicate', id })
    }
    return batch.map((delivery) => outcomes.get(delivery) ?? { kind: 'unavailable' })
  }

  /** In one transaction, so that of several processes one makes it and the others find it. */
  async function makePartitions(batch: readonly ReceivedDelivery[]): Promise<void> {
    const client = await pool.connect()
    try {
      for (const { id } of batch) {
        for (const statement of ['begin', ...partitionStatements(timeOfUuidv7(id)), 'commit']) {
          await client.query(statement)
        }
      }
      client.release()
    } catch (error) {
      client.release(true)
      throw error
    }
  }

  return {
    maxBatch,
    maxInFlight,
    async store(batch) {
      try {
        return await store(batch)
      } catch (error) {
        if (!isMissingPartition(error)) throw error
        events.onMissingPartition()
        await makePartitions(onePerDay(batch))
        return store(batch)
      }
    },
    failureOf,
    close: () => pool.end(),
  }
}

interface Group {
  readonly key: string
  readonly first: ReceivedDelivery
  /** The same delivery again, within one batch. */
  readonly copies: ReceivedDelivery[]
}

/** Sorted by key, as every process does: two batches with the same keys in other orders would wait for each other. */
function groupByKey(batch: readonly ReceivedDelivery[]): Group[] {
  const groups = new Map<string, Group>()
  for (const delivery of batch) {
    const { integrationId, requestId, bodyDigest, id } = delivery
    const key = requestId === null ? `only ${id}` : keyOf(integrationId, requestId, bodyDigest)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { key, first: delivery, copies: [] })
    else group.copies.push(delivery)
  }
  return [...groups.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}

function keyOf(integrationId: string, requestId: string, bodyDigest: string): string {
  return `${integrationId} ${bodyDigest} ${requestId}`
}

function onePerDay(batch: readonly ReceivedDelivery[]): ReceivedDelivery[] {
  return [...new Map(batch.map((each) => [Math.floor(timeOfUuidv7(each.id) / 86_400_000), each])).values()]
}

/** Classes 22, 23 and 54: a value, a constraint, a limit. */
function failureOf(error: unknown): BatchFailure {
  if (isDiskFull(error)) return 'full'
  return error instanceof pg.DatabaseError && /^(22|23|54)/.test(error.code ?? '') ? 'data' : 'unavailable'
}

function isMissingPartition(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '23514' && /no partition/.test(error.message)
}

const columns = [
  'uuid', // id
  'uuid', // integration_id
  'text', // request_id
  'text', // event_key
  'text', // headers
  'bigint', // received_at
  'integer', // size
  'integer', // secret_version
  'text', // body_digest
  'bytea', // body
  'integer', // copies
]

function parametersOf({ first, copies }: Group): unknown[] {
  return [
    first.id,
    first.integrationId,
    first.requestId,
    first.eventKey,
    first.headers,
    first.receivedAt,
    first.body.length,
    first.secretVersion,
    first.bodyDigest,
    first.body,
    copies.length,
  ]
}

const statements: { readonly name: string; readonly text: string }[] = []

/** One statement for each number of rows, which a connection prepares once. */
function statementFor(rows: number): { readonly name: string; readonly text: string } {
  const known = statements[rows]
  if (known !== undefined) return known
  const statement = { name: `store_${rows}`, text: textFor(rows) }
  statements[rows] = statement
  return statement
}

function textFor(rows: number): string {
  const tuples = Array.from({ length: rows }, (_, row) => {
    const values = columns.map((type, column) => `$${row * columns.length + column + 1}::${type}`)
    return `(${values.join(', ')})`
  })
  // A key that is there already counts the duplicate, unless it is our own: then an earlier attempt, whose answer
  // was lost, had stored the delivery.
  return `
    with incoming (id, integration_id, request_id, event_key, headers, received_at, size, secret_version, body_digest,
      body, copies) as (values ${tuples.join(', ')}),
    keys as (
      insert into delivery_key as known
        (integration_id, request_id, body_digest, delivery_id, duplicates, last_duplicate_at, created_at)
      select integration_id, request_id, body_digest, id, copies, case when copies > 0 then received_at end, received_at
      from incoming where request_id is not null
      on conflict (integration_id, request_id, body_digest) do update set
        duplicates = known.duplicates
          + case when known.delivery_id = excluded.delivery_id then 0 else excluded.duplicates + 1 end,
        last_duplicate_at = case when known.delivery_id = excluded.delivery_id then known.last_duplicate_at
          else excluded.created_at end
      returning integration_id, request_id, body_digest, delivery_id
    ),
    stored as (
      insert into delivery (id, integration_id, request_id, event_key, headers, received_at, size, secret_version,
        body_digest, body, state, not_before, attempts)
      select id, integration_id, request_id, event_key, headers, received_at, size, secret_version, body_digest, body,
        'queued', 0, 0
      from incoming where request_id is null or id in (select delivery_id from keys)
      on conflict do nothing
    )
    select integration_id, request_id, body_digest, delivery_id from keys`
}
