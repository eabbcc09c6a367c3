import { sql } from 'kysely'
import { hasTable } from './dialect/has-table.ts'
import { migrationNames } from './migrate.ts'
import type { Database } from './tables.ts'

/** How the tables relate to this release: `older` ones are migrated at the next start, `newer` ones refused (S77). */
export type SchemaState = 'empty' | 'older' | 'current' | 'newer'

/** Judges by the names of the migrations that were done. */
export function judgeMigrations(done: readonly string[]): SchemaState {
  if (done.length === 0) return 'empty'
  if (done.some((name) => !migrationNames.includes(name))) return 'newer'
  return migrationNames.every((name) => done.includes(name)) ? 'current' : 'older'
}

/** The migrations that a database has seen; none where it is not Mooring's. */
export async function listMigrations(db: Database): Promise<string[]> {
  if (!(await hasTable(db, 'kysely_migration'))) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  return rows.map(({ name }) => name)
}

/** Refuses the tables of a newer release: what this one does not know it could not keep (S77). */
export function refuseNewerSchema(done: readonly string[], what: string): void {
  if (judgeMigrations(done) !== 'newer') return
  const unknown = done.filter((name) => !migrationNames.includes(name)).join(', ')
  throw new Error(`${what} was migrated by a newer release of Mooring (${unknown}): use that release.`)
}
