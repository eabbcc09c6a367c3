import * as z from 'zod'
import { type BitbucketClient, callBitbucket } from './client.ts'
import { Branch } from './commits.ts'
import { type ListPage, type PageStart, readPage } from './paging.ts'
import { restPath } from './paths.ts'
import { orUndefined, type RepositoryAddress } from './repositories.ts'

const repository = '/api/latest/projects/{projectKey}/repos/{repositorySlug}'

const ConfiguredBranch = z.looseObject({ id: z.string().max(1024) })

/** Gives one page of the branches whose name contains `filterText`, the default branch marked. */
export function listBranchesPage(
  client: BitbucketClient,
  address: RepositoryAddress,
  filter: { readonly filterText?: string | undefined },
  at: PageStart,
): Promise<ListPage<Branch>> {
  const query = { filterText: filter.filterText, boostMatches: filter.filterText === undefined ? undefined : true }
  return readPage(client, { path: restPath(`${repository}/branches`, { ...address }), query }, Branch, at)
}

/**
 * Gives the branch that an empty repository is configured to begin with: `name` is undefined where Bitbucket does not
 * say. Undefined where the repository has branches.
 */
export async function findFirstBranch(
  client: BitbucketClient,
  address: RepositoryAddress,
): Promise<{ readonly name: string | undefined } | undefined> {
  const { values } = await listBranchesPage(client, address, {}, { start: 0, limit: 1 })
  if (values.length > 0) return undefined
  const call = { method: 'GET', path: restPath(`${repository}/default-branch`, { ...address }) } as const
  const configured = await orUndefined(callBitbucket(client, call, ConfiguredBranch))
  return { name: configured?.id.replace(/^refs\/heads\//, '') }
}
