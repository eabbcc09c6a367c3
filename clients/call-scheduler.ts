import pLimit, { type LimitFunction } from 'p-limit'
import { retryAfterMs } from './retry-after.ts'
import type { Transport } from './transport.ts'

/** What the time-dependent wrappers need of the world; tests bring their own. */
export interface CallClock {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Rejects with the signal's reason when it aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

export interface CallSchedulerOptions {
  readonly clock: CallClock
  /** Tokens that flow into a lane's bucket per second; the example of Atlassian's specification is 5. */
  readonly callsPerSecond: number
  /**
   * The size of the user's bucket in Bitbucket's limiter; the example of Atlassian's specification is 60. One second's
   * worth of calls is never used of it, because calls are unequally long under way: what leaves in time may arrive
   * closer together.
   */
  readonly burst: number
  readonly maxInFlight: number
  /** Told when a lane pauses, so that other processes can be told too (L20). */
  readonly onPause?: (lane: string, notBefore: number) => void
}

export interface CallScheduler {
  /** Runs the call when its lane lets it: in order, at most `maxInFlight` at a time, one token each. */
  readonly schedule: <T>(lane: string, call: () => Promise<T>, signal?: AbortSignal) => Promise<T>
  /** Empties the lane's bucket until then (milliseconds since the epoch), for all who call through it. */
  readonly pause: (lane: string, notBefore: number) => void
}

interface Lane {
  tokens: number
  refilledAt: number
  readonly inFlight: LimitFunction
  readonly turn: LimitFunction
}

/**
 * Holds every call to one Bitbucket by one user within that user's rate limit (L20). A lane is one (host, user): a
 * token bucket, because Bitbucket's limiter is one, and a bound on calls in flight.
 */
export function createCallScheduler(options: CallSchedulerOptions): CallScheduler {
  const { clock, callsPerSecond } = options
  const capacity = Math.max(1, options.burst - callsPerSecond)
  const lanes = new Map<string, Lane>()

  function laneOf(key: string): Lane {
    let lane = lanes.get(key)
    if (!lane) {
      lane = { tokens: capacity, refilledAt: clock.now(), inFlight: pLimit(options.maxInFlight), turn: pLimit(1) }
      lanes.set(key, lane)
    }
    return lane
  }

  async function takeToken(lane: Lane, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      signal?.throwIfAborted()
      const now = clock.now()
      if (now > lane.refilledAt) {
        lane.tokens = Math.min(capacity, lane.tokens + ((now - lane.refilledAt) / 1000) * callsPerSecond)
        lane.refilledAt = now
      }
      if (lane.tokens >= 1) {
        lane.tokens -= 1
        return
      }
      const growing = ((1 - lane.tokens) / callsPerSecond) * 1000
      // A pause moved `refilledAt` into the future: no token grows before then.
      await clock.sleep(Math.max(1, Math.ceil(lane.refilledAt - now + growing)), signal)
    }
  }

  return {
    schedule: (key, call, signal) => {
      const lane = laneOf(key)
      return lane.inFlight(async () => {
        await lane.turn(() => takeToken(lane, signal))
        return call()
      })
    },
    pause: (key, notBefore) => {
      const lane = laneOf(key)
      lane.tokens = 0
      if (notBefore > lane.refilledAt) lane.refilledAt = notBefore
      options.onPause?.(key, lane.refilledAt)
    },
  }
}

/** Sends each request through the lane; an answer of 429 pauses the lane for as long as it says, for every caller. */
export function scheduledTransport(
  transport: Transport,
  scheduler: CallScheduler,
  lane: string,
  clock: CallClock,
): Transport {
  return (request) =>
    scheduler.schedule(
      lane,
      async () => {
        const response = await transport(request)
        if (response.status === 429) {
          scheduler.pause(lane, clock.now() + (retryAfterMs(response.headers['retry-after'], clock.now()) ?? 1_000))
        }
        return response
      },
      request.signal,
    )
}
