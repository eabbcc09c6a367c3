import { type DesiredWebhook, type DesiredWebhookInput, desiredWebhook } from './desired-webhook.ts'

/** What the server tells about an integration's webhook in one repository. */
export interface IntegrationWebhook {
  readonly instanceId: string
  /** The integration's slug, which is its id in the mark too (R3). */
  readonly integrationId: string
  readonly integrationName: string
  readonly url: string
  readonly secret: string
  readonly secretVersion: number
  /** The webhook that the server has on record for the repository. */
  readonly webhookId: number | null
}

/**
 * The desired webhook of an integration. Terraform provider, hook service and server all build it here, so that none
 * of them undoes what another did. `choices` is what a user may decide on top.
 */
export function integrationWebhook(
  webhook: IntegrationWebhook,
  choices: Pick<
    DesiredWebhookInput,
    'events' | 'name' | 'active' | 'sslVerificationRequired' | 'formerEndpoints' | 'policy'
  >,
): DesiredWebhook {
  return desiredWebhook({
    ...choices,
    integrationName: webhook.integrationName,
    endpoint: webhook.url,
    secret: webhook.secret,
    secretVersion: String(webhook.secretVersion),
    instanceId: webhook.instanceId,
    integrationId: webhook.integrationId,
    registeredIds: webhook.webhookId === null ? [] : [webhook.webhookId],
  })
}
