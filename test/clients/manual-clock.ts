import type { CallClock } from '../../clients/call-scheduler.ts'

/** A clock that stands still until it is moved; whoever sleeps wakes in order when their time has come. */
export interface ManualClock extends CallClock {
  /** Lets that much time pass, with everything that happens in it. */
  readonly advance: (ms: number) => Promise<void>
  /** How long each sleep was asked to be. */
  readonly sleeps: readonly number[]
}

export function createManualClock(start = 1_700_000_000_000): ManualClock {
  let now = start
  const sleeps: number[] = []
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()
  return {
    sleeps,
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        sleeps.push(ms)
        const sleeper = { at: now + ms, wake: resolve }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          reject(signal.reason)
        })
      }),
    advance: async (ms) => {
      const end = now + ms
      await settle()
      for (;;) {
        const next = [...sleepers].sort((left, right) => left.at - right.at)[0]
        if (!next || next.at > end) break
        sleepers.delete(next)
        now = Math.max(now, next.at)
        next.wake()
        await settle()
      }
      now = end
    },
  }
}

/** Lets everything run that needs no time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}
