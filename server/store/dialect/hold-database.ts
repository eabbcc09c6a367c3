import SqliteDatabase from 'better-sqlite3'
import { kindOfUrl } from './kind.ts'
import { openSqliteConnection, sqliteFile } from './sqlite-connection.ts'
import { refuseForeignFile } from './unusable-file.ts'

/** A process's claim on a database. It ends with `release`, or with the process, however that dies. */
export interface DatabaseHold {
  release(): void
}

/**
 * Claims the database for this process. A SQLite file has one server: a second is refused with the holder's process
 * id (R210). PostgreSQL takes any number.
 */
export function holdDatabase(url: string): DatabaseHold {
  if (kindOfUrl(url) === 'postgres') return { release: () => undefined }
  return holdFile(sqliteFile(url))
}

/**
 * The lock file beside the database is a small database itself, with one write transaction left open: the operating
 * system drops that lock when the process dies, so there is no stale one to guess about, and others still read whose
 * it is.
 */
function holdFile(file: string): DatabaseHold {
  refuseForeignFile(file)
  const lock = openSqliteConnection(`${file}.lock`, { busyTimeoutMs: 0 })
  try {
    lock.exec('begin immediate')
    lock.exec('create table if not exists holder (pid integer not null)')
    lock.exec('delete from holder')
    lock.prepare('insert into holder values (?)').run(process.pid)
    lock.exec('commit')
    lock.exec('begin immediate')
  } catch (error) {
    const holder = isBusy(error) ? holderOf(lock) : undefined
    lock.close()
    if (!isBusy(error)) throw error
    throw new Error(`Another server (process ${holder ?? 'unknown'}) uses ${file}; stop it, or use PostgreSQL.`)
  }
  return { release: () => lock.close() }
}

function isBusy(error: unknown): boolean {
  return error instanceof SqliteDatabase.SqliteError && error.code.startsWith('SQLITE_BUSY')
}

function holderOf(lock: SqliteDatabase.Database): number | undefined {
  try {
    return lock.prepare<[], { pid: number }>('select pid from holder').get()?.pid
  } catch {
    return undefined // it is just being written
  }
}
