import type { Kysely, Migration } from 'kysely'
import { columnTypes, createTable } from '../dialect/columns.ts'

/** Which writes were asked for with an Idempotency-Key, and what they were answered (R202). */
export const idempotency: Migration = { up }

async function up(db: Kysely<unknown>): Promise<void> {
  const { uuid, text, integer, long } = columnTypes(db)
  await createTable(db, 'idempotency_key')
    .addColumn('api_key_id', uuid, (column) => column.notNull().references('api_key.id').onDelete('cascade'))
    .addColumn('key', text, (column) => column.notNull())
    .addColumn('request_digest', text, (column) => column.notNull())
    .addColumn('grants_digest', text, (column) => column.notNull())
    .addColumn('lease', uuid)
    .addColumn('lease_until', long)
    .addColumn('status', integer)
    .addColumn('answer', text)
    .addColumn('expires_at', long, (column) => column.notNull())
    .addPrimaryKeyConstraint('idempotency_key_pkey', ['api_key_id', 'key'])
    .execute()
  await db.schema.createIndex('idempotency_key_expiry').on('idempotency_key').column('expires_at').execute()
  await db.schema
    .createIndex('idempotency_key_live')
    .on('idempotency_key')
    .columns(['api_key_id', 'expires_at'])
    .execute()
}
