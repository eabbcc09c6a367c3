import type { RepositoryAddress } from '../../clients/bitbucket/repositories.ts'
import { groupBy } from '../core/group-by.ts'
import type { ClaimedRepository } from '../core/push-events.ts'
import type { IntegrationRow } from '../store/integrations.ts'
import {
  type FollowedBranch,
  findFollowing,
  followRepository,
  repositoryKey,
  storeRepositoryId,
} from '../store/stack-lookup.ts'
import type { Database } from '../store/tables.ts'
import type { BitbucketQuestions } from './ask-bitbucket.ts'
import { detachDisallowed } from './integration-losses.ts'

/** Where stacks of the integration may follow a repository, before Bitbucket has been asked. */
export interface Followers {
  readonly branches: ReadonlyMap<number, readonly FollowedBranch[]>
  /** `PROJECT/slug` of stacks whose repository's id is not known yet. */
  readonly keysWithoutId: ReadonlySet<string>
}

/** Finds who follows the claimed repositories: by id, and by name alone where the id is not known yet (R47). */
export async function findFollowers(
  db: Database,
  integrationId: string,
  repositories: readonly ClaimedRepository[],
): Promise<Followers> {
  const ids = [...new Set(repositories.map(({ id }) => id))]
  const keys = [...new Set(repositories.map(keyOf))]
  const { branches, keysWithoutId } = await findFollowing(db, integrationId, ids, keys)
  return { branches: groupBy(branches, ({ repositoryId }) => repositoryId), keysWithoutId }
}

export function hasFollowers(followers: Followers, repository: ClaimedRepository): boolean {
  return followers.branches.has(repository.id) || followers.keysWithoutId.has(keyOf(repository))
}

/** A claimed repository that is the one in Bitbucket, and the branches that its stacks track. */
export interface MatchedRepository {
  readonly address: RepositoryAddress
  readonly branches: readonly FollowedBranch[]
}

/**
 * Makes sure that the claimed id is the repository's at the claimed address: else the owner of another repository
 * could sign for this one with commits of his own (R46). Then the id is stored with stacks that did not know it, and
 * stored names follow a rename (R47). Stacks that the integration no longer lends the repository to, under the name
 * that it has now, are detached (S24). Undefined where Bitbucket does not confirm it.
 *
 * @throws BitbucketUnreachableError
 */
export async function matchRepository(
  db: Database,
  questions: BitbucketQuestions,
  integration: IntegrationRow,
  claimed: ClaimedRepository,
  followers: Followers,
  now: number,
): Promise<MatchedRepository | undefined> {
  const integrationId = integration.id
  const address = { projectKey: claimed.projectKey, repositorySlug: claimed.repositorySlug }
  if ((await questions.repositoryId(address)) !== claimed.id) return undefined
  const key = keyOf(claimed)
  const known = followers.branches.get(claimed.id) ?? []
  if (known.some((branch) => branch.repositoryKey !== key)) {
    await followRepository(db, integrationId, { repositoryId: claimed.id, ...address }, now)
  }
  const isNew = followers.keysWithoutId.has(key)
  if (isNew) await storeRepositoryId(db, integrationId, key, claimed.id)
  const dropped = await detachDisallowed(db, integration, claimed, now)
  if (!isNew && dropped === 0) return { address, branches: known }
  const { branches } = await findFollowing(db, integrationId, [claimed.id], [])
  return { address, branches }
}

function keyOf({ projectKey, repositorySlug }: ClaimedRepository): string {
  return repositoryKey(projectKey, repositorySlug)
}
