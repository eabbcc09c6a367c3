import type { Kysely, Migration } from 'kysely'
import { columnTypes, createTable } from '../dialect/columns.ts'
import { renewOnChange } from '../dialect/renew-on-change.ts'

/** A word that changes with the tree of spaces, so that a process knows whether the tree that it holds is old (F20). */
export const spaceRevision: Migration = { up }

async function up(db: Kysely<unknown>): Promise<void> {
  const { text, integer } = columnTypes(db)
  await createTable(db, 'space_revision')
    .addColumn('id', integer, (column) => column.primaryKey())
    .addColumn('token', text, (column) => column.notNull())
    .execute()
  await renewOnChange(db)
}
