export interface BackOff {
  readonly firstMs: number
  readonly longestMs: number
}

/** How long to wait after the given number of tries, counted from 1: doubled each time, up to the longest. */
export function backOffMs({ firstMs, longestMs }: BackOff, attempts: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(30, Math.max(0, attempts - 1)))
}
