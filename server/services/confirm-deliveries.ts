import type { RepositoryAddress } from '../../clients/bitbucket/repositories.ts'
import type { Push } from '../core/push-events.ts'
import { everythingChanged } from '../core/run-decision.ts'
import type { IntegrationRow } from '../store/integrations.ts'
import type { FollowedBranch } from '../store/stack-lookup.ts'
import type { Database } from '../store/tables.ts'
import { type BitbucketQuestions, BitbucketUnreachableError } from './ask-bitbucket.ts'
import { confirmPush, findPushChanges, type PushChanges } from './confirm-push.ts'
import { type Followers, type MatchedRepository, matchRepository } from './match-repositories.ts'
import type { PushDelivery } from './read-claimed.ts'

/** A push that Bitbucket has confirmed, and what it changed for the stacks of each tracked branch. */
export interface ConfirmedChange {
  readonly push: Push
  readonly branchHead: string
  readonly changes: ReadonlyMap<string, PushChanges>
}

/** A delivery after Bitbucket was asked. */
export interface ConfirmedDelivery {
  readonly source: PushDelivery
  readonly address: RepositoryAddress
  readonly confirmed: readonly ConfirmedChange[]
  /** What Bitbucket did not confirm, in words. */
  readonly unconfirmed: readonly string[]
  /** Whether any stack still follows the repository: the integration may lend it to none any more (S24). */
  readonly hasFollowers: boolean
}

/** A delivery that cannot be decided before Bitbucket answers. */
export interface StuckDelivery {
  readonly source: PushDelivery
  readonly error: BitbucketUnreachableError
}

export type Answer = ConfirmedDelivery | StuckDelivery

export function isStuck(answer: object): answer is StuckDelivery {
  return 'error' in answer
}

/**
 * Asks Bitbucket about the deliveries of one repository, in order. The first that gets no answer makes those behind it
 * wait too, so that they stay in order (R46).
 */
export async function confirmDeliveries(
  db: Database,
  questions: BitbucketQuestions,
  integration: IntegrationRow,
  deliveries: readonly PushDelivery[],
  followers: Followers,
  now: number,
): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const [index, source] of deliveries.entries()) {
    try {
      const matched = await matchRepository(db, questions, integration, source.repository, followers, now)
      answers.push(matched ? await confirmDelivery(questions, source, matched) : unmatched(source))
    } catch (error) {
      if (!(error instanceof BitbucketUnreachableError)) throw error
      answers.push(...deliveries.slice(index).map((waiting) => ({ source: waiting, error })))
      break
    }
  }
  return answers
}

function unmatched(source: PushDelivery): ConfirmedDelivery {
  const { id, projectKey, repositorySlug } = source.repository
  const detail = `In Bitbucket ${projectKey}/${repositorySlug} is not the repository ${id}.`
  return { source, address: { projectKey, repositorySlug }, confirmed: [], unconfirmed: [detail], hasFollowers: true }
}

async function confirmDelivery(
  questions: BitbucketQuestions,
  source: PushDelivery,
  { address, branches }: MatchedRepository,
): Promise<ConfirmedDelivery> {
  const confirmed: ConfirmedChange[] = []
  const unconfirmed: string[] = []
  if (branches.length === 0) return { source, address, confirmed, unconfirmed, hasFollowers: false }
  for (const push of source.pushes) {
    const answer = await confirmPush(questions, address, push)
    if (!answer.confirmed) unconfirmed.push(answer.detail)
    else {
      const changes = await findChanges(questions, address, push, branches)
      confirmed.push({ push, branchHead: answer.branchHead, changes })
    }
  }
  return { source, address, confirmed, unconfirmed, hasFollowers: true }
}

/** No comparison where no stack of the branch would decide by it (L22). */
async function findChanges(
  questions: BitbucketQuestions,
  address: RepositoryAddress,
  push: Push,
  branches: readonly FollowedBranch[],
): Promise<Map<string, PushChanges>> {
  const changes = new Map<string, PushChanges>()
  for (const { branch, hasFiltered } of branches) {
    const found = hasFiltered
      ? await findPushChanges(questions, address, push, branch)
      : { changed: everythingChanged, note: null }
    changes.set(branch, found)
  }
  return changes
}
