import { groupBy } from '../core/group-by.ts'
import { type DecidedStack, decideRun, type NoRunReason, proposedRunKey } from '../core/run-decision.ts'
import type { Verdict } from '../store/delivery-queue.ts'
import { findRunKeys, type PlannedRun } from '../store/runs.ts'
import { type CandidateStack, findAffectedStacks, type StackQuery } from '../store/stack-lookup.ts'
import type { Database } from '../store/tables.ts'
import { type BitbucketQuestions, BitbucketUnreachableError } from './ask-bitbucket.ts'
import type { ConfirmedChange, ConfirmedDelivery, StuckDelivery } from './confirm-deliveries.ts'

/** A delivery that is decided: what to say about it, and the runs to make. */
export interface PlannedDelivery {
  readonly from: ConfirmedDelivery
  readonly verdict: Verdict
  readonly runs: readonly PlannedRun[]
}

/** The stacks that a batch may concern, and what is known about them. */
interface Candidates {
  readonly stacks: ReadonlyMap<number, readonly CandidateStack[]>
  /** As `<stack id> <run key>`. */
  readonly runKeys: Set<string>
  /** Where each stack's head will be after the runs planned so far. */
  readonly heads: Map<string, string | null>
}

/**
 * Decides the confirmed deliveries of one integration, in order. All their stacks are looked up in one statement, and
 * a delivery sees the heads as those before it leave them.
 */
export async function planRuns(
  db: Database,
  questions: BitbucketQuestions,
  integrationId: string,
  deliveries: readonly ConfirmedDelivery[],
): Promise<(PlannedDelivery | StuckDelivery)[]> {
  const candidates = await findCandidates(db, integrationId, deliveries)
  const planned: (PlannedDelivery | StuckDelivery)[] = []
  const stuck = new Map<number, BitbucketUnreachableError>()
  for (const delivery of deliveries) {
    const { id } = delivery.source.repository
    try {
      const earlier = stuck.get(id)
      if (earlier) throw earlier
      planned.push(await planDelivery(questions, delivery, candidates))
    } catch (error) {
      if (!(error instanceof BitbucketUnreachableError)) throw error
      stuck.set(id, error)
      planned.push({ source: delivery.source, error })
    }
  }
  return planned
}

async function findCandidates(
  db: Database,
  integrationId: string,
  deliveries: readonly ConfirmedDelivery[],
): Promise<Candidates> {
  const queries = new Map<string, { repositoryId: number; branches: string[]; roots: Set<string> | undefined }>()
  const commits = new Set<string>()
  for (const { source, confirmed } of deliveries) {
    for (const { push, branchHead, changes } of confirmed) {
      commits.add(push.toHash).add(branchHead)
      for (const [branch, { changed }] of changes) {
        const key = `${source.repository.id} ${branch}`
        const query = queries.get(key) ?? { repositoryId: source.repository.id, branches: [branch], roots: new Set() }
        if (changed.everything) query.roots = undefined
        else for (const root of changed.roots) query.roots?.add(root)
        queries.set(key, query)
      }
    }
  }
  const stacks = await findAffectedStacks(db, integrationId, [...queries.values()] satisfies StackQuery[])
  const keys = [...commits].map(proposedRunKey)
  const ids = stacks.map(({ id }) => id)
  return {
    stacks: groupBy(stacks, ({ repositoryId }) => repositoryId),
    runKeys: needsRunKeys(deliveries, stacks) ? await findRunKeys(db, ids, keys) : new Set(),
    heads: new Map(stacks.map(({ id, headCommit }) => [id, headCommit])),
  }
}

/** Keys matter for proposed runs alone: pushes to a branch that some stack does not track. */
function needsRunKeys(deliveries: readonly ConfirmedDelivery[], stacks: readonly CandidateStack[]): boolean {
  const pushed = new Set(deliveries.flatMap(({ confirmed }) => confirmed.map(({ push }) => push.branch)))
  return stacks.some(({ branch }) => [...pushed].some((each) => each !== branch))
}

async function planDelivery(
  questions: BitbucketQuestions,
  delivery: ConfirmedDelivery,
  candidates: Candidates,
): Promise<PlannedDelivery> {
  const runs: PlannedRun[] = []
  const reasons: NoRunReason[] = []
  const heads = new Map<string, string>()
  const notes = new Set<string>()
  for (const confirmed of delivery.confirmed) {
    for (const { note } of confirmed.changes.values()) if (note !== null) notes.add(note)
    for (const stack of candidates.stacks.get(delivery.source.repository.id) ?? []) {
      const head = heads.get(stack.id) ?? candidates.heads.get(stack.id) ?? null
      const decision = await decide(questions, delivery, confirmed, stack, head, candidates.runKeys)
      if (decision.run === null) {
        reasons.push(decision.why)
        continue
      }
      runs.push({
        deliveryId: delivery.source.delivery.id,
        stackId: stack.id,
        stackKind: stack.kind,
        stackSlug: stack.slug,
        type: decision.run === 'TRACKED' && stack.kind === 'module' ? 'MODULE' : decision.run,
        commit: confirmed.push.toHash,
        branch: confirmed.push.branch,
        runKey: decision.runKey,
        expectedHead: head,
      })
      if (decision.run === 'TRACKED') heads.set(stack.id, confirmed.push.toHash)
    }
  }
  // Only now, when nothing can fail any more, do later deliveries see what this one does.
  for (const [id, head] of heads) candidates.heads.set(id, head)
  for (const { stackId, runKey } of runs) candidates.runKeys.add(`${stackId} ${runKey}`)
  return { from: delivery, verdict: verdictOf(delivery, runs, reasons, [...notes]), runs }
}

async function decide(
  questions: BitbucketQuestions,
  delivery: ConfirmedDelivery,
  { push, branchHead, changes }: ConfirmedChange,
  stack: CandidateStack,
  head: string | null,
  runKeys: ReadonlySet<string>,
) {
  const changed = changes.get(stack.branch)?.changed ?? { everything: false, roots: new Set<string>() }
  const state: DecidedStack = {
    branch: stack.branch,
    normalRoot: stack.normalRoot,
    headCommit: head,
    isDetached: false,
    headIsAhead: false,
    hasRun: (runKey) => runKeys.has(`${stack.id} ${runKey}`),
  }
  const confirmed = { branch: push.branch, commit: push.toHash, branchHead, deliveryId: delivery.source.delivery.id }
  const decision = decideRun(confirmed, changed, state)
  if (decision.run !== 'TRACKED' || head === null || push.toHash === branchHead) return decision
  // Asked only where the answer decides (L22).
  const headIsAhead = (await questions.isAncestor(delivery.address, push.toHash, head)) === true
  return decideRun(confirmed, changed, { ...state, headIsAhead })
}

function verdictOf(
  delivery: ConfirmedDelivery,
  runs: readonly PlannedRun[],
  reasons: readonly NoRunReason[],
  notes: readonly string[],
): Verdict {
  if (!delivery.hasFollowers) return noLongerLent
  const detail = [...delivery.unconfirmed, ...notes].join(' ')
  if (runs.length > 0) return { verdict: 'accepted', reason: null, detail: detail === '' ? null : detail }
  if (delivery.unconfirmed.length > 0) return { verdict: 'ignored', reason: 'not_confirmed', detail }
  if (reasons.includes('superseded')) {
    return { verdict: 'ignored', reason: 'superseded', detail: 'A newer commit of the branch has its run already.' }
  }
  return { verdict: 'ignored', reason: 'no_change', detail: noChangeDetail(reasons) }
}

const noLongerLent: Verdict = {
  verdict: 'ignored',
  reason: 'no_match',
  detail: 'The integration does not lend the repository to its stacks any more: they are detached.',
}

function noChangeDetail(reasons: readonly NoRunReason[]): string {
  return reasons.includes('head_already') || reasons.includes('run_exists')
    ? 'The commit has its runs already.'
    : 'No changed file lies below the project root of a stack.'
}
