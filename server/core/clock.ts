/** Where the time comes from, in epoch milliseconds: handed in, so that tests decide what time it is. */
export interface Clock {
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }
