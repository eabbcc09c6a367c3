import { type Insertable, type Selectable, sql } from 'kysely'
import type { Page, PageRequest } from '../../schemas/page.ts'
import type { SpaceScope } from '../core/authorise.ts'
import { buildStatusKey } from '../core/build-status-key.ts'
import { uuidv7 } from '../core/uuid-v7.ts'
import { failBuildStatuses } from './build-statuses.ts'
import { lockRows } from './dialect/transactions.ts'
import { comparableRowIds, readPage } from './keyset-page.ts'
import type { StackKindName } from './stacks.ts'
import type { Database, Tables } from './tables.ts'
import { isInSpaces } from './visible.ts'

/** A run in one of these states is over (R65). */
const terminalStates = ['FINISHED', 'FAILED', 'CANCELED', 'DISCARDED', 'STOPPED'] as const

/** A run that a push asks for. */
export interface PlannedRun {
  readonly deliveryId: string
  readonly stackId: string
  readonly stackKind: StackKindName
  readonly stackSlug: string
  readonly type: 'TRACKED' | 'PROPOSED' | 'MODULE'
  readonly commit: string
  readonly branch: string
  /** Unique per stack (R62). */
  readonly runKey: string
  /** Of the tracked branch: the head commit on which the plan rests. */
  readonly expectedHead: string | null
}

export interface MadeRun extends PlannedRun {
  readonly id: string
  readonly state: 'READY' | 'QUEUED'
}

/** A stack's head commit moved between plan and transaction: the plan has to be made again. */
export class StackMovedError extends Error {
  constructor() {
    super('The head commit of a stack moved meanwhile.')
    this.name = 'StackMovedError'
  }
}

/**
 * Makes the planned runs, in the order given; call it in a transaction. A tracked run is made with the statement that
 * moves its stack's head commit, and none where the head is there already; a proposed one only where no run has its
 * key (R62). Stacks that were deleted, detached or moved to another repository meanwhile get none.
 *
 * @throws StackMovedError
 */
export async function makeRuns(
  transaction: Database,
  integrationId: string,
  repositoryOf: (run: PlannedRun) => number,
  planned: readonly PlannedRun[],
  now: number,
): Promise<MadeRun[]> {
  if (planned.length === 0) return []
  const stacks = await lockStacks(transaction, integrationId, planned)
  const wanted = planned.filter((run) => stacks.get(run.stackId)?.repository_id === repositoryOf(run))
  const tracked = new Set(await moveHeads(transaction, wanted, stacks))
  const busy = await findBusyStacks(transaction, [...tracked])
  const made: MadeRun[] = []
  for (const run of wanted) {
    const isOfBranch = run.type !== 'PROPOSED'
    if (isOfBranch && !tracked.has(run)) continue
    // The lock on the stack's row keeps others from making a tracked run beside this one (R64).
    const state = isOfBranch && busy.has(run.stackId) ? 'QUEUED' : 'READY'
    if (isOfBranch) busy.add(run.stackId)
    made.push({ ...run, id: uuidv7(now), state })
  }
  return insertRuns(transaction, integrationId, made, now)
}

async function lockStacks(transaction: Database, integrationId: string, planned: readonly PlannedRun[]) {
  const stacks = new Map<string, { repository_id: number | null; head_commit: string | null }>()
  for (const ids of chunks([...new Set(planned.map(({ stackId }) => stackId))], 5_000)) {
    const rows = await transaction
      .selectFrom('stack')
      .select(['id', 'repository_id', 'head_commit'])
      .where('id', 'in', ids)
      .where('integration_id', '=', integrationId)
      .where('detached', '=', 0)
      .orderBy('id') // everybody locks in one order, so that nobody waits in a circle
      .$call(lockRows(transaction))
      .execute()
    for (const row of rows) stacks.set(row.id, row)
  }
  return stacks
}

/** Moves the heads, and gives the runs whose commit was not the head already. */
async function moveHeads(
  transaction: Database,
  planned: readonly PlannedRun[],
  stacks: ReadonlyMap<string, { readonly head_commit: string | null }>,
): Promise<PlannedRun[]> {
  const heads = new Map([...stacks].map(([id, { head_commit }]) => [id, head_commit]))
  const moving: PlannedRun[] = []
  for (const run of planned) {
    const head = heads.get(run.stackId) ?? null
    if (run.type === 'PROPOSED' || head === run.commit) continue
    if (head !== run.expectedHead) throw new StackMovedError()
    heads.set(run.stackId, run.commit)
    moving.push(run)
  }
  const byCommit = new Map<string, Set<string>>()
  for (const { stackId } of moving) {
    const commit = heads.get(stackId)
    if (commit) byCommit.set(commit, (byCommit.get(commit) ?? new Set()).add(stackId))
  }
  for (const [commit, ids] of byCommit) {
    for (const part of chunks([...ids], 5_000)) {
      // A run of the tracked branch shows that Bitbucket has both, the branch and the repository (R29).
      const change = { head_commit: commit, verified: 1 } as const
      await transaction.updateTable('stack').set(change).where('id', 'in', part).execute()
    }
  }
  return moving
}

/** The stacks that have a tracked run past QUEUED which is not over. */
async function findBusyStacks(transaction: Database, tracked: readonly PlannedRun[]): Promise<Set<string>> {
  const busy = new Set<string>()
  for (const ids of chunks([...new Set(tracked.map(({ stackId }) => stackId))], 5_000)) {
    const rows = await transaction
      .selectFrom('run')
      .select('stack_id')
      .where('stack_id', 'in', ids)
      .where('type', '!=', 'PROPOSED')
      .where('state', 'not in', ['QUEUED', ...terminalStates])
      .execute()
    for (const { stack_id } of rows) busy.add(stack_id)
  }
  return busy
}

