import type { AuditHead } from '../core/audit-chain.ts'
import { lockRows } from './dialect/transactions.ts'
import type { Database } from './tables.ts'

/** Where the chain ends. One row, so that whoever appends waits here for whoever appended before. */
export async function findAuditHead(db: Database): Promise<AuditHead | undefined> {
  return db.selectFrom('audit_head').select(['sequence', 'mac']).where('id', '=', 1).executeTakeFirst()
}

/**
 * Locks the chain's end until the transaction ends. It is the last lock that a transaction takes: one that waits for
 * another lock while it holds this could wait for its own successor.
 */
export async function lockAuditHead(transaction: Database): Promise<AuditHead> {
  return transaction
    .selectFrom('audit_head')
    .select(['sequence', 'mac'])
    .where('id', '=', 1)
    .$call(lockRows(transaction))
    .executeTakeFirstOrThrow(() => new Error('The head of the audit log is gone: nothing can be recorded.'))
}

export async function moveAuditHead(transaction: Database, { sequence, mac }: AuditHead): Promise<void> {
  await transaction.updateTable('audit_head').set({ sequence, mac }).where('id', '=', 1).execute()
}
