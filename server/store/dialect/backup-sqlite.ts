import { chmodSync, closeSync, existsSync, openSync, readSync } from 'node:fs'
import SqliteDatabase from 'better-sqlite3'
import type { BackupContents } from './backup-contents.ts'
import { makePrivateFile } from './durable-files.ts'

/** Between two slices the process can still be stopped. */
const pagesAtOnce = 512
const busyTimeoutMs = 10_000

/**
 * Copies the file to `target` while a server writes to it, and gives the rows of each table at the moment of the copy.
 * The copy is one file, 0600. It is made inside one read transaction: without it every commit of the server would make
 * SQLite begin anew, and under load the copy would never end (636 restarts in 4 s, measured).
 */
export async function copySqlite(file: string, target: string): Promise<Record<string, number>> {
  if (!existsSync(file)) throw new Error(`There is no database ${file}.`)
  const source = new SqliteDatabase(file, { fileMustExist: true, timeout: busyTimeoutMs })
  try {
    source.pragma('query_only = on')
    source.exec('begin')
    const rows = countTables(source)
    makePrivateFile(target)
    await source.backup(target, { progress: () => pagesAtOnce })
    chmodSync(target, 0o600)
    makeOneFile(target)
    return rows
  } finally {
    source.close()
  }
}

/** Puts everything that belongs to the database into its one file, in place of a log beside it. */
export function makeOneFile(file: string): void {
  const copy = new SqliteDatabase(file, { fileMustExist: true })
  try {
    copy.pragma('journal_mode = delete')
  } finally {
    copy.close()
  }
}

/**
 * Reads what a copy that nobody else uses holds, after SQLite has checked it from the first page to the last. Throws
 * with the first fault.
 */
export function readSqliteCopy(file: string): BackupContents {
  requireSqliteFile(file)
  const copy = openCopy(file)
  try {
    requireSound(copy, file)
    const tables = new Set(tableNames(copy))
    if (!tables.has('setting') || !tables.has('kysely_migration')) {
      throw new Error(`${file} is a database, but not one of Mooring’s.`)
    }
    const setting = copy.prepare<[string], string>('select value from setting where key = ?').pluck()
    return {
      instanceId: setting.get('instance_id'),
      canary: setting.get('sealing_canary'),
      migrations: copy.prepare<[], string>('select name from kysely_migration order by name').pluck().all(),
      rows: countTables(copy),
    }
  } finally {
    copy.close()
  }
}

/** Sets a fact about the installation in a copy. */
export function setInCopy(file: string, key: string, value: string): void {
  const copy = openCopy(file)
  try {
    copy.prepare('insert or replace into setting (key, value) values (?, ?)').run(key, value)
  } finally {
    copy.close()
  }
}

/** SQLite takes an empty file for an empty database, and would go on. */
export function requireSqliteFile(file: string): void {
  const head = Buffer.alloc(16)
  const handle = openSync(file, 'r')
  try {
    readSync(handle, head, 0, 16, 0)
  } finally {
    closeSync(handle)
  }
  if (head.toString('latin1') !== 'SQLite format 3\0') throw new Error(`${file} is no SQLite database.`)
}

function openCopy(file: string): SqliteDatabase.Database {
  return new SqliteDatabase(file, { fileMustExist: true })
}

function requireSound(copy: SqliteDatabase.Database, file: string): void {
  let fault: unknown
  try {
    const [first] = copy.pragma('integrity_check(1)') as { readonly integrity_check: string }[]
    if (first?.integrity_check === 'ok') {
      const [orphan] = copy.pragma('foreign_key_check') as { readonly table: string }[]
      if (!orphan) return
      fault = `a row of ${orphan.table} refers to one that is not there`
    } else fault = first?.integrity_check
  } catch (error) {
    fault = error instanceof Error ? error.message : error
  }
  throw new Error(`${file} is cut or damaged: ${String(fault)}.`)
}

function tableNames(connection: SqliteDatabase.Database): string[] {
  return connection
    .prepare<[], string>(
      `select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'`,
    )
    .pluck()
    .all()
}

function countTables(connection: SqliteDatabase.Database): Record<string, number> {
  const entries = tableNames(connection).map((name) => {
    const quoted = `"${name.replaceAll('"', '""')}"`
    return [name, connection.prepare<[], number>(`select count(*) from ${quoted}`).pluck().get() ?? 0] as const
  })
  return Object.fromEntries(entries)
}
