import { type CreateTableBuilder, type Kysely, type QueryExecutorProvider, type RawBuilder, sql } from 'kysely'
import { type HasAdapter, isPostgres } from './kind.ts'

/** The column types of a migration: what a column holds, in the words of either database. */
export interface ColumnTypes {
  readonly uuid: RawBuilder<unknown>
  readonly text: RawBuilder<unknown>
  readonly bytes: RawBuilder<unknown>
  /** 32 bits: counts, versions, 0 or 1. */
  readonly integer: RawBuilder<unknown>
  /** 64 bits: epoch milliseconds, Bitbucket's ids. */
  readonly long: RawBuilder<unknown>
}

const postgres: ColumnTypes = {
  uuid: sql`uuid`,
  text: sql`text collate "C"`,
  bytes: sql`bytea`,
  integer: sql`integer`,
  long: sql`bigint`,
}
const sqlite: ColumnTypes = {
  uuid: sql`text`,
  text: sql`text`,
  bytes: sql`blob`,
  integer: sql`integer`,
  long: sql`integer`,
}

export function columnTypes(db: HasAdapter): ColumnTypes {
  return isPostgres(db) ? postgres : sqlite
}

/** Starts a table whose columns keep their type on SQLite, too, which else stores whatever it is given. */
export function createTable<Name extends string>(db: Kysely<unknown>, name: Name): CreateTableBuilder<Name, never> {
  const table = db.schema.createTable(name)
  return isPostgres(db) ? table : table.modifyEnd(sql`strict`)
}

/** Like `createTable`, on PostgreSQL partitioned by ranges of the id, a UUIDv7: by time (L11). */
export function createTableByTime<Name extends string>(
  db: Kysely<unknown>,
  name: Name,
): CreateTableBuilder<Name, never> {
  const table = db.schema.createTable(name)
  return table.modifyEnd(isPostgres(db) ? sql`partition by range (id)` : sql`strict`)
}

/** Bodies are compressed with lz4 where this PostgreSQL was built with it, else with its default (L14). */
export async function compressColumn(db: Kysely<unknown>, table: string, column: string): Promise<void> {
  if (!isPostgres(db)) return
  await sql`
    do $$ begin
      alter table ${sql.table(table)} alter column ${sql.ref(column)} set compression lz4;
    exception when feature_not_supported then null;
    end $$`.execute(db)
}

/** Rows of these tables change often: vacuum early and without pauses, before dead ones slow the claims (L8). */
export async function vacuumEagerly(db: QueryExecutorProvider, tables: readonly string[]): Promise<void> {
  if (!isPostgres(db)) return
  for (const table of tables) {
    await sql`alter table ${sql.table(table)}
      set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0)`.execute(db)
  }
}
