import type { Selectable } from 'kysely'
import type { Page, PageRequest } from '../../schemas/page.ts'
import { comparableRowIds, readPage } from './keyset-page.ts'
import type { Database, Tables } from './tables.ts'

/** A row of the audit log that has its place in the chain. */
export type AuditRow = Selectable<Tables['audit']> & { readonly sequence: number }

export interface AuditFilter extends PageRequest {
  readonly object?: string | undefined
  readonly actor?: string | undefined
  readonly action?: string | undefined
  /** Epoch milliseconds. */
  readonly since?: number | undefined
  readonly order: 'newest' | 'oldest'
}

/** Lists the log by sequence: the order in which things were recorded, whatever the clock said (F15). */
export function listAuditRows(db: Database, filter: AuditFilter): Promise<Page<AuditRow>> {
  const { ids, object, actor, action, since, order } = filter
  return readPage(
    `audit ${order}`,
    filter,
    (row) => [String(row.sequence)],
    async ([after] = [], limit) => {
      const from = after === undefined ? undefined : sequenceOf(after)
      const rows = await db
        .selectFrom('audit')
        .selectAll()
        .where('sequence', 'is not', null)
        .$if(ids !== undefined, (query) => query.where('id', 'in', comparableRowIds(ids)))
        .$if(object !== undefined, (query) => query.where('object', '=', object ?? ''))
        .$if(actor !== undefined, (query) => query.where('actor', '=', actor ?? ''))
        .$if(action !== undefined, (query) => query.where('action', '=', action ?? ''))
        .$if(since !== undefined, (query) => query.where('at', '>=', since ?? 0))
        .$if(from !== undefined, (query) => query.where('sequence', order === 'newest' ? '<' : '>', from ?? 0))
        .orderBy('sequence', order === 'newest' ? 'desc' : 'asc')
        .limit(limit)
        .execute()
      return rows.map(withSequence)
    },
  )
}

/** Reads the next rows after a sequence, oldest first: how the whole log is read without holding it. */
export async function readAuditSlice(
  db: Database,
  { after, since, limit }: { readonly after: number; readonly since: number | undefined; readonly limit: number },
): Promise<AuditRow[]> {
  const rows = await db
    .selectFrom('audit')
    .selectAll()
    .where('sequence', '>', after)
    .$if(since !== undefined, (query) => query.where('at', '>=', since ?? 0))
    .orderBy('sequence')
    .limit(limit)
    .execute()
  return rows.map(withSequence)
}

function withSequence(row: Selectable<Tables['audit']>): AuditRow {
  return { ...row, sequence: row.sequence ?? 0 }
}

/** A cursor that somebody made up names no row. */
function sequenceOf(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : 0
}
