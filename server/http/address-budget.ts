import { isIPv6 } from 'node:net'

interface Bucket {
  tokens: number
  filledAt: number
}

/** Addresses that are remembered; beyond, the one asked about longest ago is forgotten. */
const maxAddresses = 10_000

/** A token bucket for each source address: what strangers may cost (S13). `now` is in monotonic milliseconds. */
export class AddressBudget {
  readonly #perSecond: number
  readonly #burst: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#burst = burst
  }

  /** Whether the address has something left, without taking it. */
  hasLeft(address: string, now: number): boolean {
    return this.#fill(networkOf(address), now).tokens >= 1
  }

  /** Takes one; false when nothing is left. */
  take(address: string, now: number): boolean {
    const network = networkOf(address)
    const bucket = this.#fill(network, now)
    const isLeft = bucket.tokens >= 1
    if (isLeft) bucket.tokens -= 1
    this.#buckets.delete(network)
    this.#buckets.set(network, bucket)
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size > maxAddresses && oldest !== undefined) this.#buckets.delete(oldest)
    return isLeft
  }

  #fill(network: string, now: number): Bucket {
    const bucket = this.#buckets.get(network) ?? { tokens: this.#burst, filledAt: now }
    bucket.tokens = Math.min(this.#burst, bucket.tokens + ((now - bucket.filledAt) / 1_000) * this.#perSecond)
    bucket.filledAt = now
    return bucket
  }
}

/** Whoever has an IPv6 address has 2^64 of them: the first four groups count. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length)
  return [...groups, ...Array.from({ length: missing }, () => '0'), ...(tail ?? '').split(':')].slice(0, 4).join(':')
}