async function insertRuns(
  transaction: Database,
  integrationId: string,
  runs: readonly MadeRun[],
  now: number,
): Promise<MadeRun[]> {
  const inserted = new Set<string>()
  for (const part of chunks(runs, 500)) {
    const rows = await transaction
      .insertInto('run')
      .values(part.map((run) => toRow(run, integrationId, now)))
      // Only a key that is there already is passed over: any other conflict must fail, or a run would be lost.
      .onConflict((conflict) =>
        conflict.columns(['stack_id', 'run_key']).where(sql.ref('run_key'), 'is not', sql.lit(null)).doNothing(),
      )
      .returning('id')
      .execute()
    for (const { id } of rows) inserted.add(id)
  }
  return runs.filter(({ id }) => inserted.has(id))
}

function toRow(run: MadeRun, integrationId: string, now: number): Insertable<Tables['run']> {
  return {
    id: run.id,
    integration_id: integrationId,
    stack_id: run.stackId,
    type: run.type,
    state: run.state,
    state_reason: null,
    commit_sha: run.commit,
    branch: run.branch,
    run_key: run.runKey,
    delivery_id: run.deliveryId,
    created_at: now,
    updated_at: now,
  }
}

/** Which of these stacks have a run with one of these keys: as `<stack id> <run key>`. */
export async function findRunKeys(
  db: Database,
  stackIds: readonly string[],
  runKeys: readonly string[],
): Promise<Set<string>> {
  const found = new Set<string>()
  if (runKeys.length === 0) return found
  for (const ids of chunks(stackIds, 5_000)) {
    const rows = await db
      .selectFrom('run')
      .select(['stack_id', 'run_key'])
      .where('stack_id', 'in', ids)
      .where('run_key', 'in', runKeys)
      .execute()
    for (const { stack_id, run_key } of rows) found.add(`${stack_id} ${run_key}`)
  }
  return found
}

/**
 * Fails the runs of the stacks that no worker has begun, those in QUEUED and READY (R82); runs in progress finish.
 * Their commits are told. Call it in the transaction that takes the stacks' integration away; `reason` is shown with
 * the runs and in Bitbucket.
 */
export async function failQueuedRuns(
  transaction: Database,
  stackRowIds: readonly string[],
  reason: string,
  now: number,
): Promise<void> {
  for (const ids of chunks(stackRowIds, 5_000)) {
    const failed = await transaction
      .updateTable('run')
      .set({ state: 'FAILED', state_reason: reason, updated_at: now })
      .where('stack_id', 'in', ids)
      .where('state', 'in', ['QUEUED', 'READY'])
      .returning(['id', 'integration_id', 'stack_id', 'type', 'commit_sha'])
      .execute()
    const stackIds = [...new Set(failed.map(({ stack_id }) => stack_id))]
    if (stackIds.length === 0) continue
    const rows = await transaction
      .selectFrom('stack')
      .select(['id', 'kind', 'slug'])
      .where('id', 'in', stackIds)
      .execute()
    const stacks = new Map(rows.map((stack) => [stack.id, stack]))
    const statuses = failed.map((run) => {
      const { kind, slug } = stacks.get(run.stack_id) ?? { kind: 'stack' as const, slug: '' }
      const statusKey = buildStatusKey(slug, run.type, kind)
      return { runId: run.id, integrationId: run.integration_id, commit: run.commit_sha, statusKey }
    })
    await failBuildStatuses(transaction, statuses, reason, now)
  }
}

/** A run as it is shown: with its stack's, or module's, slug and space. */
export type RunRow = Selectable<Tables['run']> & {
  readonly stackKind: StackKindName
  readonly stackSlug: string
  readonly spaceId: string
}

function selectRuns(db: Database) {
  return db
    .selectFrom('run')
    .innerJoin('stack', 'stack.id', 'run.stack_id')
    .selectAll('run')
    .select(['stack.kind as stackKind', 'stack.slug as stackSlug', 'stack.space_id as spaceId'])
}

export interface RunFilter extends PageRequest {
  readonly stackRowId?: string | undefined
  /** The spaces whose stacks' and modules' runs are listed. */
  readonly scope: SpaceScope
}

/** Lists runs, newest first, of one stack or module where its row id is given. */
export function listRunRows(db: Database, filter: RunFilter): Promise<Page<RunRow>> {
  const { ids, stackRowId, scope } = filter
  return readPage(
    'runs',
    filter,
    (row) => [row.id],
    ([after] = [], limit) =>
      selectRuns(db)
        .where(isInSpaces(db, scope, 'stack.space_id'))
        .$if(ids !== undefined, (query) => query.where('run.id', 'in', comparableRowIds(ids)))
        .$if(stackRowId !== undefined, (query) => query.where('run.stack_id', '=', stackRowId ?? ''))
        .$if(after !== undefined, (query) => query.where('run.id', '<', after ?? ''))
        .orderBy('run.id', 'desc')
        .limit(limit)
        .execute(),
  )
}

export function findRunRow(db: Database, id: string): Promise<RunRow | undefined> {
  return selectRuns(db).where('run.id', '=', id).executeTakeFirst()
}

function* chunks<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}
