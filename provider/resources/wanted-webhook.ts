import type { WebhookPolicy } from '../../clients/bitbucket/desired-webhook.ts'
import { type DesiredWebhook, desiredWebhook } from '../../clients/bitbucket/desired-webhook.ts'
import { integrationWebhook } from '../../clients/bitbucket/integration-webhook.ts'
import { getServer, type ProviderClient } from './provider-client.ts'

/** What a configuration, or a state, says about the webhook that should exist. */
export interface WebhookSettings {
  readonly integration_id: string | null
  readonly url: string | null
  /** Null: as the planner names it. */
  readonly name: string | null
  readonly events: readonly string[]
  readonly events_policy: string
  readonly active: boolean
  readonly ssl_verification_required: boolean
  readonly adopt_existing: boolean
}

export interface WantedWebhook {
  readonly desired: DesiredWebhook
  /** Null where no integration signs. */
  readonly secretVersion: number | null
}

/** What is known of the webhook that exists: its id, and the addresses that it had. */
export interface KnownWebhook {
  readonly hookId: number | null
  readonly formerUrls: readonly string[]
}

/**
 * Builds the desired webhook. With an integration the address and the secret come from the server, the secret into
 * memory alone; `ownSecret` is the configuration's, where there is none.
 */
export async function wantedWebhook(
  client: ProviderClient,
  settings: WebhookSettings,
  ownSecret: string | null,
  { hookId, formerUrls }: KnownWebhook,
): Promise<WantedWebhook> {
  const choices = {
    name: settings.name ?? undefined,
    events: settings.events,
    active: settings.active,
    sslVerificationRequired: settings.ssl_verification_required,
    formerEndpoints: formerUrls,
    policy: policyOf(settings),
  }
  if (settings.integration_id === null) {
    const desired = desiredWebhook({
      ...choices,
      endpoint: settings.url ?? '',
      secret: ownSecret ?? undefined,
      registeredIds: hookId === null ? [] : [hookId],
    })
    return { desired, secretVersion: null }
  }
  const server = getServer(client)
  const params = { id: settings.integration_id }
  const [{ instanceId }, integration, credentials] = await Promise.all([
    server.call('getMeta', {}),
    server.call('getIntegration', { params }),
    server.call('readWebhookCredentials', { params }),
  ])
  const webhook = {
    instanceId,
    integrationId: integration.id,
    integrationName: integration.name,
    url: credentials.url,
    secret: credentials.secret,
    secretVersion: credentials.version,
    webhookId: hookId,
  }
  return { desired: integrationWebhook(webhook, choices), secretVersion: credentials.version }
}

function policyOf(settings: WebhookSettings): Partial<WebhookPolicy> {
  return {
    eventsPolicy: settings.events_policy === 'exact' ? 'exact' : 'at-least',
    adopt: settings.adopt_existing,
  }
}
