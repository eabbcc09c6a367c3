import type { DesiredWebhook } from './desired-webhook.ts'
import type { ObservedWebhook, WebhookBody } from './webhooks.ts'

/** The body of a webhook that does not exist yet. */
export function newWebhookBody(desired: DesiredWebhook): WebhookBody {
  return {
    name: desired.name,
    url: desired.url,
    events: [...desired.events],
    active: desired.active,
    sslVerificationRequired: desired.sslVerificationRequired,
    configuration: ourConfiguration(desired),
  }
}

/** The whole webhook, since a PUT clears what is absent: what others put into it stays (B5, B58). */
export function replacementBody(desired: DesiredWebhook, observed: ObservedWebhook): WebhookBody {
  const extra = desired.policy.eventsPolicy === 'exact' ? [] : observed.events
  const { secret: _, mooringSecretVersion: __, ...others } = observed.configuration ?? {}
  const username = observed.credentials?.username
  return {
    ...newWebhookBody(desired),
    events: [...new Set([...desired.events, ...extra])],
    active: isLeftDisabled(desired, observed) ? false : desired.active,
    configuration: { ...others, ...ourConfiguration(desired) },
    ...(username ? { credentials: { username } } : {}),
  }
}

/** Tells whether a webhook was switched off by somebody and stays so (B15). */
export function isLeftDisabled(desired: DesiredWebhook, observed: ObservedWebhook): boolean {
  return desired.policy.respectDisabled && !observed.active
}

function ourConfiguration({ secret, secretVersion, ownership }: DesiredWebhook): Record<string, unknown> {
  return {
    ...(secret === undefined ? {} : { secret }),
    ...(ownership.mark === undefined ? {} : { createdBy: ownership.mark }),
    ...(secretVersion === undefined ? {} : { mooringSecretVersion: secretVersion }),
  }
}
