import { randomBytes } from 'node:crypto'
import type { Emulator } from './call.ts'
import { noSuchProject, noSuchRepository, noSuchUser } from './errors.ts'
import type { Project, Repository, State, User } from './state.ts'

export function findUser(state: State, nameOrSlug: string): User | undefined {
  const wanted = nameOrSlug.toLowerCase()
  return state.users.find((user) => user.slug === wanted || user.name.toLowerCase() === wanted)
}

export function getUser(state: State, nameOrSlug: string): User {
  const user = findUser(state, nameOrSlug)
  if (!user) throw noSuchUser(nameOrSlug)
  return user
}

/** By key, in any case. A user's personal project, `~name`, comes into being when it is first asked for. */
export function getProject(emulator: Emulator, key: string): Project {
  const { state } = emulator.store
  const wanted = key.toLowerCase()
  const project = state.projects.find((candidate) => candidate.key.toLowerCase() === wanted)
  if (project) return project
  const owner = wanted.startsWith('~') ? findUser(state, wanted.slice(1)) : undefined
  if (!owner) throw noSuchProject(key)
  const personal: Project = {
    id: emulator.store.nextId('project'),
    key: `~${owner.slug}`,
    name: owner.displayName,
    description: null,
    isPublic: false,
    ownerId: owner.id,
    permissions: {},
  }
  state.projects.push(personal)
  emulator.store.changed()
  return personal
}

export function findRepository(state: State, project: Project, slug: string): Repository | undefined {
  const wanted = slug.toLowerCase()
  return state.repositories.find(({ projectId, slug: own }) => projectId === project.id && own === wanted)
}

export function getRepository(state: State, project: Project, slug: string): Repository {
  const repository = findRepository(state, project, slug)
  if (!repository) throw noSuchRepository(project.key, slug)
  return repository
}

export function projectOf(state: State, repository: Repository): Project {
  const project = state.projects.find(({ id }) => id === repository.projectId)
  if (!project) throw new Error(`Repository ${repository.id} belongs to no project.`)
  return project
}

/** The slug that Bitbucket derives from a repository's name. */
export function slugOf(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^-+|-+$/g, '')
}

export function newHierarchyId(): string {
  return randomBytes(10).toString('hex')
}
