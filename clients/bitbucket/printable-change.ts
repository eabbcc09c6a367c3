import type { WebhookChange } from './webhook-drift.ts'

/** A change as plans, reports and logs show it: everything but the secret and what else the configuration holds. */
export interface PrintableChange {
  readonly kind: WebhookChange['kind']
  readonly level: WebhookChange['level']
  readonly id?: number
  readonly drift?: readonly string[]
  readonly webhook?: {
    readonly name: string
    readonly url: string
    readonly events: readonly string[]
    readonly active: boolean
    readonly sslVerificationRequired: boolean
  }
}

/** Gives the form of a change that may be printed and stored (B13). */
export function printableChange(change: WebhookChange): PrintableChange {
  const { kind, level } = change
  if (kind === 'delete') return { kind, level, id: change.id, drift: change.drift }
  const { name, url, events, active, sslVerificationRequired } = change.body()
  const webhook = { name, url, events, active, sslVerificationRequired }
  return kind === 'create' ? { kind, level, webhook } : { kind, level, id: change.id, drift: change.drift, webhook }
}
