import { buildStatusKey } from '../core/build-status-key.ts'
import { printable } from '../core/printable.ts'
import { type NewStatus, putBuildStatuses } from '../store/build-statuses.ts'
import { type ClaimedDelivery, finishDeliveries, rememberBodies, type Verdict } from '../store/delivery-queue.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import { type MadeRun, makeRuns, type PlannedRun } from '../store/runs.ts'
import type { Database } from '../store/tables.ts'
import type { PlannedDelivery } from './plan-runs.ts'
import type { ProcessingDeps } from './processing-deps.ts'
import { replayOf } from './read-claimed.ts'

/** What a batch came to: verdicts by delivery id, and the deliveries that may make runs. */
export interface Outcome {
  readonly decided: ReadonlyMap<string, Verdict>
  readonly planned: readonly PlannedDelivery[]
  readonly deliveries: readonly ClaimedDelivery[]
}

/**
 * Writes all of it in one transaction, or nothing: runs, the build statuses that they owe, the bodies as processed and
 * the verdicts (L3). A body that another process has brought meanwhile makes no run (S2).
 *
 * @throws StackMovedError, LostClaimError
 */
export async function writeOutcome(deps: ProcessingDeps, integrationId: string, outcome: Outcome): Promise<void> {
  const now = deps.clock.now()
  const verdicts = new Map(outcome.decided)
  for (const { from, verdict } of outcome.planned) verdicts.set(from.source.delivery.id, verdict)
  const finished = outcome.deliveries.filter(({ id }) => verdicts.has(id))
  if (finished.length === 0) return
  const made = await inWriteTransaction(deps.db, async (transaction) => {
    const repeated = await rememberBodies(transaction, finished.filter(isProcessed(verdicts)), now)
    for (const id of repeated) verdicts.set(id, replayOf(null))
    const runs = await makePlannedRuns(transaction, integrationId, outcome.planned, repeated, now)
    const withRuns = new Set(runs.map(({ deliveryId }) => deliveryId))
    const rows = finished.map(({ id, attempts }) => {
      const verdict = verdictOf(verdicts, id)
      const { detail, ...rest } = verdict.verdict === 'accepted' && !withRuns.has(id) ? overtaken : verdict
      return { id, attempts, ...rest, detail: detail === null ? null : printable(detail, longestDetail) }
    })
    await putBuildStatuses(transaction, statusesOf(runs, integrationId, outcome.planned, deps.publicUrl()), now)
    await finishDeliveries(transaction, rows, now)
    return { runs, rows }
  })
  for (const row of made.rows) deps.onVerdict(row)
  if (made.runs.length > 0) deps.onRuns()
}

/** A push of thousands of branches need not name them all. */
const longestDetail = 2_000

/** What was planned was made, or made impossible, by somebody else in the meantime. */
const overtaken: Verdict = {
  verdict: 'ignored',
  reason: 'no_change',
  detail: 'Its runs were there already, or its stacks follow the repository no longer.',
}

/** A delivery that was given up had no effect, so that the same body may still have one; a replay is known already. */
function isProcessed(verdicts: ReadonlyMap<string, Verdict>) {
  return ({ id }: ClaimedDelivery) => !['gave_up', 'replay'].includes(verdicts.get(id)?.reason ?? '')
}

function verdictOf(verdicts: ReadonlyMap<string, Verdict>, id: string): Verdict {
  const verdict = verdicts.get(id)
  if (!verdict) throw new Error(`The delivery ${id} has no verdict.`)
  return verdict
}

function makePlannedRuns(
  transaction: Database,
  integrationId: string,
  planned: readonly PlannedDelivery[],
  repeated: ReadonlySet<string>,
  now: number,
): Promise<MadeRun[]> {
  const repositories = new Map(planned.map(({ from }) => [from.source.delivery.id, from.source.repository.id] as const))
  const repositoryOf = (run: PlannedRun) => repositories.get(run.deliveryId) ?? 0
  const runs = planned.flatMap((delivery) => delivery.runs).filter(({ deliveryId }) => !repeated.has(deliveryId))
  return makeRuns(transaction, integrationId, repositoryOf, runs, now)
}

/** INDIVIDUAL: one status per stack and type (R91). */
function statusesOf(
  runs: readonly MadeRun[],
  integrationId: string,
  planned: readonly PlannedDelivery[],
  publicUrl: string,
): NewStatus[] {
  const places = new Map(planned.map(({ from }) => [from.source.delivery.id, from] as const))
  return runs.flatMap((run) => {
    const place = places.get(run.deliveryId)
    if (!place) return []
    return [
      {
        integration_id: integrationId,
        project_key: place.address.projectKey,
        repository_slug: place.address.repositorySlug,
        repository_id: place.source.repository.id,
        commit_sha: run.commit,
        status_key: buildStatusKey(run.stackSlug, run.type, run.stackKind),
        state: 'INPROGRESS',
        url: `${publicUrl.replace(/\/+$/, '')}/runs/${run.id}`,
        name: `Mooring: ${run.stackKind === 'module' ? 'module ' : ''}${run.stackSlug}, ${run.type.toLowerCase()} run`,
        description: 'waiting for a worker',
        ref: `refs/heads/${run.branch}`,
      },
    ]
  })
}
