import type { Kysely, Migration } from 'kysely'
import { makeAuditAppendOnly } from '../dialect/append-only.ts'
import { columnTypes, createTable } from '../dialect/columns.ts'
import type { Tables } from '../tables.ts'

/** Each audit row's place in a chain, and triggers that keep what is written (S71). */
export const auditChain: Migration = { up }

async function up(db: Kysely<unknown>): Promise<void> {
  const { text, integer, long } = columnTypes(db)
  // Null until the row has its place: what was written before is chained at the first start, which has the key.
  await db.schema.alterTable('audit').addColumn('sequence', long).execute()
  await db.schema.alterTable('audit').addColumn('mac', text).execute()
  await db.schema.alterTable('audit').addColumn('mac_key', text).execute()
  await db.schema.createIndex('audit_sequence').unique().on('audit').column('sequence').execute()
  for (const column of ['actor', 'action', 'object']) {
    await db.schema.createIndex(`audit_${column}`).on('audit').columns([column, 'sequence']).execute()
  }
  await db.schema.createIndex('audit_at').on('audit').column('at').execute()
  await createTable(db, 'audit_head')
    .addColumn('id', integer, (column) => column.primaryKey())
    .addColumn('sequence', long, (column) => column.notNull())
    .addColumn('mac', text, (column) => column.notNull())
    .execute()
  await db
    .withTables<Pick<Tables, 'audit_head'>>()
    .insertInto('audit_head')
    .values({ id: 1, sequence: 0, mac: '0'.repeat(64) })
    .execute()
  await makeAuditAppendOnly(db)
}
