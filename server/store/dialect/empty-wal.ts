import { sql } from 'kysely'
import type { Database } from '../tables.ts'
import { isPostgres } from './kind.ts'

/**
 * Moves what SQLite's log holds into the database file and empties the log, so that what was deleted stands in neither
 * (S83): in the file it is overwritten, but the log keeps the pages as they were until it is used again. Where somebody
 * is just reading an older state, it is left for the next time. PostgreSQL does it by itself, with its vacuum.
 */
export async function emptyWal(db: Database): Promise<void> {
  if (isPostgres(db)) return
  await db.connection().execute(async (connection) => {
    const { rows } = await sql<{ timeout: number }>`pragma busy_timeout`.execute(connection)
    const timeout = Number(rows[0]?.timeout ?? 0)
    try {
      // Waiting for a reader would keep the whole process from working.
      await sql`pragma busy_timeout = 0`.execute(connection)
      await sql`pragma wal_checkpoint(truncate)`.execute(connection)
    } finally {
      await sql`pragma busy_timeout = ${sql.lit(timeout)}`.execute(connection)
    }
  })
}
