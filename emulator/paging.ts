import { invalidArgument } from './errors.ts'

export interface Paging {
  /** The server's own most items per page, whatever the client asks for. */
  readonly pageCap: number
  /**
   * How far apart the positions of two neighbours are. Bitbucket counts rows that the caller may not see, so that
   * `nextPageStart` is not `start + size`; 1 makes it so.
   */
  readonly pageStride: number
}

/** Bitbucket leaves `nextPageStart` out of the last page of some lists and writes null in others. */
export type LastPage = 'absent' | 'null'

export interface Page<Value> {
  readonly size: number
  readonly limit: number
  readonly isLastPage: boolean
  readonly values: readonly Value[]
  readonly start: number
  readonly nextPageStart?: number | null
}

/** Reads `start` and `limit`; the limit is 25 when absent, and never above the server's cap. */
export function readPageRequest(query: URLSearchParams, paging: Paging): { start: number; limit: number } {
  const start = readCount(query, 'start', 0)
  const limit = readCount(query, 'limit', 25)
  return { start: Math.max(0, start), limit: Math.min(Math.max(1, limit), paging.pageCap) }
}

function readCount(query: URLSearchParams, name: string, absent: number): number {
  const text = query.get(name)
  if (text === null || text === '') return absent
  const count = Number(text)
  if (!Number.isInteger(count)) throw invalidArgument(`The parameter ${name} is not a whole number.`)
  return count
}

/** Cuts one page out of the whole list. */
export function pageOf<Value>(
  values: readonly Value[],
  query: URLSearchParams,
  paging: Paging,
  lastPage: LastPage = 'absent',
): Page<Value> {
  const { start, limit } = readPageRequest(query, paging)
  const first = Math.ceil(start / paging.pageStride)
  const chosen = values.slice(first, first + limit)
  const next = first + chosen.length
  const isLastPage = next >= values.length
  const page = { size: chosen.length, limit, isLastPage, values: chosen, start }
  if (!isLastPage) return { ...page, nextPageStart: next * paging.pageStride }
  return lastPage === 'null' ? { ...page, nextPageStart: null } : page
}
