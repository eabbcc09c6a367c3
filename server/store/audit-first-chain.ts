import { type AuditKey, auditMac } from '../core/audit-chain.ts'
import { lockAuditHead, moveAuditHead } from './audit-head.ts'
import type { OpenedAuditKey } from './audit-key.ts'
import { inWriteTransaction } from './dialect/transactions.ts'
import type { Database } from './tables.ts'

const batchSize = 1_000

/**
 * Gives the rows that an earlier release wrote their place in the chain (S71), in the order of their ids, a thousand at
 * a time: whoever is killed in between goes on where he was, and of several processes each does a part. To be called
 * before anything is recorded. A row beyond those that were there when the chain began stays outside, and is found.
 */
export async function chainEarlierRows(db: Database, key: OpenedAuditKey): Promise<void> {
  while (await inWriteTransaction(db, (transaction) => chainBatch(transaction, key, key.earlierRows))) {
    // until a batch finds nothing left
  }
}

async function chainBatch(transaction: Database, key: AuditKey, earlierRows: number): Promise<boolean> {
  let { sequence, mac } = await lockAuditHead(transaction)
  const rows = await transaction
    .selectFrom('audit')
    .select(['id', 'at', 'actor', 'action', 'object', 'details', 'once_key'])
    .where('sequence', 'is', null)
    .orderBy('id')
    .limit(Math.min(batchSize, Math.max(0, earlierRows - sequence)))
    .execute()
  for (const row of rows) {
    sequence += 1
    mac = auditMac(key, mac, { ...row, sequence })
    await transaction.updateTable('audit').set({ sequence, mac, mac_key: key.id }).where('id', '=', row.id).execute()
  }
  if (rows.length > 0) await moveAuditHead(transaction, { sequence, mac })
  return rows.length > 0
}
