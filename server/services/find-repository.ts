import { findFirstBranch } from '../../clients/bitbucket/branches.ts'
import type { BitbucketClient } from '../../clients/bitbucket/client.ts'
import { findBranch } from '../../clients/bitbucket/commits.ts'
import { BitbucketError } from '../../clients/bitbucket/errors.ts'
import { UnsafePathError } from '../../clients/bitbucket/paths.ts'
import { getRepository, type RepositoryAddress } from '../../clients/bitbucket/repositories.ts'
import { TransportError } from '../../clients/transport.ts'
import type { Problem, ProblemCode } from '../../schemas/problem.ts'
import type { IntegrationRow } from '../store/integrations.ts'
import type { BitbucketAccess } from './bitbucket-access.ts'
import { fieldProblem } from './invalid-field.ts'

/** What Bitbucket has shown of a repository and a branch that are to be saved. */
export interface FoundRepository {
  /** Null where Bitbucket could not be asked. */
  readonly repositoryId: number | null
  /** Whether Bitbucket has both. */
  readonly verified: boolean
}

export interface VerificationOptions {
  /** Where the repository and the branch stand in the request. */
  readonly repository: string
  readonly branch: string
  /** Saves although Bitbucket could not be asked; what it says it does not have is refused all the same. */
  readonly skipVerification: boolean
}

/**
 * Asks Bitbucket, through the integration, for the repository's numeric id and whether it has the branch (R29, R47).
 * An empty repository has none: there the branch that it is configured to begin with will do, unverified.
 */
export async function findInBitbucket(
  access: BitbucketAccess,
  integration: IntegrationRow,
  address: RepositoryAddress,
  branch: string,
  options: VerificationOptions,
): Promise<FoundRepository> {
  let repositoryId: number | null = null
  try {
    const client = access.bitbucketClient(integration)
    repositoryId = (await getRepository(client, address)).id
    const state = await stateOfBranch(client, address, branch)
    if (state !== 'absent') return { repositoryId, verified: state === 'present' }
  } catch (error) {
    const problem = toProblem(error, integration, address, options.repository)
    if (!options.skipVerification || problem.code === 'repository_not_in_bitbucket') throw problem
    return { repositoryId, verified: false }
  }
  const detail = `The repository ${address.projectKey}/${address.repositorySlug} has no branch "${branch}" in Bitbucket.`
  throw fieldProblem('branch_not_in_bitbucket', options.branch, detail)
}

async function stateOfBranch(
  client: BitbucketClient,
  address: RepositoryAddress,
  branch: string,
): Promise<'present' | 'expected' | 'absent'> {
  if (await findBranch(client, address, branch)) return 'present'
  const first = await findFirstBranch(client, address)
  return first && (first.name ?? branch) === branch ? 'expected' : 'absent'
}

function toProblem(error: unknown, integration: IntegrationRow, address: RepositoryAddress, pointer: string): Problem {
  const name = `${address.projectKey}/${address.repositorySlug}`
  if (error instanceof UnsafePathError || (error instanceof BitbucketError && error.code === 'not_found')) {
    const detail = `Bitbucket has no repository ${name}, or the token of the integration "${integration.slug}" may not read it.`
    return fieldProblem('repository_not_in_bitbucket', pointer, detail)
  }
  return outgoingProblem(error, integration, `read ${name}`, ' Try again, or save without verification.', pointer)
}

/**
 * What a caller is told of a call that failed: one of three codes, and a sentence of our own that holds nothing of the
 * answer (S37). Anything else is thrown on.
 */
export function outgoingProblem(
  error: unknown,
  integration: IntegrationRow,
  what: string,
  advice: string,
  pointer: string,
): Problem {
  if (!(error instanceof BitbucketError) && !(error instanceof TransportError)) throw error
  const code = codeOf(error)
  const hint = code === 'bitbucket_refused' ? '' : advice
  return fieldProblem(code, pointer, `The integration "${integration.slug}" could not ${what}: ${error.message}${hint}`)
}

function codeOf(error: BitbucketError | TransportError): ProblemCode {
  if (error instanceof TransportError && error.code === 'agent_unavailable') return 'vcs_agent_unavailable'
  if (error instanceof TransportError) return error.code === 'blocked' ? 'bitbucket_refused' : 'bitbucket_unreachable'
  const isPassing = ['rate_limited', 'unavailable', 'not_bitbucket', 'unexpected', 'bad_paging'].includes(error.code)
  return isPassing ? 'bitbucket_unreachable' : 'bitbucket_refused'
}
