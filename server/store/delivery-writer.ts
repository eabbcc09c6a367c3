/** A rightly signed delivery, to be stored before it is answered (R34). */
export interface ReceivedDelivery {
  readonly id: string
  readonly integrationId: string
  /** At most 255 characters. */
  readonly requestId: string | null
  /** At most 255 characters. */
  readonly eventKey: string
  /** The kept headers (R44) as a JSON object. */
  readonly headers: string
  readonly receivedAt: number
  readonly secretVersion: number
  /** The signature that the body has under that secret, in lower-case hex. */
  readonly bodyDigest: string
  readonly body: Uint8Array
}

/** `stored`: on disk, flushed. `duplicate`: the delivery that came first, `id`, is, and counts it (R35). */
export type StoreOutcome =
  | { readonly kind: 'stored' | 'duplicate'; readonly id: string }
  /** The database could not be written for eight seconds: nothing may be acknowledged (R40). */
  | { readonly kind: 'unavailable' }

/** Stores deliveries in groups, one commit for all that arrived meanwhile. */
export interface DeliveryWriter {
  /** How many wait for their outcome. */
  readonly pending: number
  store(delivery: ReceivedDelivery): Promise<StoreOutcome>
  /** Waits for the outcome of all that wait, then closes the connection. */
  close(): Promise<void>
}

export interface DeliveryWriterOptions {
  /** False behind a pooler that gives each transaction another connection (L36). */
  readonly preparedStatements: boolean
}

/** What a writer tells whoever watches it. */
export interface DeliveryWriterEvents {
  /** After a commit that stored something new; `seconds` from its begin. */
  onCommit(deliveries: number, seconds: number): void
  onFailure(error: unknown): void
  /** A day's partition was missing and has been made (L11): the hourly job does not run. */
  onMissingPartition(): void
}
