import * as z from 'zod'
import { retryAfterMs } from '../retry-after.ts'
import type { TransportResponse } from '../transport.ts'

const sentences = {
  bad_credential: 'Bitbucket does not accept the access token: it is wrong, expired or revoked.',
  missing_permission: 'The access token is valid, but lacks the permission for this.',
  unauthorised: 'The request was refused as unauthorised, without saying whether by the token or by a permission.',
  not_found: 'It does not exist in Bitbucket, or the token may not see it.',
  invalid: 'Bitbucket refused the request as invalid.',
  conflict: 'Bitbucket refused the change: it conflicts with the present state, or the repository is read-only.',
  read_only: 'The repository is locked.',
  moved: 'Bitbucket redirects: the repository was renamed or moved, or the base URL is not the real one.',
  rate_limited: 'Bitbucket limits the rate of this user.',
  unavailable: 'Bitbucket cannot answer at the moment.',
  not_bitbucket: 'What answered does not speak the REST API of Bitbucket Data Center; check host and context path.',
  bad_paging: 'Bitbucket answered pages that do not advance or do not end.',
  unexpected: 'Bitbucket gave an answer that its API does not have.',
} as const

export type BitbucketErrorCode = keyof typeof sentences

export interface BitbucketErrorFacts {
  readonly status?: number
  /** The class that Bitbucket names, such as `com.atlassian.bitbucket.AuthorisationException`. */
  readonly exceptionName?: string
  /** The fields that a 400 complains about. */
  readonly fields?: readonly string[]
  readonly retryAfterMs?: number
}

/** A request that Bitbucket, or what stands in its place, did not fulfil. It never carries words of the answer (S37). */
export class BitbucketError extends Error {
  readonly code: BitbucketErrorCode
  readonly status: number | undefined
  readonly exceptionName: string | undefined
  readonly fields: readonly string[]
  readonly retryAfterMs: number | undefined
  constructor(code: BitbucketErrorCode, facts: BitbucketErrorFacts = {}) {
    const hints = [
      facts.status === undefined ? '' : `status ${facts.status}`,
      facts.exceptionName?.split('.').at(-1) ?? '',
      (facts.fields ?? []).length > 0 ? `fields: ${facts.fields?.join(', ')}` : '',
    ].filter((hint) => hint !== '')
    super(hints.length > 0 ? `${sentences[code]} (${hints.join('; ')})` : sentences[code])
    this.name = 'BitbucketError'
    this.code = code
    this.status = facts.status
    this.exceptionName = facts.exceptionName
    this.fields = facts.fields ?? []
    this.retryAfterMs = facts.retryAfterMs
  }
}

const ErrorBody = z.object({
  errors: z.array(z.object({ context: z.unknown().optional(), exceptionName: z.unknown().optional() })).max(100),
})

/** Says what an answer outside 2xx means; 401 is told apart by the exception that Bitbucket names (B22). */
export function errorOfResponse(response: TransportResponse, now: number): BitbucketError {
  const { status } = response
  const { exceptionName, fields } = readErrorBody(response)
  const facts = { status, fields, ...(exceptionName === undefined ? {} : { exceptionName }) }
  if (status === 429) {
    const wait = retryAfterMs(response.headers['retry-after'], now)
    return new BitbucketError('rate_limited', { ...facts, ...(wait === undefined ? {} : { retryAfterMs: wait }) })
  }
  return new BitbucketError(codeOf(status, exceptionName), facts)
}

function codeOf(status: number, exceptionName: string | undefined): BitbucketErrorCode {
  if (status === 401) {
    if (/IncorrectPassword|AuthenticationRequired/.test(exceptionName ?? '')) return 'bad_credential'
    return /(^|\.)AuthorisationException$/.test(exceptionName ?? '') ? 'missing_permission' : 'unauthorised'
  }
  if (status === 403) return 'missing_permission'
  if (status === 404) return 'not_found'
  if (status === 400) return 'invalid'
  if (status === 409) return 'conflict'
  if (status === 423) return 'read_only'
  if (status >= 300 && status < 400) return 'moved'
  return status >= 500 ? 'unavailable' : 'unexpected'
}

/** Only names pass: what does not look like a class or a field could be anything, so it is left out (S37). */
function readErrorBody(response: TransportResponse): { exceptionName?: string; fields: string[] } {
  const parsed = ErrorBody.safeParse(parseJson(response.body))
  const errors = parsed.success ? parsed.data.errors : []
  const exceptionName = errors.map((error) => error.exceptionName).find((name) => isName(name, 200))
  const fields = errors.map((error) => error.context).filter((context) => isName(context, 60))
  return { fields, ...(exceptionName === undefined ? {} : { exceptionName }) }
}

function isName(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value.length <= longest && /^[A-Za-z_][\w.$]*$/.test(value)
}

/** Gives `undefined` for what is not JSON. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return undefined
  }
}
