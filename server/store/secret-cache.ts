import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { Sealer } from '../core/sealer.ts'
import type { Database } from './tables.ts'
import { listWebhookSecrets, type SealedWebhookSecret } from './webhook-secrets.ts'

/** What the receiver needs of an integration. */
export interface WebhookReceiverTarget {
  readonly integrationId: string
  /** The newest first; those whose time is over are in it, too. */
  readonly secrets: readonly WebhookSecret[]
}

export interface WebhookSecret {
  readonly version: number
  readonly key: KeyObject
  readonly validUntil: number | null
  /** What `key` was opened from. */
  readonly sealed: string
}

/** Another process's change is seen this much later. */
const maxAgeMs = 2_000

interface Entry {
  readonly target: WebhookReceiverTarget
  readonly readAt: number
}

/**
 * Unsealed webhook secrets by integration slug, at most two seconds old. Whoever creates or deletes an integration
 * or its secrets calls `invalidate`, after the commit.
 */
export class SecretCache {
  readonly #db: Database
  readonly #sealer: Pick<Sealer, 'open'>
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  readonly #loading = new Map<string, Promise<Entry | undefined>>()

  constructor(db: Database, sealer: Pick<Sealer, 'open'>, clock: Clock) {
    this.#db = db
    this.#sealer = sealer
    this.#clock = clock
  }

  /** What is known and fresh, at once; `undefined` asks for `load`. */
  peek(slug: string): WebhookReceiverTarget | undefined {
    const entry = this.#entries.get(slug)
    if (entry === undefined) return undefined
    const age = this.#clock.now() - entry.readAt
    // A clock that was set back makes an age negative: then nothing is known about it.
    return age >= 0 && age < maxAgeMs ? entry.target : undefined
  }

  /** Whether the slug was an integration's when it was last read, however long ago. */
  hasSeen(slug: string): boolean {
    return this.#entries.has(slug)
  }

  /** Reads the integration's secrets, once for all who ask meanwhile; `undefined` when no integration has the slug. */
  async load(slug: string): Promise<WebhookReceiverTarget | undefined> {
    const running = this.#loading.get(slug)
    if (running !== undefined) return (await running)?.target
    const loading = this.#read(slug)
    this.#loading.set(slug, loading)
    const isCurrent = () => this.#loading.get(slug) === loading
    try {
      const entry = await loading
      if (isCurrent()) this.#keep(slug, entry)
      return entry?.target
    } catch (error) {
      if (isCurrent()) this.#loading.delete(slug)
      throw error
    }
  }

  /** Forgets the slug; a reading under way serves those who asked before, and is not kept. */
  invalidate(slug: string): void {
    this.#entries.delete(slug)
    this.#loading.delete(slug)
  }

  #keep(slug: string, entry: Entry | undefined): void {
    this.#loading.delete(slug)
    if (entry === undefined) this.#entries.delete(slug)
    else this.#entries.set(slug, entry)
  }

  async #read(slug: string): Promise<Entry | undefined> {
    const readAt = this.#clock.now()
    const rows = await listWebhookSecrets(this.#db, slug)
    const [newest] = rows
    if (newest === undefined) return undefined
    const known = this.#entries.get(slug)?.target.secrets ?? []
    const secrets = rows.map((row) => this.#open(row, known))
    return { target: { integrationId: newest.integrationId, secrets }, readAt }
  }

  #open({ id, version, sealed, validUntil }: SealedWebhookSecret, known: readonly WebhookSecret[]): WebhookSecret {
    const same = known.find((secret) => secret.sealed === sealed)
    const key = same?.key ?? this.#unseal(id, sealed)
    return { version, key, validUntil, sealed }
  }

  #unseal(id: string, sealed: string): KeyObject {
    const secret = this.#sealer.open({ table: 'webhook_secret', id, column: 'secret' }, sealed)
    return createSecretKey(Buffer.from(secret, 'utf8'))
  }
}
