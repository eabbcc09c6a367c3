/** No answer makes a caller wait longer than this, whatever it says. */
export const longestRetryAfterMs = 15 * 60 * 1000

/**
 * Reads a `Retry-After` header: seconds (what Bitbucket sends) or an HTTP date. Gives milliseconds from now, between
 * 0 and 15 minutes, or `undefined` where the header says nothing usable.
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, longestRetryAfterMs)
  // A date has a name of a month; `Date.parse` alone would take "-5" or "1.5" for one.
  const date = /[A-Za-z]{3}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(date)) return undefined
  return Math.min(Math.max(date - now, 0), longestRetryAfterMs)
}
