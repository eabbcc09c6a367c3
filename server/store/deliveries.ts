import type { Selectable } from 'kysely'
import type { Page, PageRequest } from '../../schemas/page.ts'
import { comparableRowIds, readPage } from './keyset-page.ts'
import type { Database, Tables } from './tables.ts'

/** A delivery as it is shown: without headers and body, which no list reads (L14). */
export type DeliveryRow = Omit<
  Selectable<Tables['delivery']>,
  'headers' | 'body' | 'body_digest' | 'lease_until' | 'not_before' | 'processed_at'
> & {
  /** Null where nothing is remembered of its request id. */
  readonly duplicates: number | null
}

export interface DeliveryFilter extends PageRequest {
  /** The integration's row id. */
  readonly integrationId: string
  readonly state?: 'queued' | 'processed' | undefined
}

function selectDeliveries(db: Database) {
  return db
    .selectFrom('delivery')
    .leftJoin('delivery_key', 'delivery_key.delivery_id', 'delivery.id')
    .select([
      'delivery.id as id',
      'delivery.integration_id as integration_id',
      'delivery.request_id as request_id',
      'delivery.event_key as event_key',
      'delivery.received_at as received_at',
      'delivery.size as size',
      'delivery.secret_version as secret_version',
      'delivery.state as state',
      'delivery.attempts as attempts',
      'delivery.verdict as verdict',
      'delivery.reason as reason',
      'delivery.detail as detail',
      'delivery_key.duplicates as duplicates',
    ])
}

/** Lists an integration's deliveries, newest first. */
export function listDeliveryRows(db: Database, filter: DeliveryFilter): Promise<Page<DeliveryRow>> {
  const { integrationId, ids, state } = filter
  return readPage(
    'deliveries',
    filter,
    (row) => [row.id],
    ([after] = [], limit) =>
      selectDeliveries(db)
        .where('delivery.integration_id', '=', integrationId)
        .$if(ids !== undefined, (query) => query.where('delivery.id', 'in', comparableRowIds(ids)))
        .$if(state !== undefined, (query) => query.where('delivery.state', '=', state ?? 'queued'))
        .$if(after !== undefined, (query) => query.where('delivery.id', '<', after ?? ''))
        .orderBy('delivery.id', 'desc')
        .limit(limit)
        .execute(),
  )
}

export function findDeliveryRow(db: Database, id: string): Promise<DeliveryRow | undefined> {
  return selectDeliveries(db).where('delivery.id', '=', id).executeTakeFirst()
}

/** The runs that the deliveries started, by delivery, in the order of their creation. */
export async function listRunIdsByDelivery(
  db: Database,
  deliveryIds: readonly string[],
): Promise<Map<string, string[]>> {
  const runs = new Map<string, string[]>(deliveryIds.map((id) => [id, []]))
  if (deliveryIds.length === 0) return runs
  const rows = await db
    .selectFrom('run')
    .select(['id', 'delivery_id'])
    .where('delivery_id', 'in', deliveryIds)
    .orderBy('id')
    .execute()
  for (const { id, delivery_id } of rows) if (delivery_id !== null) runs.get(delivery_id)?.push(id)
  return runs
}
