import { createHmac, timingSafeEqual } from 'node:crypto'
import { apiRevision } from '../../schemas/meta.ts'
import { Problem } from '../../schemas/problem.ts'

/** What a cursor belongs to: the list, with whatever of the request decides which rows it has, and in which order. */
export interface CursorPlace {
  readonly operation: string
  readonly params: unknown
  /** As it was sent. */
  readonly query: Readonly<Record<string, unknown>>
}

const tagBytes = 16

/** Signs the cursors that lists hand out, and opens no other (R201). */
export interface Cursors {
  seal(place: CursorPlace, key: string): string
  /** @throws Problem `invalid_request` for a cursor of another list, other filters, another revision, or nobody's */
  open(place: CursorPlace, cursor: string): string
}

/**
 * A cursor is where its page ended, signed together with what it belongs to. It says no more than the last row that
 * its receiver was shown (S21), and cannot be bent to begin elsewhere.
 */
export function createCursors(key: Uint8Array): Cursors {
  const sign = (place: CursorPlace, text: string) =>
    createHmac('sha256', key)
      .update(JSON.stringify([apiRevision, ...partsOf(place), text]))
      .digest()
      .subarray(0, tagBytes)
  return {
    seal: (place, text) => Buffer.concat([sign(place, text), Buffer.from(text)]).toString('base64url'),
    open: (place, cursor) => {
      const bytes = Buffer.from(cursor, 'base64url')
      const tag = bytes.subarray(0, tagBytes)
      const text = bytes.subarray(tagBytes).toString('utf8')
      if (tag.length === tagBytes && timingSafeEqual(tag, sign(place, text))) return text
      const detail = 'expected the nextCursor of a page of this list, asked for with the same filters'
      throw new Problem('invalid_request', `The request is not valid. ?cursor: ${detail}.`, {
        errors: [{ pointer: '?cursor', detail }],
      })
    },
  }
}

/** The limit may change from page to page. */
function partsOf({ operation, params, query }: CursorPlace): unknown[] {
  const filters = Object.entries(query)
    .filter(([name]) => name !== 'cursor' && name !== 'limit')
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return [operation, params, filters]
}
