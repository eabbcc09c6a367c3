import type { SelectQueryBuilder, Transaction } from 'kysely'
import type { Database, Tables } from '../tables.ts'
import { type HasAdapter, isPostgres } from './kind.ts'

/**
 * Runs `act` in a transaction that may write. On SQLite it holds the one write lock from its start, so that nothing
 * changes between its reads and its writes. On PostgreSQL it is READ COMMITTED: what a write depends on is read
 * with `lockRows`. Keep it free of I/O other than the database's; use only the transaction inside, or it never ends.
 */
export async function inWriteTransaction<Result>(
  db: Database,
  act: (transaction: Transaction<Tables>) => Promise<Result>,
): Promise<Result> {
  return isPostgres(db)
    ? db.transaction().setIsolationLevel('read committed').execute(act)
    : db.transaction().execute(act)
}

/** Locks the rows that a query selects until the transaction ends: `query.$call(lockRows(transaction))`. */
export function lockRows(db: HasAdapter) {
  return <DB, Table extends keyof DB, Row>(query: SelectQueryBuilder<DB, Table, Row>) =>
    isPostgres(db) ? query.forUpdate() : query
}

/** Like `lockRows`, but passes over rows that another process holds: how several claim from one queue. */
export function claimRows(db: HasAdapter) {
  return <DB, Table extends keyof DB, Row>(query: SelectQueryBuilder<DB, Table, Row>) =>
    isPostgres(db) ? query.forUpdate().skipLocked() : query
}

/** Locks the rows against writers, not against others who hold them likewise, until the transaction ends. */
export function holdRows(db: HasAdapter) {
  return <DB, Table extends keyof DB, Row>(query: SelectQueryBuilder<DB, Table, Row>) =>
    isPostgres(db) ? query.forShare() : query
}
