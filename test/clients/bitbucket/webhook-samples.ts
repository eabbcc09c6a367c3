import { type DesiredWebhookInput, desiredWebhook } from '../../../clients/bitbucket/desired-webhook.ts'
import type { ObservedWebhook } from '../../../clients/bitbucket/webhooks.ts'
import { webhookEvents } from '../../../schemas/webhook.ts'

export const endpoint = 'https://mooring.example.com/webhooks/bitbucket-datacenter/prod'
export const instanceId = '0b6d6b0e-0000-4000-8000-000000000001'
export const secret = 'planted-5ecret-"\\ü-of-repository-7'
export const events = webhookEvents.map((event) => event.key)

const input: DesiredWebhookInput = {
  integrationName: 'Prod',
  endpoint,
  repositoryId: 7,
  secret,
  secretVersion: '3',
  instanceId,
  integrationId: 'int1',
  events,
}

/** The desired webhook of repository 7, and what a test changes about it. */
export function wanted(changes: Partial<DesiredWebhookInput> = {}) {
  return desiredWebhook({ ...input, ...changes })
}

/** A webhook in Bitbucket that is exactly as desired, and what a test changes about it. */
export function seen(changes: Partial<ObservedWebhook> = {}): ObservedWebhook {
  return {
    id: 1,
    name: 'Mooring Prod',
    url: `${endpoint}?r=7`,
    events: [...events],
    active: true,
    sslVerificationRequired: true,
    scopeType: 'repository',
    configuration: { secret, createdBy: `mooring/${instanceId}/int1`, mooringSecretVersion: '3' },
    ...changes,
  }
}
