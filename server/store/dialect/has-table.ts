import { sql } from 'kysely'
import type { Database } from '../tables.ts'
import { isPostgres } from './kind.ts'

/** Whether the database has a table of that name; an empty one has none. */
export async function hasTable(db: Database, name: string): Promise<boolean> {
  const query = isPostgres(db)
    ? sql`select 1 where to_regclass(${name}) is not null`
    : sql`select 1 from sqlite_schema where type = 'table' and name = ${name}`
  const { rows } = await query.execute(db)
  return rows.length > 0
}
