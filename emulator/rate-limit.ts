import type { Settings } from './settings.ts'

/** Takes one request from the user's token bucket; gives the seconds to wait when it is empty, else undefined. */
export type TakeRequest = (user: string) => number | undefined

export function createRateLimit(settings: Settings): TakeRequest {
  const limit = settings.rateLimit
  if (!limit) return () => undefined
  const buckets = new Map<string, { level: number; at: number }>()
  return (user) => {
    const now = settings.now()
    const bucket = buckets.get(user) ?? { level: limit.capacity, at: now }
    const level = Math.min(limit.capacity, bucket.level + ((now - bucket.at) / 1000) * limit.fillRate)
    buckets.set(user, { level: level >= 1 ? level - 1 : level, at: now })
    return level >= 1 ? undefined : Math.max(1, Math.ceil((1 - level) / limit.fillRate))
  }
}
