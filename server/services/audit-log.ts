import type { Logger } from 'pino'
import type { AuditRecord } from '../../schemas/audit.ts'
import type { Page, PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import { escapeForTerminal } from '../../schemas/rules/escape-for-terminal.ts'
import { type Caller, isRootAdmin } from '../core/authorise.ts'
import { findAuditHead } from '../store/audit-head.ts'
import { type AuditRow, listAuditRows, readAuditSlice } from '../store/audit-rows.ts'
import { mapPage } from '../store/keyset-page.ts'
import type { Database } from '../store/tables.ts'
import { timestamp } from './installation.ts'

export interface AuditQuery extends PageRequest {
  readonly order: 'newest' | 'oldest'
  readonly object?: string | undefined
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly since?: string | undefined
}

/** Lists the audit log for an admin of the root space: it tells of every space. */
export async function listAudit(
  db: Database,
  caller: Caller,
  { since, ...query }: AuditQuery,
): Promise<Page<AuditRecord>> {
  if (!isRootAdmin(caller)) throw new Problem('forbidden', 'The audit log is for admins of the root space.')
  const page = await listAuditRows(db, { ...query, since: since === undefined ? undefined : Date.parse(since) })
  return mapPage(page, toRecord)
}

/**
 * Logs where the chain of the audit log ends (S71): whoever keeps the server's log can prove by
 * `mooring-server audit verify --head <mac>` that no row was cut off since. To be called hourly.
 */
export async function logAuditHead(db: Database, log: Logger): Promise<void> {
  const head = await findAuditHead(db)
  if (head) log.info({ sequence: head.sequence, mac: head.mac }, 'audit head')
  else log.error('the head of the audit log is gone')
}

export interface AuditExport {
  /** Epoch milliseconds; only what was recorded from then on. */
  readonly since: number | undefined
  readonly format: 'jsonl' | 'csv'
}

const sliceSize = 1_000
const columns = ['sequence', 'id', 'at', 'actor', 'action', 'object', 'details', 'mac', 'macKey'] as const

/** Gives the log as text, oldest first, a slice at a time; with each row's seal, so that it can be compared later. */
export async function* exportAudit(db: Database, { since, format }: AuditExport): AsyncGenerator<string> {
  if (format === 'csv') yield `${columns.join(',')}\r\n`
  let after = 0
  for (;;) {
    const rows = await readAuditSlice(db, { after, since, limit: sliceSize })
    if (rows.length === 0) return
    after = rows.at(-1)?.sequence ?? after
    yield rows.map(format === 'csv' ? csvLine : jsonLine).join('')
  }
}

function jsonLine(row: AuditRow): string {
  const { mac, mac_key: macKey } = row
  return `${escapeForTerminal(JSON.stringify({ ...toRecord(row), mac, macKey }))}\n`
}

function csvLine(row: AuditRow): string {
  const { sequence, id, at, actor, action, object, details, mac, mac_key } = row
  const fields = [String(sequence), id, timestamp(at), actor, action, object, details, mac ?? '', mac_key ?? '']
  return `${fields.map(csvField).join(',')}\r\n`
}

/** A spreadsheet would run what begins like a formula (S47). Line breaks inside a field are escaped like the rest. */
function csvField(text: string): string {
  const inert = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return `"${escapeForTerminal(inert).replaceAll('\n', '\\u000a').replaceAll('"', '""')}"`
}

function toRecord({ id, sequence, at, actor, action, object, details }: AuditRow): AuditRecord {
  return {
    id,
    sequence,
    at: timestamp(at),
    actor,
    action,
    object,
    details: JSON.parse(details) as Record<string, unknown>,
  }
}
