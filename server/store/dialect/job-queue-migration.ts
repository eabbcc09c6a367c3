import { Logger, runMigrations } from 'graphile-worker'
import { type Kysely, sql } from 'kysely'
import type { Database, Tables } from '../tables.ts'
import { vacuumEagerly } from './columns.ts'
import { createGraphilePool } from './graphile-pool.ts'
import { isPostgres } from './kind.ts'

/** Where graphile-worker keeps its tables, apart from ours. */
export const jobsSchema = 'mooring_jobs'

const busyTables = ['_private_jobs', '_private_job_queues']

/** Serialises whoever migrates the queue, in whichever process. */
const migrationLock = 7_305_809_141

/**
 * Brings graphile-worker's tables to the form that this release's version of it expects, and has their dead rows
 * cleaned up early (L8). One process does it and the others wait. On SQLite, whose queue is a table of ours, nothing.
 */
export async function migrateJobQueue(db: Database): Promise<void> {
  if (!isPostgres(db)) return
  await db.transaction().execute(async (lock) => {
    await sql`select pg_advisory_xact_lock(${migrationLock})`.execute(lock)
    // On another connection, since it has transactions of its own.
    await runMigrations({ pgPool: createGraphilePool(db), schema: jobsSchema, logger: silentLogger })
    const unset = await tablesWithoutSettings(lock)
    await vacuumEagerly(lock, unset)
  })
}

async function tablesWithoutSettings(db: Kysely<Tables>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${jobsSchema} and c.relname = any(${busyTables}) and c.reloptions is null`.execute(db)
  return rows.map(({ name }) => `${jobsSchema}.${name}`)
}

const silentLogger = new Logger(() => () => undefined)
