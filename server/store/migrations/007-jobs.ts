import type { Kysely, Migration } from 'kysely'
import { columnTypes, createTable } from '../dialect/columns.ts'
import { isPostgres } from '../dialect/kind.ts'

/**
 * Scheduled work, and the queue (L2): SQLite's table of jobs, and on PostgreSQL the heartbeats of those who run them
 * (L9). The tables of graphile-worker are its own; `migrateJobQueue` brings them up to date.
 */
export const jobs: Migration = { up }

async function up(db: Kysely<unknown>): Promise<void> {
  const { text, integer, long } = columnTypes(db)
  await createTable(db, 'job_schedule')
    .addColumn('task', text, (column) => column.primaryKey())
    .addColumn('slot', long, (column) => column.notNull())
    .execute()
  if (isPostgres(db)) {
    await createTable(db, 'worker_heartbeat')
      .addColumn('worker_id', text, (column) => column.primaryKey())
      .addColumn('seen_at', 'timestamptz', (column) => column.notNull())
      .execute()
    return
  }
  await createTable(db, 'job')
    .addColumn('id', text, (column) => column.primaryKey())
    .addColumn('task', text, (column) => column.notNull())
    .addColumn('speed', text, (column) => column.notNull())
    .addColumn('state', text, (column) => column.notNull())
    .addColumn('lane', text)
    .addColumn('key', text)
    .addColumn('payload', text, (column) => column.notNull())
    .addColumn('run_at', long, (column) => column.notNull())
    .addColumn('attempts', integer, (column) => column.notNull())
    .addColumn('max_attempts', integer, (column) => column.notNull())
    .addColumn('superseded', integer, (column) => column.notNull())
    .addColumn('error', text)
    .addColumn('created_at', long, (column) => column.notNull())
    .execute()
  await db.schema.createIndex('job_key').unique().on('job').column('key').execute()
  await db.schema.createIndex('job_due').on('job').columns(['state', 'speed', 'lane', 'run_at', 'id']).execute()
}
