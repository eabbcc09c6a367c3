import SqliteDatabase from 'better-sqlite3'
import pg from 'pg'

/**
 * SQLSTATE classes of a server that is gone, going, starting or full: 08, 53, 57P; 25006 is a standby, 57014 a statement
 * that took too long, 55P03 a lock that did, 40001 and 40P01 a transaction that was rolled back to let others pass.
 */
const passingStates = /^(08...|53...|57P0.|57014|55P03|40001|40P01|25006)$/
const brokenConnection =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOENT)$/

/** Whether a statement failed because the database cannot be used right now, and not because of the statement. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return passingStates.test(error.code ?? '')
  if (error instanceof SqliteDatabase.SqliteError) {
    return /^SQLITE_(BUSY|IOERR|FULL|CANTOPEN|READONLY|LOCKED)/.test(error.code)
  }
  if (!(error instanceof Error)) return false
  if ('syscall' in error && 'code' in error) return brokenConnection.test(String(error.code))
  // What pg throws itself has no code.
  return /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client (has encountered a connection error|was closed))/.test(
    error.message,
  )
}
