import type { Paging } from './paging.ts'

/** How this Bitbucket is set up; what an administrator of a real one chooses in its configuration. */
export interface Settings extends Paging {
  /** `http://127.0.0.1:7990/bitbucket`, without a slash at the end. */
  readonly baseUrl: string
  /** The version it says it is, `9.4.2`; some answers depend on it. */
  readonly version: string
  /** Requests a user may make at once, and how many come back each second; absent: no limit. */
  readonly rateLimit?: { readonly capacity: number; readonly fillRate: number }
  /** The most file changes that a comparison tells (Bitbucket's `page.max.changes`). */
  readonly maxChanges: number
  readonly deliveryTimeoutMs: number
  /** The present, in milliseconds since 1970. */
  readonly now: () => number
}

/** Whether this Bitbucket is of that version or a newer one; 8.10 is newer than 8.9. */
export function isAtLeast(version: string, needed: string): boolean {
  const actual = version.split('.').map(Number)
  for (const [index, part] of needed.split('.').map(Number).entries()) {
    const difference = (actual[index] ?? 0) - part
    if (difference !== 0) return difference > 0
  }
  return true
}
