import { type Answer, type Call, fieldsOf, json, type ProjectCall, type RepositoryCall } from '../call.ts'
import { archived, badRequest, conflict, invalidField, notPermitted } from '../errors.ts'
import { sendRepositoryModified } from '../events.ts'
import { findRepository, getProject, newHierarchyId, projectOf, slugOf } from '../find.ts'
import { pageOf } from '../paging.ts'
import { levelOf, projectLevel, repositoryLevel } from '../permissions.ts'
import { representRepository } from '../representation.ts'
import { isAtLeast } from '../settings.ts'
import type { Project, Repository } from '../state.ts'
import { isRecord, textOf } from '../values.ts'

/** `GET /repos`: across projects, what the caller may read, with the filters of Bitbucket's search. */
export function searchRepositories(call: Call): Answer {
  const { settings, store } = call.emulator
  const { query } = call
  const filter = (name: string) => query.get(name)?.trim().toLowerCase()
  const key = filter('projectkey')
  const projectName = filter('projectname')
  const name = filter('name')
  const visibility = filter('visibility')
  const state = filter('state')
  const archivedFilter = filter('archived') ?? 'active'
  const needed = Math.max(1, levelOf(query.get('permission') ?? undefined))
  if (visibility !== undefined && visibility !== 'public' && visibility !== 'private') {
    throw badRequest('The parameter visibility is neither public nor private.')
  }
  const repositories = store.state.repositories
    .map((repository) => ({ repository, project: projectOf(store.state, repository) }))
    .filter(({ project }) => key === undefined || project.key.toLowerCase() === key)
    .filter(({ project }) => projectName === undefined || project.name.toLowerCase().startsWith(projectName))
    .filter(({ repository }) => name === undefined || repository.name.toLowerCase().startsWith(name))
    .filter(({ repository }) => visibility === undefined || repository.isPublic === (visibility === 'public'))
    .filter(() => state === undefined || state === 'available')
    .filter(({ repository }) => archivedFilter === 'all' || repository.isArchived === (archivedFilter === 'archived'))
    .filter(({ repository, project }) => repositoryLevel(call.principal, project, repository) >= needed)
    .sort((left, right) => byName(left.project, right.project) || byName(left.repository, right.repository))
    .map(({ repository, project }) => representRepository(settings, store.state, project, repository))
  return json(pageOf(repositories, query, settings))
}

function byName(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name.localeCompare(right.name)
}

export function listRepositories(call: ProjectCall): Answer {
  const { settings, store } = call.emulator
  const repositories = store.state.repositories
    .filter((repository) => repository.projectId === call.project.id)
    .sort(byName)
    .map((repository) => representRepository(settings, store.state, call.project, repository))
  return json(pageOf(repositories, call.query, settings))
}

export function createRepository(call: ProjectCall): Answer {
  const { settings, store } = call.emulator
  const fields = fieldsOf(call)
  const name = checkedName(fields.name)
  const slug = slugOf(name)
  checkUnused(call, call.project, slug)
  const repository: Repository = {
    id: store.nextId('repository'),
    projectId: call.project.id,
    slug,
    name,
    description: textOf(fields.description) ?? null,
    defaultBranch: qualified(textOf(fields.defaultBranch) ?? 'main'),
    isPublic: fields.public === true,
    isForkable: fields.forkable !== false,
    isArchived: false,
    hierarchyId: newHierarchyId(),
    permissions: {},
  }
  store.state.repositories.push(repository)
  store.changed()
  return json(representRepository(settings, store.state, call.project, repository), 201)
}

function checkedName(value: unknown): string {
  const name = textOf(value)?.trim() ?? ''
  if (name === '' || name.length > 128 || slugOf(name) === '') {
    throw invalidField('name', 'The name of a repository has 1 to 128 characters, a letter or digit among them.')
  }
  return name
}

function checkUnused(call: Call, project: Project, slug: string): void {
  if (findRepository(call.emulator.store.state, project, slug)) {
    throw conflict(`Project ${project.key} has a repository with the address ${slug} already.`, 'name')
  }
}

export function qualified(branch: string): string {
  return branch.startsWith('refs/heads/') ? branch : `refs/heads/${branch}`
}

export function getRepository(call: RepositoryCall): Answer {
  const { settings, store } = call.emulator
  return json(representRepository(settings, store.state, call.project, call.repository))
}

/** Renames, moves, archives and describes; what is absent stays. The id never changes, and answers 201. */
export function updateRepository(call: RepositoryCall): Answer {
  const { emulator, repository } = call
  const { settings, store } = emulator
  const fields = fieldsOf(call)
  const isUnarchived = fields.archived === false
  if (repository.isArchived && !isUnarchived) throw archived(repository.slug)
  const old = representRepository(settings, store.state, call.project, repository)

  const target = targetProject(call, fields.project)
  const name = fields.name === undefined ? repository.name : checkedName(fields.name)
  const slug = name === repository.name ? repository.slug : slugOf(name)
  const isMoved = target.id !== repository.projectId || slug !== repository.slug
  if (isMoved) checkUnused(call, target, slug)

  const isRenamed = isMoved || name !== repository.name
  Object.assign(repository, { projectId: target.id, name, slug })
  repository.description = textOf(fields.description) ?? repository.description
  const branch = textOf(fields.defaultBranch)
  if (branch !== undefined) repository.defaultBranch = qualified(branch)
  if (typeof fields.public === 'boolean') repository.isPublic = fields.public
  if (typeof fields.forkable === 'boolean') repository.isForkable = fields.forkable
  if (typeof fields.archived === 'boolean' && isAtLeast(settings.version, '8.0')) {
    repository.isArchived = fields.archived
  }
  store.changed()
  if (isRenamed) sendRepositoryModified(emulator, repository, call.principal, old)
  return json(representRepository(settings, store.state, target, repository), 201)
}

function targetProject(call: RepositoryCall, value: unknown): Project {
  const key = isRecord(value) ? textOf(value.key) : undefined
  if (key === undefined) return call.project
  const target = getProject(call.emulator, key)
  if (target.id !== call.project.id && projectLevel(call.principal, target) < 3) throw notPermitted()
  return target
}

/** Deletes at once, though Bitbucket says "scheduled" (202). */
export async function deleteRepository(call: RepositoryCall): Promise<Answer> {
  const { store, git } = call.emulator
  const { id, slug } = call.repository
  const { state } = store
  state.repositories = state.repositories.filter((repository) => repository.id !== id)
  state.webhooks = state.webhooks.filter(({ scope }) => scope.kind !== 'repository' || scope.id !== id)
  state.tokens = state.tokens.filter(({ owner }) => owner.kind !== 'repository' || owner.id !== id)
  state.statuses = state.statuses.filter(({ repositoryId }) => repositoryId !== id)
  store.changed()
  await git.serialise(id, () => git.remove(id))
  return json({ context: null, message: `Repository ${slug} is scheduled for deletion.`, exceptionName: null }, 202)
}
