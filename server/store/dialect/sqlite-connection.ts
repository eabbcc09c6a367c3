import { chmodSync, closeSync, openSync } from 'node:fs'
import SqliteDatabase from 'better-sqlite3'
import { explainUnusable, explainUnwritable, refuseForeignFile } from './unusable-file.ts'

/** How long a statement waits, blocking the process, for another process's write. */
const busyTimeoutMs = 5_000

/**
 * Of a new file, in bytes. A delivery of 6 KB needs several pages of the usual 4 KiB, each written by two system calls:
 * storing one then costs a third more. It also makes a checkpoint, which comes every 1,000 pages, four times as rare.
 */
const pageSize = 16_384

/** For the pages of the indexes, where deliveries of many integrations lie apart; SQLite's default is a quarter. */
const cacheKib = 8_192

/** What each connection sets itself and reads back: a setting of one connection is none of the next (F3). */
const pragmas = [
  { name: 'journal_mode', set: 'wal', reads: 'wal' },
  // better-sqlite3 is built with NORMAL for WAL, under which a commit is not flushed.
  { name: 'synchronous', set: 'full', reads: 2 },
  { name: 'foreign_keys', set: 'on', reads: 1 },
  { name: 'secure_delete', set: 'on', reads: 1 }, // what is deleted is overwritten (S83)
  { name: 'recursive_triggers', set: 'on', reads: 1 }, // else REPLACE passes delete triggers by
] as const

/** The file of `sqlite:<file>`. */
export function sqliteFile(url: string): string {
  return url.replace(/^sqlite:(\/\/)?/, '')
}

/**
 * Opens the file, made 0600 if it is not there (S42), durable: WAL with a flush at every commit, and says so when
 * SQLite does not do as told (a network file system, say). `busyTimeoutMs` 0 fails at once instead of waiting.
 */
export function openSqliteConnection(
  file: string,
  options: { readonly busyTimeoutMs: number } = { busyTimeoutMs },
): SqliteDatabase.Database {
  makePrivate(file)
  const connection = openFile(file)
  try {
    connection.pragma(`page_size = ${pageSize}`)
    // A statement after the switch to WAL makes SQLite take the mode's own default; from then on FULL stays FULL.
    connection.pragma('journal_mode = wal')
    connection.prepare('select count(*) from sqlite_schema').get()
    for (const { name, set, reads } of pragmas) {
      connection.pragma(`${name} = ${set}`)
      const found = connection.pragma(name, { simple: true })
      if (found !== reads) throw new Error(`SQLite keeps ${name} = ${found} for ${file}; Mooring needs ${set}.`)
    }
    connection.pragma(`cache_size = -${cacheKib}`)
    connection.pragma(`busy_timeout = ${options.busyTimeoutMs}`)
    return connection
  } catch (error) {
    connection.close()
    throw explainUnusable(file, error) ?? error
  }
}

function openFile(file: string): SqliteDatabase.Database {
  try {
    return new SqliteDatabase(file, { timeout: busyTimeoutMs })
  } catch (error) {
    throw explainUnusable(file, error) ?? error
  }
}

/** SQLite gives its WAL and index files the mode of the database file. */
function makePrivate(file: string): void {
  refuseForeignFile(file)
  try {
    closeSync(openSync(file, 'a', 0o600))
    chmodSync(file, 0o600)
  } catch (error) {
    throw explainUnwritable(file, error)
  }
}
