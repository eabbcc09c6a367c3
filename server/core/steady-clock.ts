import type { Clock } from './clock.ts'

/**
 * A clock that follows the machine's, but is never earlier than its start plus the time that has really passed since,
 * by a monotonic clock in milliseconds: what expired does not come back because the machine's clock was set back (F15).
 */
export function steadyClock(clock: Clock, monotonicMs: () => number): Clock {
  const start = clock.now() - monotonicMs()
  return { now: () => Math.max(clock.now(), Math.floor(start + monotonicMs())) }
}
