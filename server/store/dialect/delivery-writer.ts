import type { DeliveryWriter, DeliveryWriterEvents, DeliveryWriterOptions } from '../delivery-writer.ts'
import { groupCommit } from './group-commit.ts'
import { kindOfUrl } from './kind.ts'
import { postgresDeliveryBatches } from './postgres-delivery-batches.ts'
import { sqliteFile } from './sqlite-connection.ts'
import { sqliteDeliveryBatches } from './sqlite-delivery-batches.ts'

/** Opens the receiver's own way into either database, which must be migrated. */
export function createDeliveryWriter(
  url: string,
  events: DeliveryWriterEvents,
  options: DeliveryWriterOptions = { preparedStatements: true },
): DeliveryWriter {
  const batches =
    kindOfUrl(url) === 'postgres'
      ? postgresDeliveryBatches(url, events, options)
      : sqliteDeliveryBatches(sqliteFile(url))
  return groupCommit(batches, events)
}
