import type { AppliedChange } from '../../clients/bitbucket/apply-webhook-changes.ts'
import type { PrintableChange } from '../../clients/bitbucket/printable-change.ts'
import type { WebhookFinding } from '../../clients/bitbucket/webhook-drift.ts'
import type { WebhookTarget } from '../../schemas/webhook-target.ts'
import { addressOf, type ItemAddress, type WorkItem } from '../sources/work-items.ts'

export const repositoryStates = [
  'in_sync',
  /** Differs, and was not written: a dry run, Terraform's webhook, or removals that nobody confirmed. */
  'drifted',
  'repaired',
  'removed',
  'skipped',
  'gone',
  /** Somebody else undoes what we write, so we stopped (B30). */
  'flapping',
  'failed',
] as const
export type RepositoryState = (typeof repositoryStates)[number]

/** What is known of one repository after it was looked at. Holds no secret (B13). */
export interface RepositoryReport extends ItemAddress {
  readonly key: string
  readonly stackIds: readonly string[]
  readonly managedBy: WebhookTarget['managedBy']
  readonly webhookId: number | null
  readonly state: RepositoryState
  /** The kinds of drift found, never values. */
  readonly drift: readonly string[]
  /** What was, or in a dry run would be, written. */
  readonly changes: readonly PrintableChange[]
  /** The writes that Bitbucket confirmed. */
  readonly done: readonly AppliedChange[]
  /** What no write repairs, but somebody should know. */
  readonly findings: readonly WebhookFinding[]
  /** Why it was skipped or failed. */
  readonly reason: { readonly code: string; readonly message: string } | null
}

/** The report of a repository of which nothing is known yet. */
export function blankReport(item: WorkItem, state: RepositoryState): RepositoryReport {
  const { integrationId, projectKey, repositorySlug } = addressOf(item)
  return {
    key: item.key,
    integrationId,
    projectKey,
    repositorySlug,
    stackIds: item.kind === 'wanted' ? item.target.stackIds : [],
    managedBy: item.kind === 'wanted' ? item.target.managedBy : 'service',
    webhookId: item.kind === 'wanted' ? item.target.webhookId : null,
    state,
    drift: [],
    changes: [],
    done: [],
    findings: [],
    reason: null,
  }
}

/** Everything that one pass found and did (B42). */
export interface PassReport {
  readonly mode: 'plan' | 'apply'
  readonly bitbucketUrl: string
  readonly startedAt: string
  readonly finishedAt: string
  /** `partial`: some repositories failed, or removals wait for a confirmation. `failed`: the access token is refused. */
  readonly result: 'complete' | 'partial' | 'failed'
  readonly counts: {
    readonly repositories: number
    readonly states: Readonly<Record<RepositoryState, number>>
    readonly drift: Readonly<Record<string, number>>
    readonly writes: Readonly<Record<AppliedChange['kind'], number>>
    readonly reasons: Readonly<Record<string, number>>
  }
  readonly repositories: readonly RepositoryReport[]
}

/** Counts what the repositories' reports say. */
export function countReports(repositories: readonly RepositoryReport[]): PassReport['counts'] {
  const states = Object.fromEntries(repositoryStates.map((state) => [state, 0])) as Record<RepositoryState, number>
  const writes = { created: 0, updated: 0, deleted: 0 }
  const drift: Record<string, number> = {}
  const reasons: Record<string, number> = {}
  for (const report of repositories) {
    states[report.state] += 1
    for (const { kind } of report.done) writes[kind] += 1
    for (const kind of report.drift) drift[kind] = (drift[kind] ?? 0) + 1
    if (report.reason) reasons[report.reason.code] = (reasons[report.reason.code] ?? 0) + 1
  }
  return { repositories: repositories.length, states, drift, writes, reasons }
}
