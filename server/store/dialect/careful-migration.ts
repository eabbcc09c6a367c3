import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import type { Database } from '../tables.ts'
import { isPostgres } from './kind.ts'

/** How long a statement of a migration waits for a table, with everybody else who wants it queued behind it (F19). */
const lockTimeout = '1s'
const retryMs = 500

/**
 * Runs a migration so that others go on: on PostgreSQL no statement of it waits longer than a second for a lock, and one
 * that would have is rolled back and tried again, until `patienceMs` are over. On SQLite it is refused before it begins
 * where the disk has no room for the whole database once more, which is what a migration may write at worst.
 *
 * @throws where the tables were in use all the time, and where there is no room
 */
export async function migrateCarefully<Result extends { readonly error?: unknown }>(
  db: Database,
  isPending: () => Promise<boolean>,
  act: (db: Database) => Promise<Result>,
  patienceMs = 300_000,
): Promise<Result> {
  if (!isPostgres(db)) {
    if (await isPending()) await requireSpace(db)
    return act(db)
  }
  const deadline = performance.now() + patienceMs
  for (;;) {
    const result = await withBoundedLocks(db, act)
    if (!isLockTimeout(result.error) || performance.now() > deadline) return result
    await sleep(retryMs * (1 + Math.random()))
  }
}

function withBoundedLocks<Result>(db: Database, act: (db: Database) => Promise<Result>): Promise<Result> {
  return db.connection().execute(async (connection) => {
    await sql`set lock_timeout = ${sql.lit(lockTimeout)}`.execute(connection)
    try {
      return await act(connection)
    } finally {
      await sql`reset lock_timeout`.execute(connection)
    }
  })
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '55P03'
}

async function requireSpace(db: Database): Promise<void> {
  const { rows } = await sql<{ file: string; bytes: number; free: number }>`
    select file, (select page_count from pragma_page_count) * page_size as bytes,
      (select freelist_count from pragma_freelist_count) * page_size as free
    from pragma_database_list, pragma_page_size where name = 'main'`.execute(db)
  const [row] = rows
  if (!row) return
  const { bavail, bsize } = await statfs(dirname(row.file))
  const missing = row.bytes - row.free - bavail * bsize
  if (missing <= 0) return
  const mib = Math.ceil(missing / 1024 / 1024)
  throw new Error(`The disk has no room to migrate ${row.file}: free ${mib} MiB more and start again.`)
}
