import { uuidv7 } from '../core/uuid-v7.ts'
import type { Database } from './tables.ts'

/** Who did what to which object; never a secret (R12). */
export interface AuditEntry {
  /** `key:<API key id>`, or `server`. */
  readonly actor: string
  /** `integration.create`, `webhook_secret.reveal` … */
  readonly action: string
  /** `integration:<id>` … */
  readonly object: string
  readonly details?: Readonly<Record<string, unknown>>
  /** Recorded once, however often it happens, where it is set. */
  readonly onceKey?: string
}

/** Records the entries; to be called in the transaction of what they tell, so that neither is without the other (S70). */
export async function recordAudit(db: Database, now: number, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return
  await db
    .insertInto('audit')
    .values(
      entries.map(({ actor, action, object, details, onceKey }) => ({
        id: uuidv7(now),
        at: now,
        actor,
        action,
        object,
        details: JSON.stringify(details ?? {}),
        once_key: onceKey ?? null,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
