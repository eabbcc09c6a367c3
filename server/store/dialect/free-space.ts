import { statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { sql } from 'kysely'
import type { Database } from '../tables.ts'
import { kindOfUrl } from './kind.ts'
import { sqliteFile } from './sqlite-connection.ts'

/** Bytes that the database can still take. */
export interface FreeSpace {
  /** On its file system. */
  readonly onDisk: number
  /** In its own file, left by what was deleted. */
  readonly inFile: number
}

/** Measures the space for a SQLite database; undefined for PostgreSQL, whose disk is another machine's. */
export async function measureFreeSpace(db: Database, url: string): Promise<FreeSpace | undefined> {
  if (kindOfUrl(url) !== 'sqlite') return undefined
  const { bavail, bsize } = await statfs(dirname(resolve(sqliteFile(url))))
  const { rows } = await sql<{ bytes: number }>`
    select freelist_count * page_size as bytes from pragma_freelist_count, pragma_page_size`.execute(db)
  return { onDisk: bavail * bsize, inFile: rows[0]?.bytes ?? 0 }
}
