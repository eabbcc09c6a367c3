import { Problem } from '../../schemas/problem.ts'
import { type AttachedStack, type DetachReason, detachStackRows } from '../store/stacks.ts'
import type { Database } from '../store/tables.ts'
import { failWaitingRuns } from './fail-waiting-runs.ts'

export interface DetachOptions {
  /** Changes nothing: the answer says what would happen. */
  readonly dryRun: boolean
  /** Detaches the stacks; without it they make the change impossible (R13). */
  readonly force: boolean
}

/**
 * Detaches the stacks in the caller's transaction, unless that was not asked for. Their waiting runs fail with the
 * reason (R82). Gives the stacks' ids.
 */
export async function detachOrRefuse(
  transaction: Database,
  stacks: readonly AttachedStack[],
  reason: DetachReason,
  options: DetachOptions,
  now: number,
): Promise<string[]> {
  const slugs = stacks.map(({ slug }) => slug)
  if (stacks.length === 0 || options.dryRun) return slugs
  if (!options.force) {
    const list = slugs.slice(0, 10).join(', ') + (slugs.length > 10 ? ' …' : '')
    throw new Problem(
      'would_detach',
      `${slugs.length} attached stacks would lose their integration: ${list}. Repeat with force=true to detach them, or with dryRun=true to see all.`,
      {
        stacks: slugs,
      },
    )
  }
  await detach(transaction, stacks, reason, now)
  return slugs
}

/** Detaches the stacks in the caller's transaction. */
export async function detach(
  transaction: Database,
  stacks: readonly AttachedStack[],
  reason: DetachReason,
  now: number,
): Promise<void> {
  const ids = stacks.map(({ id }) => id)
  // A statement has a limit of parameters: 32,766 on SQLite.
  for (let from = 0; from < ids.length; from += 1000) {
    const some = ids.slice(from, from + 1000)
    await detachStackRows(transaction, some, reason, now)
    await failWaitingRuns(transaction, some, now)
  }
}
