import { createHash } from 'node:crypto'
import { Problem } from '../../schemas/problem.ts'

/**
 * Makes the strong ETag of an object as the API shows it (R203): two representations have the same one exactly when
 * they are the same.
 */
export function etagOf(representation: unknown): string {
  return `"${createHash('sha256').update(JSON.stringify(representation)).digest('base64url')}"`
}

/** Whether a header If-None-Match names the ETag, or `*`; a weak tag is as good as a strong one here (RFC 9110). */
export function matchesNoneOf(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.trim() === '*' || tagsIn(ifNoneMatch).some((tag) => tag.replace(/^W\//, '') === etag)
}

/** Whether a header has the form of If-Match: `*`, or ETags in double quotes, separated by commas. */
export function isEntityTags(header: string): boolean {
  return /^\s*(\*|(W\/)?"[!#-~\x80-\xff]*"(\s*,\s*(W\/)?"[!#-~\x80-\xff]*")*)\s*$/.test(header)
}

/**
 * Refuses a change that was made for another version of the object than the one that is there (R203). Call it with
 * the row that the write transaction has just read, shown as a GET would show it to this caller; an absent header
 * lets everything pass, `*` whatever exists.
 *
 * @throws Problem `precondition_failed`
 */
export function requireMatch(ifMatch: string | undefined, representation: unknown): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return
  const etag = etagOf(representation)
  if (tagsIn(ifMatch).includes(etag)) return
  throw new Problem(
    'precondition_failed',
    'The object is not as it was when you read it: somebody has changed it since. Read it again, and send its new ETag in If-Match.',
  )
}

function tagsIn(header: string): string[] {
  return header.match(/(W\/)?"[!#-~\x80-\xff]*"/g) ?? []
}
