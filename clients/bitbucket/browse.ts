import * as z from 'zod'
import { type BitbucketClient, callBitbucket } from './client.ts'
import { BitbucketError } from './errors.ts'
import { type ListPage, nextStart, type PageStart, pageSchema, readPage } from './paging.ts'
import { restPath, withSegments } from './paths.ts'
import { Project, Repository, type RepositoryAddress } from './repositories.ts'

const Entry = z.looseObject({
  path: z.looseObject({ components: z.array(z.string().min(1).max(4096)).min(1).max(2048) }),
  /** `FILE`, `DIRECTORY` or `SUBMODULE`. */
  type: z.string().max(50),
})

/** Only a folder has children; a file has lines. */
const Folder = z.looseObject({ children: pageSchema(Entry).optional() })

/** What a folder holds directly. */
export interface FolderEntry {
  readonly name: string
  readonly type: string
}

/** Gives one page of the projects that the token's user may see; `name` is how their names begin. */
export function listProjectsPage(
  client: BitbucketClient,
  filter: { readonly name?: string | undefined },
  at: PageStart,
): Promise<ListPage<Project>> {
  return readPage(client, { path: restPath('/api/latest/projects', {}), query: { ...filter } }, Project, at)
}

/** Gives one page of the repositories that the token's user may see, of one project or of all, personal ones too. */
export function listRepositoriesPage(
  client: BitbucketClient,
  { projectKey, name }: { readonly projectKey?: string | undefined; readonly name?: string | undefined },
  at: PageStart,
): Promise<ListPage<Repository>> {
  const query = { projectkey: projectKey, name }
  return readPage(client, { path: restPath('/api/latest/repos', {}), query }, Repository, at)
}

/**
 * Gives one page of what a folder holds at a branch; the root is no segments.
 *
 * @throws BitbucketError `invalid` where the path is a file's; its `exceptionName` tells a missing path from a missing
 *   branch; UnsafePathError
 */
export async function listFolderPage(
  client: BitbucketClient,
  address: RepositoryAddress,
  branch: string,
  segments: readonly string[],
  { start, limit }: PageStart,
): Promise<ListPage<FolderEntry>> {
  const root = restPath('/api/latest/projects/{projectKey}/repos/{repositorySlug}/browse', { ...address })
  const query = { at: `refs/heads/${branch}`, start, limit }
  const { children } = await callBitbucket(client, { method: 'GET', path: withSegments(root, segments), query }, Folder)
  if (!children) throw new BitbucketError('invalid')
  const values = children.values.map(({ path, type }) => ({ name: path.components.join('/'), type }))
  return { values, nextStart: nextStart(children, start) }
}
