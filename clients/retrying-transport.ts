import pRetry, { type RetryContext } from 'p-retry'
import type { CallClock } from './call-scheduler.ts'
import { retryAfterMs } from './retry-after.ts'
import { type Transport, TransportError, type TransportRequest, type TransportResponse } from './transport.ts'

export interface RetryOptions {
  readonly clock: CallClock
  /** A number in [0, 1), as `Math.random` gives it. */
  readonly random: () => number
  /** How often a request is sent at most; 1 retries nothing. */
  readonly tries: number
  /** The first back-off is between 0 and this, the second between 0 and twice this, and so on. */
  readonly firstBackOffMs: number
  readonly longestBackOffMs: number
  /** A `Retry-After` beyond this is not waited for: the answer is handed on, so that the caller can give up its turn. */
  readonly longestWaitMs: number
}

/** An answer that is worth another try; it travels as an error because p-retry retries those. */
class RetryableResponse extends Error {
  readonly response: TransportResponse
  constructor(response: TransportResponse) {
    super(`answered ${response.status}`)
    this.response = response
  }
}

const repeatableMethods = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])
const passingStatuses = new Set([502, 503, 504])

/**
 * Tries again what is worth another try (B24): 429, 502 to 504, and exchanges that broke. A method that is not
 * idempotent is repeated only where nothing was done: after a 429, or when no byte was sent. `Retry-After` is
 * honoured; else the wait is a full jitter over an exponential back-off.
 */
export function retryingTransport(transport: Transport, options: RetryOptions): Transport {
  return async (request) => {
    try {
      return await pRetry(() => attempt(transport, request), {
        retries: options.tries - 1,
        // The wait is ours: p-retry's own jitter never goes below the back-off, and knows no Retry-After.
        minTimeout: 0,
        ...(request.signal === undefined ? {} : { signal: request.signal }),
        shouldRetry: async (context) => {
          const wait = context.retriesLeft > 0 ? waitBefore(request, context, options) : undefined
          if (wait === undefined || wait > options.longestWaitMs) return false
          await options.clock.sleep(wait, request.signal)
          return true
        },
      })
    } catch (error) {
      if (error instanceof RetryableResponse) return error.response
      throw error
    }
  }
}

async function attempt(transport: Transport, request: TransportRequest): Promise<TransportResponse> {
  const response = await transport(request)
  const isPassing = passingStatuses.has(response.status) && repeatableMethods.has(request.method)
  if (response.status === 429 || isPassing) throw new RetryableResponse(response)
  return response
}

/** Gives the milliseconds to wait before the next try, or `undefined` where there must be none. */
function waitBefore(request: TransportRequest, { error, attemptNumber }: RetryContext, options: RetryOptions) {
  const ceiling = Math.min(options.firstBackOffMs * 2 ** (attemptNumber - 1), options.longestBackOffMs)
  const backOff = Math.floor(options.random() * ceiling)
  if (error instanceof RetryableResponse) {
    return retryAfterMs(error.response.headers['retry-after'], options.clock.now()) ?? backOff
  }
  if (!(error instanceof TransportError) || !isPassingFailure(error)) return undefined
  return error.nothingSent || repeatableMethods.has(request.method) ? backOff : undefined
}

function isPassingFailure({ code }: TransportError): boolean {
  return code === 'dns' || code === 'refused' || code === 'timeout' || code === 'reset'
}
