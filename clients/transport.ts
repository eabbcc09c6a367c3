/**
 * One HTTP exchange, whole: what goes in is sent as it is, what comes out is the answer Bitbucket or the server
 * gave. A transport follows no redirect (S34), decodes nothing and retries nothing; those that need more wrap one.
 */
export type Transport = (request: TransportRequest) => Promise<TransportResponse>

export interface TransportRequest {
  readonly method: string
  /** Absolute, already in the form that `new URL(url).href` gives. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** When it aborts, the call rejects with its reason. */
  readonly signal?: AbortSignal
  /** For the whole exchange, connecting and reading included; each transport has a default. */
  readonly timeoutMs?: number
}

export interface TransportResponse {
  readonly status: number
  /** Names in lower case; a header that came several times is joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** The most bytes of one answer that a transport reads (S35). */
export const maximumResponseBytes = 10 * 1024 * 1024

/** How long a peer may stay silent before its headers, and between two pieces of its body (S35). */
export const silenceTimeoutMs = 15_000

/** The deadline of a whole exchange that names none. */
export const defaultTimeoutMs = 60_000

const sentences = {
  dns: 'The host name could not be resolved.',
  refused: 'The connection was refused, or the host cannot be reached.',
  tls: 'No trusted TLS connection could be made.',
  timeout: 'The host did not answer in time.',
  too_large: 'The answer is larger than the limit.',
  reset: 'The connection broke before the answer was complete.',
  blocked: 'The address is not allowed.',
  agent_unavailable: 'No VCS agent of the pool is connected.',
} as const

export type TransportErrorCode = keyof typeof sentences

/**
 * An exchange that gave no answer. It names a code, and where the runtime has one its own constant (`ECONNREFUSED`,
 * `CERT_HAS_EXPIRED`); never a body, a header or an address (S37), which is why it has no `cause`.
 */
export class TransportError extends Error {
  readonly code: TransportErrorCode
  /** True when no byte of the request can have reached the peer, so that repeating it repeats nothing. */
  readonly nothingSent: boolean
  constructor(code: TransportErrorCode, options: { readonly nothingSent: boolean; readonly reason?: string }) {
    super(isConstant(options.reason) ? `${sentences[code]} (${options.reason})` : sentences[code])
    this.name = 'TransportError'
    this.code = code
    this.nothingSent = options.nothingSent
  }
}

function isConstant(reason: string | undefined): reason is string {
  return reason !== undefined && /^[A-Z][A-Z0-9_]{1,60}$/.test(reason)
}
