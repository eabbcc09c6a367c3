import { BitbucketError } from '../../clients/bitbucket/errors.ts'
import { UnsafePathError } from '../../clients/bitbucket/paths.ts'
import { getRepository, type RepositoryAddress } from '../../clients/bitbucket/repositories.ts'
import { TransportError } from '../../clients/transport.ts'
import { Problem, type ProblemCode } from '../../schemas/problem.ts'
import type { IntegrationRow } from '../store/integrations.ts'
import type { BitbucketAccess } from './bitbucket-access.ts'

/**
 * Asks Bitbucket, through the integration, for the repository's numeric id (R29, R47). `pointer` is where the
 * address stands in the request. Where Bitbucket cannot be asked and the caller accepts that, the id is null.
 */
export async function findRepositoryId(
  access: BitbucketAccess,
  integration: IntegrationRow,
  address: RepositoryAddress,
  pointer: string,
  skipVerification: boolean,
): Promise<number | null> {
  try {
    const repository = await getRepository(access.bitbucketClient(integration), address)
    return repository.id
  } catch (error) {
    const problem = toProblem(error, integration, address, pointer)
    if (skipVerification && problem.code !== 'repository_not_in_bitbucket') return null
    throw problem
  }
}

function toProblem(error: unknown, integration: IntegrationRow, address: RepositoryAddress, pointer: string): Problem {
  const name = `${address.projectKey}/${address.repositorySlug}`
  if (error instanceof UnsafePathError || (error instanceof BitbucketError && error.code === 'not_found')) {
    const detail = `Bitbucket has no repository ${name}, or the token of the integration "${integration.slug}" may not read it.`
    return new Problem('repository_not_in_bitbucket', detail, {
      errors: [{ pointer: `${pointer}/repositorySlug`, detail: 'not in Bitbucket' }],
    })
  }
  if (!(error instanceof BitbucketError) && !(error instanceof TransportError)) throw error
  // Their messages are sentences of our own and hold nothing of the answer (S37).
  const code = codeOf(error)
  const advice = code === 'bitbucket_unreachable' ? ' Try again, or save without verification.' : ''
  return new Problem(code, `The integration "${integration.slug}" could not read ${name}: ${error.message}${advice}`)
}

function codeOf(error: BitbucketError | TransportError): ProblemCode {
  if (error instanceof TransportError) return error.code === 'blocked' ? 'bitbucket_refused' : 'bitbucket_unreachable'
  const isPassing = ['rate_limited', 'unavailable', 'not_bitbucket', 'unexpected', 'bad_paging'].includes(error.code)
  return isPassing ? 'bitbucket_unreachable' : 'bitbucket_refused'
}
