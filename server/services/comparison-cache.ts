/** Answers of one repository's comparisons, kept because they never change: both ends are commits (L21). */
export interface ComparisonCache<Answer> {
  /** Gives the kept answer, or asks for it; askers at the same time wait for the first. A failure is not kept. */
  get(key: string, now: number, ask: () => Promise<Answer>): Promise<Answer>
}

export interface ComparisonCacheOptions {
  readonly keepMs: number
  /** The oldest answer leaves when there are more. */
  readonly most: number
}

export function createComparisonCache<Answer>({ keepMs, most }: ComparisonCacheOptions): ComparisonCache<Answer> {
  const answers = new Map<string, { readonly answer: Promise<Answer>; readonly askedAt: number }>()

  function drop(key: string, answer: Promise<Answer>): void {
    if (answers.get(key)?.answer === answer) answers.delete(key)
  }

  return {
    get(key, now, ask) {
      const kept = answers.get(key)
      if (kept && now - kept.askedAt < keepMs) return kept.answer
      const answer = ask()
      answers.delete(key) // a Map keeps the order of insertion: the first is the oldest
      answers.set(key, { answer, askedAt: now })
      answer.catch(() => drop(key, answer))
      for (const oldest of answers.keys()) {
        if (answers.size <= most) break
        answers.delete(oldest)
      }
      return answer
    },
  }
}
