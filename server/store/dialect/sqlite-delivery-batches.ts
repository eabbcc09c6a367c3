import SqliteDatabase from 'better-sqlite3'
import type { ReceivedDelivery, StoreOutcome } from '../delivery-writer.ts'
import { isDiskFull } from './disk-reserve.ts'
import type { BatchFailure, BatchStore } from './group-commit.ts'
import { openSqliteConnection } from './sqlite-connection.ts'

/** More would keep the event loop from everything else for too long. */
const maxBatch = 128

/**
 * Stores batches through a connection of its own: another part's open transaction must not carry deliveries along.
 * It never waits for that transaction while holding the event loop, which the other part needs to finish. After a write
 * or a flush that failed the connection is closed, and the next batch opens another, which reads the log as it is: a
 * second flush on the same one would succeed as if nothing had been (F5).
 */
export function sqliteDeliveryBatches(file: string): BatchStore {
  let connection: BatchConnection | undefined = openBatchConnection(file)
  return {
    maxBatch,
    maxInFlight: 1,
    store(batch) {
      connection ??= openBatchConnection(file)
      try {
        return connection.store(batch)
      } catch (error) {
        if (failureOf(error) === 'unavailable') {
          connection.close()
          connection = undefined
        }
        throw error
      }
    },
    failureOf,
    close() {
      connection?.close()
    },
  }
}

interface BatchConnection {
  store(batch: readonly ReceivedDelivery[]): StoreOutcome[]
  close(): void
}

function openBatchConnection(file: string): BatchConnection {
  const connection = openSqliteConnection(file, { busyTimeoutMs: 0 })
  const begin = connection.prepare('begin immediate')
  const commit = connection.prepare('commit')
  const rollback = connection.prepare('rollback')
  const insertKey = connection.prepare(`
    insert into delivery_key (integration_id, request_id, body_digest, delivery_id, duplicates, created_at)
    values (?, ?, ?, ?, 0, ?)
    on conflict (integration_id, request_id, body_digest) do nothing`)
  const countDuplicate = connection
    .prepare<[number, string, string | null, string], string>(`
      update delivery_key set duplicates = duplicates + 1, last_duplicate_at = ?
      where integration_id = ? and request_id = ? and body_digest = ?
      returning delivery_id`)
    .pluck()
  const insertDelivery = connection.prepare(`
    insert into delivery (id, integration_id, request_id, event_key, headers, received_at, size, secret_version,
      body_digest, state, not_before, attempts, body)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', 0, 0, ?)`)

  function storeOne(delivery: ReceivedDelivery): StoreOutcome {
    const { id, integrationId, requestId, bodyDigest, receivedAt, body } = delivery
    if (requestId !== null && insertKey.run(integrationId, requestId, bodyDigest, id, receivedAt).changes === 0) {
      const first = countDuplicate.get(receivedAt, integrationId, requestId, bodyDigest)
      if (first === undefined) throw new Error('A delivery key vanished inside a transaction.')
      return { kind: 'duplicate', id: first }
    }
    insertDelivery.run(
      id,
      integrationId,
      requestId,
      delivery.eventKey,
      delivery.headers,
      receivedAt,
      body.length,
      delivery.secretVersion,
      bodyDigest,
      body,
    )
    return { kind: 'stored', id }
  }

  return {
    store(batch) {
      begin.run()
      try {
        const outcomes = batch.map(storeOne)
        commit.run()
        return outcomes
      } catch (error) {
        if (connection.inTransaction) rollback.run()
        throw error
      }
    },
    close() {
      connection.close()
    },
  }
}

function failureOf(error: unknown): BatchFailure {
  if (!(error instanceof SqliteDatabase.SqliteError)) return 'unavailable'
  if (error.code.startsWith('SQLITE_BUSY')) return 'busy'
  if (isDiskFull(error)) return 'full'
  return /^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)/.test(error.code) ? 'data' : 'unavailable'
}
