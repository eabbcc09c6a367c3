import { BitbucketError } from '../../clients/bitbucket/errors.ts'
import { UnsafePathError } from '../../clients/bitbucket/paths.ts'
import { getRepository } from '../../clients/bitbucket/repositories.ts'
import { TransportError } from '../../clients/transport.ts'
import type { RepositoryAccess } from '../../schemas/integration.ts'
import type { SpaceTree } from '../core/authorise.ts'
import { type IntegrationReach, mayUseRepository, type RepositoryName } from '../core/repository-access.ts'
import type { IntegrationRow } from '../store/integrations.ts'
import type { BitbucketAccess } from './bitbucket-access.ts'
import { placeOfRow } from './bitbucket-access.ts'
import { fieldProblem } from './invalid-field.ts'

/** What the row says of how far the integration lends its sight. */
export function reachOf(row: Pick<IntegrationRow, 'is_default' | 'space_id' | 'repository_access'>): IntegrationReach {
  return {
    isDefault: row.is_default === 1,
    spaceId: row.space_id,
    repositoryAccess: row.repository_access === null ? null : (JSON.parse(row.repository_access) as RepositoryAccess),
  }
}

/** Refuses a repository that the integration does not lend to the space (S23, S24); `pointer` is where it stands. */
export function requireRepository(
  integration: IntegrationRow,
  spaceId: string,
  { projectKey, repositorySlug }: RepositoryName,
  tree: SpaceTree,
  pointer: string,
): void {
  if (mayUseRepository(reachOf(integration), spaceId, { projectKey, repositorySlug }, tree)) return
  const detail = `The integration "${integration.slug}" does not lend ${projectKey}/${repositorySlug} to the space "${spaceId}". Ask an admin of the integration to add it to repositoryAccess.`
  throw fieldProblem('repository_not_allowed', pointer, detail)
}

/**
 * Where the integration demands it, lets pass only whoever shows with a Bitbucket token of his own that he may read
 * the repository (S25). The token is used for this one call and kept nowhere.
 */
export async function requireOwnAccess(
  access: BitbucketAccess,
  integration: IntegrationRow,
  { projectKey, repositorySlug }: RepositoryName,
  ownToken: string | undefined,
  pointer: string,
): Promise<void> {
  if (integration.require_bitbucket_access === 0) return
  const name = `${projectKey}/${repositorySlug}`
  if (ownToken === undefined) {
    const detail = `The integration "${integration.slug}" asks whoever attaches to show that he may read ${name}: send a Bitbucket HTTP access token of your own. It is used once and not stored.`
    throw fieldProblem('no_bitbucket_access', pointer, detail)
  }
  try {
    const client = access.visitingClient(placeOfRow(integration), ownToken, 'reading')
    await getRepository(client, { projectKey, repositorySlug })
    return
  } catch (error) {
    if (error instanceof TransportError) {
      const code = error.code === 'agent_unavailable' ? 'vcs_agent_unavailable' : 'bitbucket_unreachable'
      throw fieldProblem(code, pointer, `Your access to ${name} could not be checked: ${error.message} Try again.`)
    }
    if (!(error instanceof BitbucketError) && !(error instanceof UnsafePathError)) throw error
  }
  throw fieldProblem('no_bitbucket_access', pointer, `With your token Bitbucket does not show ${name}.`)
}
