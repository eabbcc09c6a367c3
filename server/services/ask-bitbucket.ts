import type { BitbucketClient } from '../../clients/bitbucket/client.ts'
import { compareChanges, findBranch, isAncestor } from '../../clients/bitbucket/commits.ts'
import { BitbucketError } from '../../clients/bitbucket/errors.ts'
import { getRepository, type RepositoryAddress } from '../../clients/bitbucket/repositories.ts'
import { TransportError } from '../../clients/transport.ts'
import type { ComparisonCache } from './comparison-cache.ts'

/** Bitbucket gives no answer at the moment, or none that can be believed: what depends on it has to wait (R46). */
export class BitbucketUnreachableError extends Error {
  /** Whether the next repository need not be tried: the host itself did not answer. */
  readonly isHostDown: boolean
  constructor(cause: Error, isHostDown: boolean) {
    super(cause.message, { cause })
    this.name = 'BitbucketUnreachableError'
    this.isHostDown = isHostDown
  }
}

/** The files that one commit has and another lacks; everything, with the reason, where Bitbucket cannot say. */
export type ComparedFiles = { readonly files: readonly string[] } | { readonly everything: string }

/**
 * What processing asks one Bitbucket, each question once: the answers live as long as the object, those between two
 * commits longer. Every question may throw BitbucketUnreachableError.
 */
export interface BitbucketQuestions {
  /** The id of the repository at the address; undefined where there is none. */
  repositoryId(address: RepositoryAddress): Promise<number | undefined>
  /** The commit that the branch is at; undefined where there is no such branch. */
  branchHead(address: RepositoryAddress, branch: string): Promise<string | undefined>
  /** Undefined where Bitbucket does not know one of the commits. */
  isAncestor(address: RepositoryAddress, ancestor: string, descendant: string): Promise<boolean | undefined>
  /** What is in the commit `from` and not in the commit `to` (R51). */
  compare(address: RepositoryAddress, from: string, to: string): Promise<ComparedFiles>
}

export function askBitbucket(
  client: BitbucketClient,
  scope: { readonly integrationId: string; readonly now: number },
  comparisons: ComparisonCache<ComparedFiles>,
): BitbucketQuestions {
  const once = memo()
  return {
    repositoryId: (address) => once(['id', address], () => refusedAsUndefined(repositoryIdAt(client, address))),
    branchHead: (address, branch) =>
      once(['head', address, branch], () =>
        refusedAsUndefined(findBranch(client, address, branch).then((found) => found?.latestCommit.toLowerCase())),
      ),
    isAncestor: (address, ancestor, descendant) =>
      once(['ancestor', address, ancestor, descendant], () =>
        refusedAsUndefined(isAncestor(client, address, ancestor, descendant)),
      ),
    compare: (address, from, to) => {
      const key = JSON.stringify([scope.integrationId, address.projectKey, address.repositorySlug, from, to])
      return comparisons.get(key, scope.now, () => compareFiles(client, address, from, to))
    },
  }
}

async function repositoryIdAt(client: BitbucketClient, address: RepositoryAddress): Promise<number> {
  const { id } = await getRepository(client, address)
  return id
}

async function compareFiles(
  client: BitbucketClient,
  address: RepositoryAddress,
  from: string,
  to: string,
): Promise<ComparedFiles> {
  try {
    const { changes, truncated } = await compareChanges(client, address, { from, to })
    if (truncated) return { everything: 'Bitbucket listed only a part of the changed files' }
    return {
      files: changes.flatMap(({ path, sourcePath }) => (sourcePath === undefined ? [path] : [path, sourcePath])),
    }
  } catch (error) {
    if (isRefusedComparison(error)) return { everything: 'Bitbucket could not compare the commits' }
    throw unreachable(error)
  }
}

/** The commit is confirmed already, so that any refusal means the comparison itself (R51). */
function isRefusedComparison(error: unknown): boolean {
  if (error instanceof TransportError) return error.code === 'too_large'
  if (!(error instanceof BitbucketError)) return false
  if (error.code === 'bad_paging') return true
  return error.status !== undefined && error.status >= 400 && error.status < 500 && error.code !== 'rate_limited'
}

async function refusedAsUndefined<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof BitbucketError && refusals.has(error.code)) return undefined
    throw unreachable(error)
  }
}

/** "No": everything else, a missing permission too, is no answer to the question. */
const refusals: ReadonlySet<string> = new Set(['not_found', 'invalid', 'moved'])

function unreachable(error: unknown): unknown {
  if (error instanceof TransportError) return new BitbucketUnreachableError(error, error.code !== 'too_large')
  // A 5xx may be of one repository alone; the limit of the rate is the user's, for all of them.
  if (error instanceof BitbucketError) return new BitbucketUnreachableError(error, error.code === 'rate_limited')
  return error
}

/** Asks each question once; a failed one may be asked again. */
function memo() {
  const answers = new Map<string, Promise<unknown>>()
  return <Answer>(question: readonly unknown[], ask: () => Promise<Answer>): Promise<Answer> => {
    const key = JSON.stringify(question)
    const known = answers.get(key) as Promise<Answer> | undefined
    if (known) return known
    const answer = ask()
    answers.set(key, answer)
    answer.catch(() => answers.delete(key))
    return answer
  }
}
