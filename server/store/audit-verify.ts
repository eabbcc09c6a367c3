import { type AuditHead, type AuditKey, auditMac, firstMac } from '../core/audit-chain.ts'
import { findAuditHead } from './audit-head.ts'
import type { Database } from './tables.ts'

/** What `verifyAudit` found. */
export interface AuditVerdict {
  /** The last row that is as it was written, and follows from all before it. */
  readonly head: AuditHead
  /** The first thing that is wrong, as a sentence; undefined where nothing is. */
  readonly fault: string | undefined
  /** Whether a row with the seal that was asked for is among the verified ones. */
  readonly hasNoted: boolean
}

const sliceSize = 2_000

/**
 * Walks the chain from its first row (S71), a slice at a time and outside any transaction, so that it may run while
 * others append. Finds a row that was changed, is missing, stands elsewhere, or was added by somebody without the key;
 * a tail that was cut together with the head shows by a seal noted earlier, `noted`, that is no longer there.
 */
export async function verifyAudit(db: Database, key: AuditKey, noted?: string): Promise<AuditVerdict> {
  let last: AuditHead = { sequence: 0, mac: firstMac }
  let hasNoted = noted === undefined || noted === firstMac
  const verdict = (fault?: string): AuditVerdict => ({ head: last, fault, hasNoted })
  for (;;) {
    // Rows and head are committed together, so the rows up to a head that was read are there to be read after it.
    const head = await findAuditHead(db)
    if (!head) return verdict('The head of the audit log is gone.')
    for (;;) {
      const rows = await readSlice(db, last.sequence)
      for (const row of rows) {
        const fault = faultOf(row, key, last)
        if (fault !== undefined) return verdict(fault)
        last = { sequence: row.sequence, mac: row.mac }
        hasNoted ||= row.mac === noted
      }
      if (rows.length < sliceSize) break
    }
    if (last.sequence < head.sequence) {
      return verdict(`Row ${last.sequence + 1} is missing: the log ends before its head, row ${head.sequence}.`)
    }
    const now = await findAuditHead(db)
    if (now && now.sequence > last.sequence) continue // appended meanwhile
    if (now?.sequence !== last.sequence || now.mac !== last.mac) {
      const from = (now?.sequence ?? 0) + 1
      return verdict(`The log goes on behind its head, row ${now?.sequence}: row ${from} was appended by hand.`)
    }
    return verdict(await findOutsider(db, last.sequence))
  }
}

type Slice = Awaited<ReturnType<typeof readSlice>>[number]

async function readSlice(db: Database, after: number) {
  const rows = await db
    .selectFrom('audit')
    .selectAll()
    .where('sequence', '>', after)
    .orderBy('sequence')
    .orderBy('id')
    .limit(sliceSize)
    .execute()
  return rows.map((row) => ({ ...row, sequence: row.sequence ?? 0, mac: row.mac ?? '' }))
}

function faultOf(row: Slice, key: AuditKey, last: AuditHead): string | undefined {
  const expected = last.sequence + 1
  if (row.sequence > expected) {
    const missing = row.sequence - 1 === expected ? `Row ${expected} is` : `Rows ${expected} to ${row.sequence - 1} are`
    return `${missing} missing.`
  }
  if (row.sequence < expected) return `Row ${row.sequence} is there twice (${describe(row)}).`
  if (row.mac_key !== key.id)
    return `Row ${row.sequence} was not sealed with this installation’s key (${describe(row)}).`
  if (row.mac !== auditMac(key, last.mac, row)) {
    return `Row ${row.sequence} is not as it was written, or does not follow the row before it (${describe(row)}).`
  }
  return undefined
}

/** A row without a place in the chain, or one that a slice passed over since its number was there already. */
async function findOutsider(db: Database, last: number): Promise<string | undefined> {
  const row = await db
    .selectFrom('audit')
    .selectAll()
    .where('sequence', 'is', null)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  if (row) return `A row is not in the chain: it was written by hand, or by an earlier release (${describe(row)}).`
  const { count } = await db
    .selectFrom('audit')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('sequence', '<=', last)
    .executeTakeFirstOrThrow()
  return Number(count) === last ? undefined : `There are ${count} rows up to row ${last}: some are there twice.`
}

function describe({ id, at }: { readonly id: string; readonly at: number }): string {
  const time = new Date(at)
  return Number.isNaN(time.getTime()) ? `id ${id}` : `id ${id}, ${time.toISOString()}`
}
