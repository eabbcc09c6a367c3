/** So many removals need no confirmation, however few webhooks there are. */
const harmlessRemovals = 5
const harmlessShare = 0.2

export interface RemovalCount {
  readonly removals: number
  /** The webhooks that this service has registered, those to be removed included. */
  readonly registered: number
  /** The webhooks that should exist. */
  readonly wanted: number
}

/**
 * Tells whether removals look like a mistake, so that somebody has to confirm them (B32): more than 5 and more than
 * 20 % of all, or all at once because nothing is wanted any more.
 */
export function needsConfirmation({ removals, registered, wanted }: RemovalCount): boolean {
  if (removals === 0) return false
  return wanted === 0 || removals > Math.max(harmlessRemovals, Math.floor(registered * harmlessShare))
}
