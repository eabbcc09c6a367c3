import { readFileSync } from 'node:fs'

const second = 1_000
const kib = 1_024
const mib = 1_024 * kib

/** Every limit of the port, in one place (S10). Times in milliseconds, sizes in bytes. */
export const httpLimits = {
  headerBytes: 16 * kib,
  headerCount: 100,
  headersTimeout: 10 * second,
  requestTimeout: 20 * second,
  connectionsCheckingInterval: second,
  /** Longer than a proxy's (nginx: 75 s), so that it is the proxy that closes, and never while a request is sent. */
  keepAliveTimeout: 90 * second,
  requestsPerSocket: 1_000,
  /** Of one webhook (R33). */
  bodyBytes: 5 * mib,
  /** Of all webhooks that are being read, verified or stored. */
  heldBodyBytes: 64 * mib,
  /** Verified, not yet answered (L18). */
  unansweredDeliveries: 4_096,
  /** Requests that fail verification or name no integration, from one address (S13). */
  unverifiedPerSecond: 20,
  unverifiedBurst: 100,
  /** How long a webhook waits for the database (R40). */
  patience: 8 * second,
} as const

export type HttpLimits = { readonly [Limit in keyof typeof httpLimits]: number }

/** Descriptors that files, the database and outgoing calls keep for themselves. */
const reservedDescriptors = 200

/**
 * How many connections may be open: the soft limit of file descriptors less 200. Without it a flood of idle ones takes
 * them all. `undefined` where the system does not tell.
 */
export function connectionLimit(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === undefined ? undefined : Math.max(Number(soft) - reservedDescriptors, 50)
  } catch {
    return undefined
  }
}
