import type * as z from 'zod'
import type { Transport, TransportResponse } from '../transport.ts'
import { BitbucketError, errorOfResponse, parseJson } from './errors.ts'
import { type QueryParameters, type RestPath, restUrl } from './paths.ts'

/** One Bitbucket, reached as one user. Every function of this folder takes it first. */
export interface BitbucketClient {
  readonly transport: Transport
  /** Scheme, host, optional port and context path; no slash at the end. */
  readonly baseUrl: string
  /** An HTTP access token, sent as Bearer (R18a). Left out where the browser's own session is used. */
  readonly token?: string
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

export interface BitbucketCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: RestPath
  readonly query?: QueryParameters
  /** Sent as JSON. */
  readonly body?: unknown
}

/**
 * Makes one call and gives its JSON, read by `schema`.
 *
 * @throws BitbucketError, TransportError, UnsafePathError
 */
export async function callBitbucket<Answer>(
  client: BitbucketClient,
  call: BitbucketCall,
  schema: z.ZodType<Answer>,
): Promise<Answer> {
  const response = await sendToBitbucket(client, call)
  return readAnswer(response, schema)
}

/**
 * Makes one call whose answer may have no body (a 204, say).
 *
 * @throws BitbucketError, TransportError, UnsafePathError
 */
export async function sendToBitbucket(
  client: BitbucketClient,
  { method, path, query, body }: BitbucketCall,
): Promise<TransportResponse> {
  const response = await client.transport({
    method,
    url: restUrl(client.baseUrl, path, query ?? {}),
    headers: {
      accept: 'application/json',
      // Bitbucket may refuse a write without it as cross-site request forgery.
      'x-atlassian-token': 'no-check',
      ...(client.token === undefined ? {} : { authorization: `Bearer ${client.token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(client.signal === undefined ? {} : { signal: client.signal }),
    ...(client.timeoutMs === undefined ? {} : { timeoutMs: client.timeoutMs }),
  })
  if (response.status < 200 || response.status > 299) throw errorOfResponse(response, Date.now())
  // A login page or a proxy's welcome is a 200 too; only an answer without a body needs no type.
  if (response.body.byteLength > 0 && !isJson(response)) throw notBitbucket(response)
  return response
}

/** Validates an answer loosely: what Bitbucket adds passes, what is missing or of another type does not (S39). */
export function readAnswer<Answer>(response: TransportResponse, schema: z.ZodType<Answer>): Answer {
  const parsed = schema.safeParse(parseJson(response.body))
  if (!parsed.success) throw notBitbucket(response)
  return parsed.data
}

function isJson(response: TransportResponse): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\b/i.test(response.headers['content-type'] ?? '')
}

function notBitbucket(response: TransportResponse): BitbucketError {
  return new BitbucketError('not_bitbucket', { status: response.status })
}
