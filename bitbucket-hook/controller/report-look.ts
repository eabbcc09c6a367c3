import { getRepository } from '../../clients/bitbucket/repositories.ts'
import type { ObservedWebhook } from '../../clients/bitbucket/webhooks.ts'
import type { NewRegistration } from '../../schemas/webhook-target.ts'
import type { WantedItem } from '../sources/work-items.ts'
import type { World } from './world.ts'

/** What a look, or a write, showed of the one webhook that should exist. */
export interface Look {
  readonly webhook: ObservedWebhook | undefined
  /** What is still wrong, after the write if there was one. */
  readonly drift: readonly string[]
}

/** Tells the server what was seen or written (R142). It takes the place of whatever was reported before. */
export async function reportLook(world: World, item: WantedItem, look: Look): Promise<void> {
  const { integrationId, projectKey, repositorySlug, managedBy } = item.target
  const body: NewRegistration = {
    integrationId,
    projectKey,
    repositorySlug,
    repositoryId: await repositoryIdOf(world, item, look.webhook),
    webhookId: look.webhook?.id ?? null,
    secretVersion: secretVersionOf(item, look),
    observed: observedState(look),
    drift: [...look.drift],
    managedBy,
  }
  await world.server.call('reportRegistration', { body })
}

/**
 * The server learns the numeric id with the stack's attachment, so Bitbucket is asked only where that was skipped and
 * the registered webhook, whose id no other repository has, is not there to tell.
 */
async function repositoryIdOf(
  { bitbucket }: World,
  { target, registration }: WantedItem,
  webhook: ObservedWebhook | undefined,
): Promise<number> {
  if (target.repositoryId !== null) return target.repositoryId
  if (registration && webhook && registration.webhookId === webhook.id) return registration.repositoryId
  return (await getRepository(bitbucket, target)).id
}

function observedState({ webhook, drift }: Look): NewRegistration['observed'] {
  if (!webhook) return 'missing'
  return drift.length > 0 ? 'drifted' : 'in_sync'
}

/** The version that the webhook signs with; null where that is unknown. */
function secretVersionOf({ target }: WantedItem, { webhook, drift }: Look): number | null {
  if (!webhook) return null
  if (!drift.includes('secret')) return target.secretVersion
  const version = Number(webhook.configuration?.mooringSecretVersion)
  return Number.isSafeInteger(version) && version > 0 && version < target.secretVersion ? version : null
}
