import type { SignatureFailure } from './webhook-headers.ts'

/** A request that was refused for its signature: who sent what kind of thing; its body is not kept (R31). */
export interface RejectedRequest {
  readonly at: number
  readonly address: string
  readonly reason: SignatureFailure
  /** Bytes of the body as announced; null when it was not. */
  readonly length: number | null
  readonly headers: Readonly<Record<string, string>>
}

export interface Ping {
  readonly at: number
  readonly address: string
  readonly signed: boolean
}

const keptRejections = 100
const pingIntervalMs = 1_000

/** What strangers can cause to be remembered: in memory only, and bounded for each integration (S12). */
export class WebhookObservations {
  readonly #rejections = new Map<string, RejectedRequest[]>()
  readonly #pings = new Map<string, Ping>()

  recordRejection(integrationId: string, rejection: RejectedRequest): void {
    const ring = this.#rejections.get(integrationId) ?? []
    ring.push(rejection)
    if (ring.length > keptRejections) ring.shift()
    this.#rejections.set(integrationId, ring)
  }

  /** At most once a second; the first of that second is kept (R32). */
  recordPing(integrationId: string, ping: Ping): void {
    const last = this.#pings.get(integrationId)
    if (last === undefined || Math.abs(ping.at - last.at) >= pingIntervalMs) this.#pings.set(integrationId, ping)
  }

  /** The last hundred, the oldest first. */
  listRejections(integrationId: string): readonly RejectedRequest[] {
    return this.#rejections.get(integrationId) ?? []
  }

  findLastPing(integrationId: string): Ping | undefined {
    return this.#pings.get(integrationId)
  }

  /** For a deleted integration. */
  forget(integrationId: string): void {
    this.#rejections.delete(integrationId)
    this.#pings.delete(integrationId)
  }
}
