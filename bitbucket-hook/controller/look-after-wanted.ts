import {
  type AppliedChanges,
  applyWebhookChanges,
  observeWebhooks,
} from '../../clients/bitbucket/apply-webhook-changes.ts'
import type { DesiredWebhook } from '../../clients/bitbucket/desired-webhook.ts'
import { printableChange } from '../../clients/bitbucket/printable-change.ts'
import {
  keptWebhook,
  type WebhookChange,
  webhookDrift,
  webhookFindings,
} from '../../clients/bitbucket/webhook-drift.ts'
import type { ObservedWebhook } from '../../clients/bitbucket/webhooks.ts'
import { desiredForTarget } from '../desired.ts'
import type { WantedItem } from '../sources/work-items.ts'
import { reportLook } from './report-look.ts'
import { blankReport, type RepositoryReport } from './repository-report.ts'
import type { World } from './world.ts'
import type { WriteBudget } from './write-budget.ts'

/** How a look ended: what is known by then, and the error that ended it early. */
export interface Looked {
  readonly report: RepositoryReport
  readonly error?: unknown
}

/**
 * Looks at one repository that should have a webhook, and puts right what differs: one GET where nothing does (B25).
 * A webhook that Terraform declares is reported and left alone; in a dry run everything is.
 *
 * @throws whatever the look itself failed with
 */
export async function lookAfterWanted(
  world: World,
  item: WantedItem,
  bitbucketVersion: string,
  budget: WriteBudget,
): Promise<Looked> {
  const { target } = item
  const { desired } = desiredForTarget(target, bitbucketVersion, world.policy)
  const observed = await observeWebhooks(world.bitbucket, target, desired)
  const changes = webhookDrift(desired, observed)
  const drift = changes.flatMap(kindsOf)
  const kept = keptWebhook(desired, observed)
  const seen: RepositoryReport = {
    ...blankReport(item, changes.length > 0 ? 'drifted' : 'in_sync'),
    webhookId: kept?.id ?? null,
    drift,
    changes: changes.map(printableChange),
    findings: webhookFindings(desired, observed),
  }
  world.metrics.drift([...drift, ...seen.findings.map(({ kind }) => kind)])
  if (world.mode === 'plan') return { report: seen }

  const isOursToWrite = target.managedBy === 'service'
  const mayWrite = changes.length > 0 && isOursToWrite && budget.take(item.key)
  if (!mayWrite) {
    const state = changes.length > 0 && isOursToWrite ? 'flapping' : seen.state
    return reporting(world, item, { ...seen, state }, { webhook: kept, drift })
  }
  return repair(world, item, desired, kept, changes, seen)
}

async function repair(
  world: World,
  item: WantedItem,
  desired: DesiredWebhook,
  before: ObservedWebhook | undefined,
  changes: readonly WebhookChange[],
  seen: RepositoryReport,
): Promise<Looked> {
  const applied = await applyWebhookChanges(world.bitbucket, item.target, desired, changes, { listedJustNow: true })
  record(world, item, before, applied)
  const webhook = applied.webhook ?? before
  const left = applied.left.flatMap(kindsOf)
  const report = { ...seen, webhookId: webhook?.id ?? null, done: applied.done }
  if (applied.error === undefined) {
    return reporting(world, item, { ...report, state: 'repaired' }, { webhook, drift: [] })
  }
  const told = await reporting(world, item, report, { webhook, drift: left })
  return { report: told.report, error: applied.error }
}

/** What was done in Bitbucket stays in the report, even where the server does not learn of it now. */
async function reporting(
  world: World,
  item: WantedItem,
  report: RepositoryReport,
  look: Parameters<typeof reportLook>[2],
): Promise<Looked> {
  try {
    await reportLook(world, item, look)
    return { report }
  } catch (error) {
    return { report, error }
  }
}

/** Each write leaves a line with what was before and after (B56), and is counted. */
function record(world: World, item: WantedItem, before: ObservedWebhook | undefined, applied: AppliedChanges): void {
  const { integrationId, projectKey, repositorySlug } = item.target
  const about = { integration: integrationId, repository: `${projectKey}/${repositorySlug}` }
  for (const change of applied.done) {
    if (change.kind === 'created') {
      world.log.info({ ...about, webhook: change.id, after: shown(applied.webhook) }, 'webhook created')
    } else if (change.kind === 'updated') {
      const { id, drift } = change
      world.log.info(
        { ...about, webhook: id, drift, before: shown(before), after: shown(applied.webhook) },
        'webhook drift corrected',
      )
    } else {
      world.log.info({ ...about, webhook: change.id, drift: change.drift }, 'surplus webhook deleted')
    }
    world.metrics.write(change.kind === 'created' ? 'create' : change.kind === 'updated' ? 'update' : 'delete', 'ok')
  }
  const failed = applied.left[0]
  if (applied.error !== undefined && failed) world.metrics.write(failed.kind, 'failed')
}

function kindsOf(change: WebhookChange): readonly string[] {
  return change.kind === 'create' ? ['missing'] : change.drift
}

/** Field by field, since a webhook holds its secret. */
function shown(webhook: ObservedWebhook | undefined) {
  if (!webhook) return null
  const { name, url, events, active, sslVerificationRequired } = webhook
  return { name, url, events, active, sslVerificationRequired }
}
