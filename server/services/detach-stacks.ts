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

/** What an act took the integration from, or would: by id what the caller sees, by number what he does not (S21). */
export interface Lost {
  readonly detached: string[]
  readonly detachedModules?: string[]
  readonly hidden?: number
}

/** Names the stacks and modules that the caller sees, and counts the others. */
export function lostOf(all: readonly AttachedStack[], isSeen: (stack: AttachedStack) => boolean): Lost {
  const seen = all.filter(isSeen)
  const idsOf = (kind: AttachedStack['kind']) => seen.filter((stack) => stack.kind === kind).map(({ slug }) => slug)
  const [detached, detachedModules] = [idsOf('stack'), idsOf('module')]
  const hidden = all.length - seen.length
  return {
    detached,
    ...(detachedModules.length > 0 ? { detachedModules } : {}),
    ...(hidden > 0 ? { hidden } : {}),
  }
}

/** How the audit log names them. */
export function lostObjects(all: readonly AttachedStack[]): string[] {
  return all.map(({ kind, slug }) => `${kind}:${slug}`)
}

/**
 * Detaches stacks and modules in the caller's transaction, unless that was not asked for. Their waiting runs fail with
 * the reason (R82). `isSeen` says which the caller sees.
 */
export async function detachOrRefuse(
  transaction: Database,
  stacks: readonly AttachedStack[],
  reason: DetachReason,
  options: DetachOptions,
  now: number,
  isSeen: (stack: AttachedStack) => boolean,
): Promise<Lost> {
  const lost = lostOf(stacks, isSeen)
  if (stacks.length === 0 || options.dryRun) return lost
  if (!options.force) {
    const detail = `${countOf(stacks)} would lose their integration: ${listOf(lost)}. Repeat with force=true to detach them, or with dryRun=true to see all.`
    throw new Problem('would_detach', detail, { stacks: lost.detached, modules: lost.detachedModules ?? [] })
  }
  await detach(transaction, stacks, reason, now)
  return lost
}

/** `3 attached stacks and modules`. */
export function countOf(stacks: readonly AttachedStack[]): string {
  const what = ['stack', 'module'].filter((kind) => stacks.some((stack) => stack.kind === kind))
  return `${stacks.length} attached ${what.map((kind) => `${kind}s`).join(' and ')}`
}

function listOf({ detached, detachedModules = [], hidden = 0 }: Lost): string {
  const names = [...detached, ...detachedModules]
  const shown = names.slice(0, 10).join(', ') + (names.length > 10 ? ' …' : '')
  return hidden === 0 ? shown : `${shown} and ${hidden} that you may not see`
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
