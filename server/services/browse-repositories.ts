import { listBranchesPage } from '../../clients/bitbucket/branches.ts'
import { listFolderPage, listProjectsPage, listRepositoriesPage } from '../../clients/bitbucket/browse.ts'
import { BitbucketError } from '../../clients/bitbucket/errors.ts'
import type { ListPage, PageStart } from '../../clients/bitbucket/paging.ts'
import { UnsafePathError } from '../../clients/bitbucket/paths.ts'
import type { RepositoryAddress } from '../../clients/bitbucket/repositories.ts'
import type { Page } from '../../schemas/page.ts'
import type { Problem } from '../../schemas/problem.ts'
import type {
  BitbucketBranch,
  BitbucketProject,
  BitbucketRepository,
  TreeEntry,
} from '../../schemas/repository-browsing.ts'
import { ProjectKey, RepositorySlug } from '../../schemas/stack.ts'
import type { Caller } from '../core/authorise.ts'
import { mayUseProject, mayUseRepository } from '../core/repository-access.ts'
import type { IntegrationRow } from '../store/integrations.ts'
import { outgoingProblem } from './find-repository.ts'
import type { Installation } from './installation.ts'
import { fieldProblem } from './invalid-field.ts'
import { reachOf } from './repository-access.ts'
import { type BrowseRequest, openBrowsing } from './stack-browsing.ts'

interface Paged extends BrowseRequest {
  readonly limit: number
  /** Where Bitbucket's next page begins. */
  readonly cursor?: string | undefined
}

/** Lists the projects in which the integration lends anything to the space, as Bitbucket has them (R29). */
export async function listProjects(
  installation: Installation,
  caller: Caller,
  query: Paged & { readonly q?: string | undefined },
): Promise<Page<BitbucketProject>> {
  const { integration, client, tree } = await openBrowsing(installation, caller, query, undefined)
  const reach = reachOf(integration)
  const isShown = ({ key }: { readonly key: string }) =>
    ProjectKey.safeParse(key).success && mayUseProject(reach, query.spaceId, key, tree)
  const page = await readShownPage(query, (at) => listProjectsPage(client, { name: query.q }, at), isShown).catch(
    refuse(integration, 'list the projects'),
  )
  return toPage(page, ({ key, name, type }) => ({
    projectKey: key,
    name: name ?? key,
    isPersonal: type === 'PERSONAL' || key.startsWith('~'),
  }))
}

/** Lists the repositories that the integration lends to the space, as Bitbucket has them (R29, S24). */
export async function listRepositories(
  installation: Installation,
  caller: Caller,
  query: Paged & { readonly project?: string | undefined; readonly q?: string | undefined },
): Promise<Page<BitbucketRepository>> {
  const { integration, client, tree } = await openBrowsing(installation, caller, query, undefined)
  const reach = reachOf(integration)
  const filter = { projectKey: query.project, name: query.q }
  const isShown = ({ slug, project }: { readonly slug: string; readonly project: { readonly key: string } }) =>
    ProjectKey.safeParse(project.key).success &&
    RepositorySlug.safeParse(slug).success &&
    mayUseRepository(reach, query.spaceId, { projectKey: project.key, repositorySlug: slug }, tree)
  const page = await readShownPage(query, (at) => listRepositoriesPage(client, filter, at), isShown).catch(
    refuse(integration, 'list the repositories'),
  )
  return toPage(page, ({ id, slug, name, project, archived }) => ({
    repositoryId: id,
    projectKey: project.key,
    repositorySlug: slug,
    name,
    isArchived: archived === true,
  }))
}

interface InRepository extends Paged {
  readonly repository: RepositoryAddress
}

/** Lists the branches of a repository that the integration lends to the space (R29, S24). */
export async function listBranches(
  installation: Installation,
  caller: Caller,
  query: InRepository & { readonly q?: string | undefined },
): Promise<Page<BitbucketBranch>> {
  const { integration, client } = await openBrowsing(installation, caller, query, query.repository)
  const read = (at: PageStart) => listBranchesPage(client, query.repository, { filterText: query.q }, at)
  const page = await readShownPage(query, read, () => true).catch(refuse(integration, 'list the branches'))
  return toPage(page, ({ displayId, latestCommit, isDefault }) => ({
    name: displayId,
    latestCommit: latestCommit.toLowerCase(),
    isDefault: isDefault === true,
  }))
}

/** Lists what a folder holds at a branch (R29, S24). */
export async function listTree(
  installation: Installation,
  caller: Caller,
  query: InRepository & { readonly branch: string; readonly path: string },
): Promise<Page<TreeEntry>> {
  const { integration, client } = await openBrowsing(installation, caller, query, query.repository)
  const segments = query.path === '' ? [] : query.path.split('/')
  const read = (at: PageStart) => listFolderPage(client, query.repository, query.branch, segments, at)
  const page = await readShownPage(query, read, () => true).catch(
    refuse(integration, 'list the folder', `${query.path || 'the root'} at ${query.branch}`),
  )
  return toPage(page, ({ name, type }) => ({
    name,
    path: [...segments, name].join('/'),
    type: type === 'DIRECTORY' ? 'directory' : type === 'SUBMODULE' ? 'submodule' : 'file',
  }))
}

/** So many pages of Bitbucket are read for one of ours when nothing on them may be shown. */
const mostEmptyPages = 5

async function readShownPage<Item>(
  { limit, cursor }: Paged,
  read: (at: PageStart) => Promise<ListPage<Item>>,
  isShown: (item: Item) => boolean,
): Promise<ListPage<Item>> {
  let start = cursor === undefined ? 0 : Number(cursor)
  for (let pages = 1; ; pages++) {
    const { values, nextStart } = await read({ start, limit })
    // Whatever was asked for, Bitbucket's answer decides how long it is (S39).
    const shown = values.slice(0, limit).filter(isShown)
    if (shown.length > 0 || nextStart === null || pages === mostEmptyPages) return { values: shown, nextStart }
    start = nextStart
  }
}

function toPage<Item, Shown>({ values, nextStart }: ListPage<Item>, show: (item: Item) => Shown): Page<Shown> {
  return { items: values.map(show), nextCursor: nextStart === null ? null : String(nextStart), approximateCount: null }
}

/** What a failed call is answered with; what does not exist is named by the parameter that asked for it (S37). */
function refuse(integration: IntegrationRow, what: string, place?: string) {
  return (error: unknown): never => {
    throw notThere(error, place) ?? outgoingProblem(error, integration, what, ' Try again.', '?repository')
  }
}

function notThere(error: unknown, place: string | undefined): Problem | undefined {
  if (error instanceof UnsafePathError) return fieldProblem('path_not_in_bitbucket', '?path', error.message)
  if (!(error instanceof BitbucketError)) return undefined
  const { code, exceptionName = '' } = error
  if (place !== undefined && code === 'invalid') {
    return fieldProblem('path_not_in_bitbucket', '?path', `In Bitbucket ${place} is no folder.`)
  }
  if (code !== 'not_found') return undefined
  if (place !== undefined && /NoSuchPath/.test(exceptionName)) {
    return fieldProblem('path_not_in_bitbucket', '?path', `Bitbucket has no folder ${place}.`)
  }
  if (place !== undefined && /NoSuchCommit|NoSuchBranch|NoSuchRef/.test(exceptionName)) {
    return fieldProblem('branch_not_in_bitbucket', '?branch', `Bitbucket has nothing at ${place}.`)
  }
  const detail = 'Bitbucket has no such repository, or the token of the integration may not read it.'
  return fieldProblem('repository_not_in_bitbucket', '?repository', detail)
}
