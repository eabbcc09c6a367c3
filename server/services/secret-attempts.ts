import type { Clock } from '../core/clock.ts'
import { type Sealer, UnsealError } from '../core/sealer.ts'
import { type AuditEntry, recordAudit } from '../store/audit.ts'
import type { Database } from '../store/tables.ts'

/** Somebody who tried to get at a secret, and got nothing. */
export interface SecretAttempt {
  readonly actor: string
  readonly action: string
  readonly object: string
  /** Why he got nothing: a problem's code. */
  readonly code: string
}

/** Attempts on secrets, counted in this process until they are recorded. */
export interface SecretAttempts {
  note(attempt: SecretAttempt): void
  /** Records what was counted, one row for each kind; keeps counting it when that fails. To be called each minute. */
  flush(): Promise<void>
}

/** So many kinds a minute are told apart, and of what strangers send a few: they must not be able to fill the log. */
const mostKinds = 100
const mostByStrangers = 10
const stranger = 'anonymous'

/** Makes the counters: refused attempts are recorded once a minute, with their number (S70). */
export function createSecretAttempts(db: Database, clock: Clock): SecretAttempts {
  const counted = new Map<string, { readonly attempt: SecretAttempt; count: number }>()

  function note(attempt: SecretAttempt, times = 1): void {
    const known = counted.get(keyOf(attempt))
    if (known) known.count += times
    else if (counted.size < mostOf(attempt)) counted.set(keyOf(attempt), { attempt, count: times })
    else noteAsOther(attempt, times)
  }

  function noteAsOther({ actor, action, code }: SecretAttempt, times: number): void {
    const attempt = { actor: actor === stranger ? stranger : 'several', action, object: 'several', code }
    const known = counted.get(keyOf(attempt))
    if (known) known.count += times
    else counted.set(keyOf(attempt), { attempt, count: times })
  }

  return {
    note: (attempt) => note(attempt),
    flush: async () => {
      const due = [...counted.values()]
      counted.clear()
      try {
        await recordAudit(db, clock.now(), due.map(toEntry))
      } catch (error) {
        for (const { attempt, count } of due) note(attempt, count)
        throw error
      }
    },
  }
}

/** The same sealer, but a value that does not open is noted: somebody may have moved or changed it (S41). */
export function watchSealer(sealer: Sealer, attempts: SecretAttempts): Sealer {
  return {
    ...sealer,
    open: (identity, sealed) => {
      try {
        return sealer.open(identity, sealed)
      } catch (error) {
        if (error instanceof UnsealError) {
          const object = `${identity.table}:${identity.id}`
          attempts.note({ actor: 'server', action: 'sealed_value.refuse', object, code: identity.column })
        }
        throw error
      }
    },
  }
}

function keyOf({ actor, action, object, code }: SecretAttempt): string {
  return JSON.stringify([actor, action, object, code])
}

function mostOf({ actor }: SecretAttempt): number {
  return actor === stranger ? mostByStrangers : mostKinds
}

function toEntry({ attempt, count }: { readonly attempt: SecretAttempt; readonly count: number }): AuditEntry {
  const { actor, action, object, code } = attempt
  return { actor, action, object, details: { code, count } }
}
