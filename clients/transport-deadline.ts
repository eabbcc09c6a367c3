import { TransportError } from './transport.ts'

/** A signal that ends with the caller's or at the deadline, whichever comes first; `clear` must be called. */
export interface Deadline {
  readonly signal: AbortSignal
  readonly clear: () => void
}

/**
 * Joins the caller's signal and a deadline. Written out because `AbortSignal.any` keeps a long-lived caller's signal
 * and everything joined to it in memory.
 */
export function startDeadline(caller: AbortSignal | undefined, timeoutMs: number): Deadline {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new TransportError('timeout', { nothingSent: false })), timeoutMs)
  const onAbort = () => controller.abort(caller?.reason)
  if (caller?.aborted) onAbort()
  else caller?.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer)
      caller?.removeEventListener('abort', onAbort)
    },
  }
}
