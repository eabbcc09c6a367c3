import { Migrator } from 'kysely'
import { ensureDeliveryPartitions } from './dialect/delivery-partitions.ts'
import { tables } from './migrations/001-tables.ts'
import type { Database } from './tables.ts'

/** In order; a name never changes once released. */
const migrations = { '001-tables': tables }

/**
 * Brings the database to this release's tables, and makes the partitions of the coming days. Safe to call from several
 * processes at once: one migrates, the others wait (R210). Refuses a database that a newer release has migrated (S77).
 */
export async function migrate(db: Database, now: number): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const { error, results } = await migrator.migrateToLatest()
  const failed = results?.find(({ status }) => status === 'Error')
  if (error !== undefined) {
    if (/^corrupted migrations/.test(messageOf(error))) {
      throw new Error('The database was migrated by a newer release of Mooring: start that release.', { cause: error })
    }
    const where = failed === undefined ? '' : ` at ${failed.migrationName}`
    throw new Error(`The database could not be migrated${where}: ${messageOf(error)}`, { cause: error })
  }
  await ensureDeliveryPartitions(db, now)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
