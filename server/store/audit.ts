import { auditMac } from '../core/audit-chain.ts'
import { printable } from '../core/printable.ts'
import { uuidv7 } from '../core/uuid-v7.ts'
import { lockAuditHead, moveAuditHead } from './audit-head.ts'
import { heldAuditKey } from './audit-key.ts'
import { inWriteTransaction } from './dialect/transactions.ts'
import type { Database } from './tables.ts'

/** Who did what to which object; never a secret (R12). */
export interface AuditEntry {
  /** `key:<API key id>`, or `server`. */
  readonly actor: string
  /** `integration.create`, `webhook_secret.reveal` … */
  readonly action: string
  /** `integration:<id>` … */
  readonly object: string
  readonly details?: Readonly<Record<string, unknown>>
  /** Recorded once, however often it happens, where it is set. */
  readonly onceKey?: string
}

/** Of one statement. Its parameters stay below what either database takes. */
const mostRows = 1_000
const longestText = 300

/**
 * Records the entries; to be called in the transaction of what they tell, so that neither is without the other (S70),
 * and as its last step: the rows are chained (S71), and until the transaction ends no other can append.
 */
export async function recordAudit(db: Database, now: number, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return
  if (!db.isTransaction) return inWriteTransaction(db, (transaction) => recordAudit(transaction, now, entries))
  const key = heldAuditKey(db)
  const wanted = await withoutRecorded(db, entries)
  if (wanted.length === 0) return
  let { sequence, mac } = await lockAuditHead(db)
  // Another process may have recorded one of them before it gave the lock away.
  const due = wanted === entries ? wanted : await withoutRecorded(db, wanted)
  if (due.length === 0) return
  const rows = due.map(({ actor, action, object, details, onceKey }) => {
    sequence += 1
    const row = {
      sequence,
      id: uuidv7(now),
      at: now,
      actor: printable(actor, longestText),
      action,
      object: printable(object, longestText),
      details: JSON.stringify(details ?? {}),
      once_key: onceKey ?? null,
    }
    mac = auditMac(key, mac, row)
    return { ...row, mac, mac_key: key.id }
  })
  for (let first = 0; first < rows.length; first += mostRows) {
    await db
      .insertInto('audit')
      .values(rows.slice(first, first + mostRows))
      .execute()
  }
  await moveAuditHead(db, { sequence, mac })
}

/** Leaves out what is recorded once and was; the same list where nothing of it is recorded once. */
async function withoutRecorded(db: Database, entries: readonly AuditEntry[]): Promise<readonly AuditEntry[]> {
  const onceKeys = [...new Set(entries.flatMap(({ onceKey }) => onceKey ?? []))]
  if (onceKeys.length === 0) return entries
  const recorded = new Set<string | null>()
  for (let first = 0; first < onceKeys.length; first += mostRows) {
    const some = onceKeys.slice(first, first + mostRows)
    const rows = await db.selectFrom('audit').select('once_key').where('once_key', 'in', some).execute()
    for (const { once_key } of rows) recorded.add(once_key)
  }
  return entries.filter(({ onceKey }) => {
    if (onceKey === undefined) return true
    const isNew = !recorded.has(onceKey)
    recorded.add(onceKey)
    return isNew
  })
}
