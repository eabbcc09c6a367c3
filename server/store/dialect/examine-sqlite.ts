import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { freeBytesOf } from './disk-reserve.ts'
import { networkFileSystemOf } from './file-system-kind.ts'
import { holdDatabase } from './hold-database.ts'
import { sqliteFile } from './sqlite-connection.ts'

/** What an operator should know of a SQLite file and of where it lies. */
export interface SqliteFacts {
  readonly file: string
  readonly version: string
  readonly freeBytes: number
  readonly networkFileSystem: string | undefined
  /** Files that others may read, or that are not ours: each as a sentence. */
  readonly exposed: readonly string[]
  /** Who serves it at the moment, as the lock says; undefined where nobody does. */
  readonly holder: string | undefined
}

const suffixes = ['', '-wal', '-shm', '.key', '.bootstrap-key', '.lock', '.reserve']

export async function examineSqlite(url: string): Promise<SqliteFacts> {
  const file = resolve(sqliteFile(url))
  return {
    file,
    version: sqliteVersion(),
    freeBytes: await freeBytesOf(file),
    networkFileSystem: networkFileSystemOf(file),
    exposed: [...suffixes.flatMap((suffix) => exposureOf(`${file}${suffix}`)), ...exposureOfFolder(dirname(file))],
    holder: holderOf(url),
  }
}

function sqliteVersion(): string {
  const memory = new SqliteDatabase(':memory:')
  try {
    return memory.prepare<[], string>('select sqlite_version()').pluck().get() ?? ''
  } finally {
    memory.close()
  }
}

function exposureOf(path: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) return []
  const mode = found.mode & 0o777
  const ours = process.getuid?.()
  return [
    ...((mode & 0o077) === 0 ? [] : [`${path} has mode ${mode.toString(8)} instead of 600`]),
    ...(ours === undefined || ours === 0 || found.uid === ours
      ? []
      : [`${path} belongs to user ${found.uid}, not to us`]),
  ]
}

function exposureOfFolder(folder: string): string[] {
  const mode = statSync(folder).mode
  const isOpen = (mode & 0o022) !== 0 && (mode & 0o1000) === 0
  return isOpen ? [`others may write into the folder ${folder} (mode ${(mode & 0o777).toString(8)})`] : []
}

function holderOf(url: string): string | undefined {
  try {
    holdDatabase(url).release()
    return undefined
  } catch (error) {
    return /^Another server \((process \w+)\)/.exec(error instanceof Error ? error.message : '')?.[1]
  }
}
