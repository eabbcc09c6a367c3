import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import SqliteDatabase from 'better-sqlite3'

const magic = 'SQLite format 3\0'

/**
 * Refuses a file that is no SQLite database before anything is done to it: SQLite would find out too late, and would
 * take an empty file for an empty database. A file that is not there, or is empty, passes.
 */
export function refuseForeignFile(file: string): void {
  const head = Buffer.alloc(magic.length)
  let length: number
  try {
    const handle = openSync(file, 'r')
    try {
      length = readSync(handle, head, 0, head.length, 0)
    } finally {
      closeSync(handle)
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EISDIR') throw new Error(`${file} is a folder, not a database: check MOORING_DATABASE_URL.`)
    return // whoever opens it for writing says why that fails
  }
  if (length > 0 && head.toString('latin1', 0, length) !== magic.slice(0, length)) {
    throw new Error(`${file} is no SQLite database; it was left as it is: check MOORING_DATABASE_URL.`)
  }
}

/** Says in words why the file cannot be opened for writing, and what to do (F7). */
export function explainUnwritable(file: string, error: unknown): Error {
  const { code = '' } = error as NodeJS.ErrnoException
  return new Error(`Cannot open the database ${file} for writing (${code}): ${reasonOf(file, code)}`, { cause: error })
}

/** Says in words why SQLite does not take a file that could be opened (F7); undefined for what is no fault of the file. */
export function explainUnusable(file: string, error: unknown): Error | undefined {
  if (!(error instanceof SqliteDatabase.SqliteError)) return undefined
  const { code } = error
  if (code === 'SQLITE_NOTADB') {
    return new Error(`${file} is no SQLite database, or its head is damaged: check MOORING_DATABASE_URL.`, {
      cause: error,
    })
  }
  if (code.startsWith('SQLITE_CORRUPT')) {
    return new Error(`The database ${file} is damaged: restore a backup.`, { cause: error })
  }
  if (/^SQLITE_(CANTOPEN|READONLY|IOERR|PERM)/.test(code)) {
    return new Error(
      `SQLite cannot work with ${file} (${code}): its folder must be writable for the user of the server, on a local file system.`,
      { cause: error },
    )
  }
  return undefined
}

function reasonOf(file: string, code: string): string {
  switch (code) {
    case 'EROFS':
      return 'it lies on a read-only file system. Mount it for writing, or choose another place in MOORING_DATABASE_URL.'
    case 'ENOENT':
      return `the folder ${dirname(file)} is not there. Make it, or check MOORING_DATABASE_URL.`
    case 'EACCES':
    case 'EPERM':
      return `${ownersOf(file)} Start the server as the owner, or give file and folder to its user with chown.`
    case 'EISDIR':
      return 'it is a folder. Check MOORING_DATABASE_URL.'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full.'
    default:
      return 'check that its folder is there and ours.'
  }
}

/** Undefined, too, where we may not even look. */
function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid
  } catch {
    return undefined
  }
}

function ownersOf(file: string): string {
  const found = ownerOf(file) ?? ownerOf(dirname(file))
  const ours = process.getuid?.()
  return found === undefined || found === ours
    ? 'its mode forbids it.'
    : `it belongs to user ${found}, we are user ${ours}.`
}
