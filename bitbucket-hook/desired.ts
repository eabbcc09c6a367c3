import { type DesiredWebhook, eventsForVersion, type WebhookPolicy } from '../clients/bitbucket/desired-webhook.ts'
import { integrationWebhook } from '../clients/bitbucket/integration-webhook.ts'
import type { WebhookTarget } from '../schemas/webhook-target.ts'

export interface DesiredForTarget {
  readonly desired: DesiredWebhook
  /** Events that this version of Bitbucket does not know, and that are therefore left out (B11). */
  readonly droppedEvents: readonly string[]
}

/** Says which webhook a target's repository should have, in a Bitbucket of that version. */
export function desiredForTarget(
  target: WebhookTarget,
  bitbucketVersion: string,
  policy: Partial<WebhookPolicy>,
): DesiredForTarget {
  const { events, dropped } = eventsForVersion(target.events, bitbucketVersion)
  return { desired: integrationWebhook(target, { events, policy }), droppedEvents: dropped }
}
