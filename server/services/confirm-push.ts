import type { RepositoryAddress } from '../../clients/bitbucket/repositories.ts'
import type { Push } from '../core/push-events.ts'
import { type Changed, changedFiles, everythingChanged } from '../core/run-decision.ts'
import type { BitbucketQuestions, ComparedFiles } from './ask-bitbucket.ts'

/** What Bitbucket says about a claimed push. */
export type Confirmation =
  | { readonly confirmed: true; readonly branchHead: string }
  | { readonly confirmed: false; readonly detail: string }

/**
 * Asks Bitbucket whether the push is true (R46): the commit must be the branch's head, or on the way to it. The
 * repository at the address must be known to be the claimed one.
 *
 * @throws BitbucketUnreachableError
 */
export async function confirmPush(
  questions: BitbucketQuestions,
  address: RepositoryAddress,
  { branch, toHash }: Push,
): Promise<Confirmation> {
  const branchHead = await questions.branchHead(address, branch)
  if (branchHead === undefined) return { confirmed: false, detail: `Bitbucket has no branch ${branch}.` }
  if (branchHead === toHash || (await questions.isAncestor(address, toHash, branchHead)) === true) {
    return { confirmed: true, branchHead }
  }
  return { confirmed: false, detail: `In Bitbucket the branch ${branch} does not hold the commit ${toHash}.` }
}

/** What a push changed, and in words why it counts as everything. */
export interface PushChanges {
  readonly changed: Changed
  readonly note: string | null
}

/**
 * Asks which files a confirmed push changed, as seen by the stacks that track `trackedBranch` (R51): against where the
 * branch was, and for a forced push what was undone too; a new branch against the tracked one.
 *
 * @throws BitbucketUnreachableError
 */
export async function findPushChanges(
  questions: BitbucketQuestions,
  address: RepositoryAddress,
  push: Push,
  trackedBranch: string,
): Promise<PushChanges> {
  if (push.fromHash === null) return findAddedChanges(questions, address, push, trackedBranch)
  const isForward = await questions.isAncestor(address, push.fromHash, push.toHash)
  if (isForward === undefined) return everything('Bitbucket does not know the commit that the branch was at')
  const added = await questions.compare(address, push.toHash, push.fromHash)
  if (isForward || 'everything' in added) return toChanges([added])
  return toChanges([added, await questions.compare(address, push.fromHash, push.toHash)])
}

async function findAddedChanges(
  questions: BitbucketQuestions,
  address: RepositoryAddress,
  push: Push,
  trackedBranch: string,
): Promise<PushChanges> {
  if (push.branch === trackedBranch) return everything('the tracked branch is new')
  // Compared with the commit and not with the name, so that the answer can be kept.
  const base = await questions.branchHead(address, trackedBranch)
  if (base === undefined) return everything(`Bitbucket has no branch ${trackedBranch} to compare with`)
  return toChanges([await questions.compare(address, push.toHash, base)])
}

function toChanges(compared: readonly ComparedFiles[]): PushChanges {
  const files: string[] = []
  for (const part of compared) {
    if ('everything' in part) return everything(part.everything)
    files.push(...part.files)
  }
  return { changed: changedFiles(files), note: null }
}

function everything(why: string): PushChanges {
  return { changed: everythingChanged, note: `Every stack of the repository counts as affected: ${why}.` }
}
