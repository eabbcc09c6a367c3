import type { SelectQueryBuilder } from 'kysely'
import { approximate, mostCounted, type Page, type PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import type { Database } from './tables.ts'

/** The lists whose (first) key is a row id: a column of ids cannot even be compared with anything else. */
const listsByRowId = new Set(['api-keys', 'users', 'registrations', 'runs', 'deliveries', 'webhook-targets'])
const rowId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const noRowId = '00000000-0000-0000-0000-000000000000'

/** Where a list goes on: the key of the last row, in as many parts as the list is ordered by. */
export type PageKey = readonly string[]

/**
 * Reads one page by key, never by offset, so that the order is stable under inserts (L10). `select` gives rows after
 * the key, in order, at most as many as asked for; one more than the page holds tells whether another page follows.
 * A request with `ids` has no second page. `count` counts the rows of all pages, but never more than it is told; a list
 * that grows with traffic has none (L10).
 */
export async function readPage<Row>(
  list: string,
  request: PageRequest,
  keyOf: (row: Row) => PageKey,
  select: (after: PageKey | undefined, limit: number) => Promise<Row[]>,
  count?: (atMost: number) => Promise<number>,
): Promise<Page<Row>> {
  if (request.ids !== undefined) {
    const items = await select(undefined, request.ids.length)
    return { items, nextCursor: null, approximateCount: count ? items.length : null }
  }
  const after = request.cursor === undefined ? undefined : readCursor(list, request.cursor)
  const rows = await select(after, request.limit + 1)
  const items = rows.slice(0, request.limit)
  const last = items.at(-1)
  const hasMore = rows.length > request.limit
  const isWhole = after === undefined && !hasMore
  return {
    items,
    nextCursor: hasMore && last ? writeCursor(list, keyOf(last)) : null,
    approximateCount: count ? approximate(isWhole ? items.length : await count(mostCounted)) : null,
  }
}

/** Counts the rows of a query, and stops at so many. Not for tables that grow with traffic (L10). */
export async function countAtMost<DB, Table extends keyof DB, Row>(
  db: Database,
  rows: SelectQueryBuilder<DB, Table, Row>,
  atMost: number,
): Promise<number> {
  const counted = await db
    .selectFrom(rows.limit(atMost).as('some'))
    .select((eb) => eb.fn.countAll().as('n'))
    .executeTakeFirstOrThrow()
  return Number(counted.n)
}

/** Gives the page's items in another form. */
export function mapPage<Row, Item>(page: Page<Row>, map: (row: Row) => Item): Page<Item> {
  return { ...page, items: page.items.map(map) }
}

/** Those of the ids that a column of row ids can be compared with, and one that no row has: a list is never empty. */
export function comparableRowIds(ids: readonly string[] | undefined): string[] {
  return [...(ids ?? []).filter((id) => rowId.test(id)), noRowId]
}

/** What a database can compare: text without NUL and without half a character. */
function isKeyPart(part: unknown): part is string {
  return typeof part === 'string' && !/[\0\p{Cs}]/u.test(part)
}

/** The cursor names its list, so that one of another list is refused and not misread. */
function writeCursor(list: string, key: PageKey): string {
  return Buffer.from(JSON.stringify([list, ...key])).toString('base64url')
}

function readCursor(list: string, cursor: string): PageKey {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (Array.isArray(parsed) && parsed[0] === list && parsed.every(isKeyPart)) {
      const [first = '', ...rest] = parsed.slice(1)
      if (!listsByRowId.has(list) || rowId.test(first)) return [first, ...rest]
    }
  } catch {
    // answered below
  }
  const detail = 'expected the nextCursor of a page of this list'
  throw new Problem('invalid_request', `The request is not valid. ?cursor: ${detail}.`, {
    errors: [{ pointer: '?cursor', detail }],
  })
}
