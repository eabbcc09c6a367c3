import { type Kysely, type Migration, sql } from 'kysely'
import { columnTypes } from '../dialect/columns.ts'
import type { Tables } from '../tables.ts'

/** Modules stand beside stacks in one table (R71); what was saved without asking Bitbucket says so (R29). */
export const modules: Migration = { up }

async function up(db: Kysely<unknown>): Promise<void> {
  const { text, integer } = columnTypes(db)
  await db.schema
    .alterTable('stack')
    .addColumn('kind', text, (column) => column.notNull().defaultTo('stack'))
    .execute()
  await db.schema
    .alterTable('stack')
    .addColumn('verified', integer, (column) => column.notNull().defaultTo(1))
    .execute()
  // Until now the missing id alone told that Bitbucket had not been asked.
  await db
    .withTables<Pick<Tables, 'stack'>>()
    .updateTable('stack')
    .set({ verified: 0 })
    .where('integration_id', 'is not', null)
    .where('repository_id', 'is', null)
    .execute()
  await db.schema.dropIndex('stack_slug').execute()
  await db.schema.createIndex('stack_slug').unique().on('stack').columns(['kind', 'slug']).execute()
  // A module's runs of its tracked branch go one at a time, too (R64).
  await db.schema.dropIndex('run_tracked').execute()
  await db.schema
    .createIndex('run_tracked')
    .unique()
    .on('run')
    .column('stack_id')
    .where(sql.ref('type'), 'in', [sql.lit('TRACKED'), sql.lit('MODULE')])
    .where(
      sql.ref('state'),
      'not in',
      ['QUEUED', 'FINISHED', 'FAILED', 'CANCELED', 'DISCARDED', 'STOPPED'].map((state) => sql.lit(state)),
    )
    .execute()
}
