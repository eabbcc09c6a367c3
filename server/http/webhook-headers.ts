import { pingEventKey } from '../../schemas/webhook.ts'
import { readSignature } from '../core/signature.ts'
import type { RefusalReason } from './webhook-answers.ts'

/** The headers of a webhook that mean something, read in one pass; a name that comes twice is told, not joined. */
export interface WebhookHeaders {
  eventKey: string | undefined
  requestId: string | undefined
  signature: string | undefined
  contentType: string | undefined
  contentLength: string | undefined
  userAgent: string | undefined
  contentEncoding: string | undefined
  /** The name among these that came more than once; the signature only where no other did. */
  repeated: keyof WebhookHeaders | undefined
}

type Name = Exclude<keyof WebhookHeaders, 'repeated'>

const names = new Map<string, Name>([
  ['x-event-key', 'eventKey'],
  ['x-request-id', 'requestId'],
  ['x-hub-signature', 'signature'],
  ['content-type', 'contentType'],
  ['content-length', 'contentLength'],
  ['user-agent', 'userAgent'],
  ['content-encoding', 'contentEncoding'],
])

/** Reads them from `request.rawHeaders`: building `request.headers` costs more than the rest of the reading. */
export function readWebhookHeaders(rawHeaders: readonly string[]): WebhookHeaders {
  const headers: WebhookHeaders = {
    eventKey: undefined,
    requestId: undefined,
    signature: undefined,
    contentType: undefined,
    contentLength: undefined,
    userAgent: undefined,
    contentEncoding: undefined,
    repeated: undefined,
  }
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const raw = rawHeaders[index] ?? ''
    const name = names.get(raw) ?? names.get(raw.toLowerCase())
    if (name === undefined) continue
    if (headers[name] !== undefined && (headers.repeated === undefined || headers.repeated === 'signature')) {
      headers.repeated = name
    }
    headers[name] = rawHeaders[index + 1]
  }
  return headers
}

/** Why a signature does not hold (R43). */
export type SignatureFailure = 'unsigned' | 'wrong_secret' | 'retired_secret'

/** What the headers alone decide: `signed` is the only one whose body is worth reading. */
export type HeaderVerdict =
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  | { readonly kind: 'rejected'; readonly reason: SignatureFailure }
  | { readonly kind: 'unsigned_ping' }
  | { readonly kind: 'signed'; readonly signature: string }

/** Judges a webhook by its headers, the body's length among them. They are the sender's word: none is signed (S1). */
export function judgeHeaders(headers: WebhookHeaders, bodyLimit: number): HeaderVerdict {
  const { signature, contentEncoding, contentLength, repeated, eventKey } = headers
  const encoding = contentEncoding?.toLowerCase() ?? 'identity'
  if (encoding !== 'identity') return { kind: 'refused', reason: 'encoded_body' }
  if (Number(contentLength ?? 0) > bodyLimit) return { kind: 'refused', reason: 'body_too_large' }
  if (repeated !== undefined && repeated !== 'signature') return { kind: 'refused', reason: 'repeated_header' }
  if (signature === undefined || signature === '') {
    return eventKey === pingEventKey ? { kind: 'unsigned_ping' } : { kind: 'rejected', reason: 'unsigned' }
  }
  const read = repeated === 'signature' ? undefined : readSignature(signature)
  return read === undefined ? { kind: 'rejected', reason: 'wrong_secret' } : { kind: 'signed', signature: read }
}

/** The headers that are kept (R44), as a JSON object by lower-case name. */
export function keptHeaders(headers: WebhookHeaders): Record<string, string> {
  const kept: Record<string, string> = {}
  if (headers.eventKey !== undefined) kept['x-event-key'] = headers.eventKey
  if (headers.requestId !== undefined) kept['x-request-id'] = headers.requestId
  if (headers.contentType !== undefined) kept['content-type'] = headers.contentType
  if (headers.contentLength !== undefined) kept['content-length'] = headers.contentLength
  if (headers.userAgent !== undefined) kept['user-agent'] = headers.userAgent
  return kept
}
