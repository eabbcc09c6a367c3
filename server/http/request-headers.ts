import type { Request } from 'express'
import type { OperationFacts } from '../../schemas/operation-facts.ts'
import { Problem } from '../../schemas/problem.ts'
import { isEntityTags } from '../core/etag.ts'

const idempotencyKey = /^[ -~]{1,64}$/

/** The Idempotency-Key of a write that takes one; undefined where none came. Elsewhere the header means nothing. */
export function readIdempotencyKey(request: Request, { takesIdempotencyKey }: OperationFacts): string | undefined {
  const key = takesIdempotencyKey ? request.get('idempotency-key') : undefined
  if (key === undefined || idempotencyKey.test(key)) return key
  throw wrongHeader('Idempotency-Key', 'expected 1 to 64 printable ASCII characters')
}

/**
 * The If-Match of a write. Where the operation has nothing to compare it with, it is refused: nobody should believe
 * that it was compared.
 */
export function readIfMatch(request: Request, { isWrite, takesIfMatch }: OperationFacts): string | undefined {
  const header = isWrite ? request.get('if-match') : undefined
  if (header === undefined) return undefined
  if (!takesIfMatch) throw wrongHeader('If-Match', 'expected none: what this request changes has no ETag')
  if (!isEntityTags(header)) throw wrongHeader('If-Match', 'expected *, or ETags in double quotes')
  return header
}

/** The address's query, decoded strictly: what is no UTF-8 would be stored as something else than was sent (R211). */
export function requireDecodable(request: Request): void {
  const at = request.originalUrl.indexOf('?')
  if (at === -1) return
  try {
    decodeURIComponent(request.originalUrl.slice(at + 1))
  } catch {
    throw new Problem('malformed_request', 'The query of the address holds a wrong percent-encoding.')
  }
}

function wrongHeader(name: string, detail: string): Problem {
  return new Problem('invalid_request', `The request is not valid. ${name}: ${detail}.`, {
    errors: [{ pointer: `${name}:`, detail }],
  })
}
