/** Attempts to write one webhook, and the time in which they are counted (B30). */
export const mostAttempts = 5
export const attemptsWindowMs = 3_600_000

/** Notices a fight: somebody else undoes, again and again, what we write (B30). */
export interface WriteBudget {
  /** Takes one attempt for the key; false where there is none left, and nothing must be written. */
  take(key: string): boolean
}

/** Counts in memory: a restarted service begins anew. */
export function createWriteBudget(now: () => number): WriteBudget {
  const attempts = new Map<string, number[]>()
  return {
    take: (key) => {
      const recent = (attempts.get(key) ?? []).filter((at) => at > now() - attemptsWindowMs)
      attempts.set(key, recent)
      if (recent.length >= mostAttempts) return false
      recent.push(now())
      return true
    },
  }
}
