import * as z from 'zod'
import { type BitbucketClient, callBitbucket } from './client.ts'
import { eachPage } from './paging.ts'
import { restPath } from './paths.ts'
import { orUndefined, type RepositoryAddress } from './repositories.ts'

const repository = '/api/latest/projects/{projectKey}/repos/{repositorySlug}'

/** Bitbucket before 10.3 sends milliseconds, later ones ISO text. */
export const Timestamp = z.union([z.number(), z.string().max(40)])

export const Commit = z.looseObject({
  id: z.string().regex(/^[0-9a-f]{40,64}$/i),
  /** Cut: git bounds it by nothing. */
  message: z
    .string()
    .transform((message) => message.slice(0, 65_536))
    .optional(),
  author: z.looseObject({ name: z.string().max(1000).optional() }).optional(),
  authorTimestamp: Timestamp.optional(),
  committerTimestamp: Timestamp.optional(),
  parents: z
    .array(z.looseObject({ id: z.string().max(64) }))
    .max(10_000)
    .optional(),
})
export type Commit = z.infer<typeof Commit>

export const Branch = z.looseObject({
  /** The whole ref: `refs/heads/main`. */
  id: z.string().max(1024),
  displayId: z.string().max(1024),
  latestCommit: z.string().regex(/^[0-9a-f]{40,64}$/i),
  isDefault: z.boolean().optional(),
})
export type Branch = z.infer<typeof Branch>

const Path = z.looseObject({ components: z.array(z.string().max(4096)).min(1).max(2048) })

const Change = z.looseObject({
  type: z.string().max(50),
  path: Path,
  srcPath: Path.nullish(),
})

/** One changed file; `sourcePath` is where a moved or copied file came from. */
export interface FileChange {
  readonly type: string
  readonly path: string
  readonly sourcePath?: string
}

export interface Comparison {
  readonly changes: readonly FileChange[]
  /** True where Bitbucket may have left changes out: then everything has to count as changed (R51). */
  readonly truncated: boolean
}

/** Gives the branches whose name contains `filterText`, page by page. */
export function eachBranchPage(
  client: BitbucketClient,
  address: RepositoryAddress,
  filter: { readonly filterText?: string },
): AsyncGenerator<readonly Branch[]> {
  const query = { filterText: filter.filterText, boostMatches: filter.filterText === undefined ? undefined : true }
  return eachPage(client, { path: restPath(`${repository}/branches`, { ...address }), query }, Branch)
}

/** Gives the branches whose name contains `filterText`. */
export async function listBranches(
  client: BitbucketClient,
  address: RepositoryAddress,
  filter: { readonly filterText?: string },
): Promise<Branch[]> {
  const all: Branch[] = []
  for await (const page of eachBranchPage(client, address, filter)) all.push(...page)
  return all
}

/** Finds a branch by its exact name, without `refs/heads/`; its `latestCommit` is the head. */
export async function findBranch(
  client: BitbucketClient,
  address: RepositoryAddress,
  name: string,
): Promise<Branch | undefined> {
  for await (const page of eachBranchPage(client, address, { filterText: name })) {
    const found = page.find((branch) => branch.id === `refs/heads/${name}`)
    if (found) return found
  }
  return undefined
}

/** Finds a commit by its full hash. */
export async function findCommit(
  client: BitbucketClient,
  address: RepositoryAddress,
  commitId: string,
): Promise<Commit | undefined> {
  return orUndefined(
    callBitbucket(
      client,
      { method: 'GET', path: restPath(`${repository}/commits/{commitId}`, { ...address, commitId }) },
      Commit,
    ),
  )
}

/**
 * Tells whether `ancestor` is reachable from `descendant` (a commit is its own ancestor): Bitbucket then finds no
 * commit that the first has and the second lacks.
 */
export async function isAncestor(
  client: BitbucketClient,
  address: RepositoryAddress,
  ancestor: string,
  descendant: string,
): Promise<boolean> {
  const pages = eachPage(
    client,
    {
      path: restPath(`${repository}/compare/commits`, { ...address }),
      query: { from: ancestor, to: descendant },
    },
    Commit,
    1,
  )
  for await (const commits of pages) return commits.length === 0
  return false
}

/** The most changes that Bitbucket tells in one page by default (`page.max.changes`). */
const changesLimit = 1000

/**
 * Gives the files that differ between the common ancestor and `from`: what is in `from` and not in `to`, so the newer
 * commit goes into `from` (R51). All pages are read; sources of renames are included.
 */
export async function compareChanges(
  client: BitbucketClient,
  address: RepositoryAddress,
  range: { readonly from: string; readonly to: string },
): Promise<Comparison> {
  const changes: FileChange[] = []
  let saysTruncated = false
  let lastPageIsFull = false
  const pages = eachPage(
    client,
    { path: restPath(`${repository}/compare/changes`, { ...address }), query: { ...range } },
    Change,
    changesLimit,
    (page) => {
      saysTruncated ||= page.truncated === true
      lastPageIsFull = typeof page.limit === 'number' && page.values.length >= page.limit
    },
  )
  for await (const page of pages) changes.push(...page.map(toFileChange))
  // Bitbucket's limit on changes is a hard one: it stops there and calls the page the last. So a full last page may
  // be the whole, or may not.
  return { changes, truncated: saysTruncated || lastPageIsFull }
}

function toFileChange({ type, path, srcPath }: z.infer<typeof Change>): FileChange {
  const change = { type, path: path.components.join('/') }
  return srcPath ? { ...change, sourcePath: srcPath.components.join('/') } : change
}
