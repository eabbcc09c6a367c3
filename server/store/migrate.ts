import { Migrator } from 'kysely'
import { migrateCarefully } from './dialect/careful-migration.ts'
import { ensureDeliveryPartitions } from './dialect/delivery-partitions.ts'
import { migrateJobQueue } from './dialect/job-queue-migration.ts'
import { tables } from './migrations/001-tables.ts'
import { auditChain } from './migrations/002-audit-chain.ts'
import { access } from './migrations/003-access.ts'
import { integrationFields } from './migrations/004-integration-fields.ts'
import { modules } from './migrations/005-modules.ts'
import { idempotency } from './migrations/006-idempotency.ts'
import { jobs } from './migrations/007-jobs.ts'
import { spaceRevision } from './migrations/008-space-revision.ts'
import type { Database } from './tables.ts'

/** In order; a name never changes once released. */
const migrations = {
  '001-tables': tables,
  '002-audit-chain': auditChain,
  '003-access': access,
  '004-integration-fields': integrationFields,
  '005-modules': modules,
  '006-idempotency': idempotency,
  '007-jobs': jobs,
  '008-space-revision': spaceRevision,
}

/** The names of this release's migrations, in their order. */
export const migrationNames: readonly string[] = Object.keys(migrations)

/**
 * Brings the database to this release's tables, and makes the partitions of the coming days. Safe to call from several
 * processes at once: one migrates, the others wait (R210). Refuses a database that a newer release has migrated (S77).
 */
export async function migrate(db: Database, now: number): Promise<void> {
  const migratorOf = (connection: Database) =>
    new Migrator({ db: connection, provider: { getMigrations: async () => migrations } })
  const isPending = async () => (await migratorOf(db).getMigrations()).some(({ executedAt }) => !executedAt)
  const { error, results } = await migrateCarefully(db, isPending, (connection) =>
    migratorOf(connection).migrateToLatest(),
  )
  const failed = results?.find(({ status }) => status === 'Error')
  if (error !== undefined) {
    if (/^corrupted migrations/.test(messageOf(error))) {
      throw new Error('The database was migrated by a newer release of Mooring: start that release.', { cause: error })
    }
    const where = failed === undefined ? '' : ` at ${failed.migrationName}`
    throw new Error(`The database could not be migrated${where}: ${messageOf(error)}`, { cause: error })
  }
  await ensureDeliveryPartitions(db, now)
  await migrateJobQueue(db)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
