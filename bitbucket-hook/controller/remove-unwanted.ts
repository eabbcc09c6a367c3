import { removeWebhooks } from '../../clients/bitbucket/apply-webhook-changes.ts'
import { BitbucketError } from '../../clients/bitbucket/errors.ts'
import { printableChange } from '../../clients/bitbucket/printable-change.ts'
import { webhookRemovals } from '../../clients/bitbucket/webhook-drift.ts'
import { listWebhooks, type ObservedWebhook } from '../../clients/bitbucket/webhooks.ts'
import type { UnwantedItem } from '../sources/work-items.ts'
import { failureOf } from './failure.ts'
import type { Looked } from './look-after-wanted.ts'
import { blankReport } from './repository-report.ts'
import type { World } from './world.ts'

/**
 * Removes our webhook from a repository that is attached no longer, and forgets its registration (B33). Ours are the
 * registered one and those with our mark, at our endpoint; one that somebody made by hand there stays. `isAllowed` is
 * the guard against mass removals (B32): without it, and in a dry run, everything is only looked at.
 */
export async function removeUnwanted(world: World, item: UnwantedItem, isAllowed: boolean): Promise<Looked> {
  const { registration, ownership } = item
  const changes = webhookRemovals(ownership, await listIfThere(world, item), { level: 'repository', adopt: false })
  const seen = {
    ...blankReport(item, changes.length > 0 ? 'drifted' : 'in_sync'),
    webhookId: registration.webhookId,
    drift: changes.flatMap((change) => change.drift),
    changes: changes.map(printableChange),
  } as const
  world.metrics.drift(seen.drift)
  if (world.mode === 'plan' || !isAllowed) return { report: seen }

  const applied =
    changes.length === 0 ? undefined : await removeWebhooks(world.bitbucket, registration, ownership, { adopt: false })
  for (const { id } of applied?.done ?? []) {
    const repository = `${registration.projectKey}/${registration.repositorySlug}`
    world.log.info({ integration: registration.integrationId, repository, webhook: id }, 'webhook removed')
    world.metrics.write('delete', 'ok')
  }
  const report = { ...seen, state: 'removed', done: applied?.done ?? [] } as const
  if (applied?.error !== undefined) {
    world.metrics.write('delete', 'failed')
    return { report, error: applied.error }
  }
  await world.server.call('forgetRegistration', { params: { id: registration.id } })
  return { report }
}

/** A repository that is gone took its webhooks with it. */
async function listIfThere(world: World, { registration }: UnwantedItem): Promise<ObservedWebhook[]> {
  try {
    return await listWebhooks(world.bitbucket, registration)
  } catch (error) {
    if (error instanceof BitbucketError && failureOf(error).next === 'gone') return []
    throw error
  }
}
