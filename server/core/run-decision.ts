import { affectedRoots } from '../../schemas/rules/affected-paths.ts'

/** A push that Bitbucket has confirmed (R46). */
export interface ConfirmedPush {
  readonly branch: string
  readonly commit: string
  /** Where the branch is now; another commit than the pushed one where it has gone further already. */
  readonly branchHead: string
  /** Tells the deliveries of one commit apart: a roll-back to it later is another run. */
  readonly deliveryId: string
}

/** What a push changed: files, or everything, where Bitbucket could not say which files. */
export type Changed =
  | { readonly everything: true }
  | { readonly everything: false; readonly roots: ReadonlySet<string> }

export const everythingChanged: Changed = { everything: true }

/** The folders that hold one of the files, the form in which stacks are looked up. */
export function changedFiles(files: Iterable<string>): Changed {
  return { everything: false, roots: affectedRoots(files) }
}

export interface DecidedStack {
  readonly branch: string
  /** As `normalProjectRoot` writes it. */
  readonly normalRoot: string
  /** Null before the first tracked run. */
  readonly headCommit: string | null
  /** Detached stacks get no run (R80). */
  readonly isDetached: boolean
  /** Whether the stack's head commit holds the pushed one in its past. */
  readonly headIsAhead: boolean
  /** The run keys that the stack has a run for, as far as asked. */
  readonly hasRun: (runKey: string) => boolean
}

/** Why a stack gets no run from a push. */
export type NoRunReason = 'detached' | 'outside_project_root' | 'superseded' | 'head_already' | 'run_exists'

export type RunDecision =
  | { readonly run: 'TRACKED' | 'PROPOSED'; readonly runKey: string }
  | { readonly run: null; readonly why: NoRunReason }

/**
 * Decides what a push means to one stack (R60, R61): a change below the stack's project root makes a tracked run on
 * its tracked branch and a proposed one on any other. Never a run for what is behind the stack's head (S3), twice
 * for the head itself, or twice for one proposed commit (R62).
 */
export function decideRun(push: ConfirmedPush, changed: Changed, stack: DecidedStack): RunDecision {
  if (stack.isDetached) return { run: null, why: 'detached' }
  if (!isAffected(changed, stack.normalRoot)) return { run: null, why: 'outside_project_root' }
  return push.branch === stack.branch ? decideTracked(push, stack) : decideProposed(push, stack)
}

function decideTracked(push: ConfirmedPush, stack: DecidedStack): RunDecision {
  if (push.commit === stack.headCommit) return { run: null, why: 'head_already' }
  // The branch's own head is never old: a forced push back to an older commit is a roll-back.
  if (push.commit !== push.branchHead && stack.headIsAhead) return { run: null, why: 'superseded' }
  return { run: 'TRACKED', runKey: `tracked:${push.deliveryId}:${push.commit}` }
}

function decideProposed(push: ConfirmedPush, stack: DecidedStack): RunDecision {
  const runKey = proposedRunKey(push.commit)
  if (stack.hasRun(runKey)) return { run: null, why: 'run_exists' }
  if (stack.hasRun(proposedRunKey(push.branchHead))) return { run: null, why: 'superseded' }
  return { run: 'PROPOSED', runKey }
}

/** The key of the one proposed run of a commit, whichever event asks for it (R62). */
export function proposedRunKey(commit: string): string {
  return `proposed:${commit}`
}

function isAffected(changed: Changed, normalRoot: string): boolean {
  return changed.everything || normalRoot === '' || changed.roots.has(normalRoot)
}
