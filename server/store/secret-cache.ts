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

/** Whose entry is this old, and in use, is read along with another's: one statement for many. */
const ripeAgeMs = 1_000
const readTogether = 100

/** Of the retired secrets the last two are told from wrong ones; three can be valid at a time (R36). */
const keptVersions = 5

interface Entry {
  readonly target: WebhookReceiverTarget
  readonly readAt: number
  /** Somebody asked for it since it was read. */
  isUsed: boolean
}

/** By slug; an error for whom the secrets could be read but not opened. */
type Entries = ReadonlyMap<string, Entry | Error>

/**
 * Unsealed webhook secrets by integration slug, at most two seconds old. Whoever creates or deletes an integration
 * or its secrets calls `invalidate`, after the commit.
 */
export class SecretCache {
  readonly #db: Database
  readonly #sealer: Pick<Sealer, 'open'>
  readonly #clock: Clock
  /** In the order in which they were read. */
  readonly #entries = new Map<string, Entry>()
  readonly #reading = new Map<string, Promise<Entries>>()

  constructor(db: Database, sealer: Pick<Sealer, 'open'>, clock: Clock) {
    this.#db = db
    this.#sealer = sealer
    this.#clock = clock
  }

  /** What is known and fresh, at once; `undefined` asks for `load`. */
  peek(slug: string): WebhookReceiverTarget | undefined {
    const entry = this.#entries.get(slug)
    if (entry === undefined) return undefined
    entry.isUsed = true
    // A clock that was set back makes an age negative: then nothing is known about it.
    const age = this.#clock.now() - entry.readAt
    return age >= 0 && age < maxAgeMs ? entry.target : undefined
  }

  /** Whether the slug was an integration's when it was last read, however long ago. */
  hasSeen(slug: string): boolean {
    return this.#entries.has(slug)
  }

  /** Reads the integration's secrets, once for all who ask meanwhile; `undefined` when no integration has the slug. */
  async load(slug: string): Promise<WebhookReceiverTarget | undefined> {
    const running = this.#reading.get(slug)
    if (running !== undefined) return targetOf((await running).get(slug))
    const slugs = [slug, ...this.#ripe(slug)]
    const reading = this.#read(slugs)
    for (const each of slugs) this.#reading.set(each, reading)
    try {
      const entries = await reading
      for (const each of slugs) if (this.#reading.get(each) === reading) this.#keep(each, entries.get(each))
      return targetOf(entries.get(slug))
    } finally {
      for (const each of slugs) if (this.#reading.get(each) === reading) this.#reading.delete(each)
    }
  }

  /** Forgets the slug; a reading under way serves those who asked before, and is not kept. */
  invalidate(slug: string): void {
    this.#entries.delete(slug)
    this.#reading.delete(slug)
  }

  /** Others in use that will have to be read soon: the first in the map were read longest ago. */
  #ripe(besides: string): string[] {
    const now = this.#clock.now()
    const slugs: string[] = []
    for (const [slug, { isUsed, readAt }] of this.#entries) {
      if (slugs.length === readTogether || Math.abs(now - readAt) < ripeAgeMs) break
      if (isUsed && slug !== besides && !this.#reading.has(slug)) slugs.push(slug)
    }
    return slugs
  }

  #keep(slug: string, entry: Entry | Error | undefined): void {
    this.#entries.delete(slug)
    if (entry !== undefined && !(entry instanceof Error)) this.#entries.set(slug, entry)
  }

  async #read(slugs: readonly string[]): Promise<Entries> {
    const readAt = this.#clock.now()
    const rows = await listWebhookSecrets(this.#db, slugs, readAt)
    const bySlug = new Map<string, SealedWebhookSecret[]>()
    for (const row of rows) bySlug.set(row.slug, [...(bySlug.get(row.slug) ?? []), row])
    return new Map([...bySlug].map(([slug, own]) => [slug, this.#entryOf(slug, own.slice(0, keptVersions), readAt)]))
  }

  #entryOf(slug: string, rows: readonly SealedWebhookSecret[], readAt: number): Entry | Error {
    const known = this.#entries.get(slug)?.target.secrets ?? []
    try {
      const secrets = rows.map((row) => this.#open(row, known))
      return { target: { integrationId: rows[0]?.integrationId ?? '', secrets }, readAt, isUsed: false }
    } catch (error) {
      return error instanceof Error ? error : new Error('A webhook secret could not be opened.', { cause: error })
    }
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

function targetOf(entry: Entry | Error | undefined): WebhookReceiverTarget | undefined {
  if (entry instanceof Error) throw entry
  return entry?.target
}
