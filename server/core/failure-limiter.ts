/** Counts failures in a sliding minute, approximately: two fixed minutes, the older one weighted by what is left of it. */
export interface FailureLimiter {
  /** Counts a failure and tells whether it is one too many. */
  countFailure(subject: string, now: number): boolean
}

const minuteMs = 60_000
const maximumSubjects = 10_000

/**
 * Makes a limiter of so many failures a minute for each subject. Its memory is bounded: with more subjects than it
 * can hold, new ones share one count.
 */
export function createFailureLimiter(perMinute: number): FailureLimiter {
  let minute = 0
  let present = new Map<string, number>()
  let previous = new Map<string, number>()
  return {
    countFailure: (subject, now) => {
      const current = Math.floor(now / minuteMs)
      if (current !== minute) {
        previous = current === minute + 1 ? present : new Map()
        present = new Map()
        minute = current
      }
      const key = present.has(subject) || present.size < maximumSubjects ? subject : 'others'
      const count = (present.get(key) ?? 0) + 1
      present.set(key, count)
      const left = 1 - (now % minuteMs) / minuteMs
      return count + (previous.get(key) ?? 0) * left > perMinute
    },
  }
}
