import { type Answer, type Call, json, noContent, type ProjectCall, type RepositoryCall } from '../call.ts'
import { invalidField } from '../errors.ts'
import { getUser } from '../find.ts'
import { pageOf } from '../paging.ts'
import { representUser } from '../representation.ts'
import type { GlobalPermission, ProjectPermission, RepositoryPermission, User } from '../state.ts'

const projectPermissions = ['PROJECT_READ', 'PROJECT_WRITE', 'PROJECT_ADMIN'] as const
const repositoryPermissions = ['REPO_READ', 'REPO_WRITE', 'REPO_ADMIN'] as const
const globalPermissions = ['LICENSED_USER', 'PROJECT_CREATE', 'ADMIN', 'SYS_ADMIN'] as const

export function grantOnProject(call: ProjectCall): Answer {
  const permission = permissionOf<ProjectPermission>(call, projectPermissions)
  for (const user of usersOf(call)) call.project.permissions[String(user.id)] = permission
  return changed(call)
}

export function revokeOnProject(call: ProjectCall): Answer {
  for (const user of usersOf(call)) delete call.project.permissions[String(user.id)]
  return changed(call)
}

export function listProjectGrants(call: ProjectCall): Answer {
  return listGrants(call, call.project.permissions)
}

export function grantOnRepository(call: RepositoryCall): Answer {
  const permission = permissionOf<RepositoryPermission>(call, repositoryPermissions)
  for (const user of usersOf(call)) call.repository.permissions[String(user.id)] = permission
  return changed(call)
}

export function revokeOnRepository(call: RepositoryCall): Answer {
  for (const user of usersOf(call)) delete call.repository.permissions[String(user.id)]
  return changed(call)
}

export function listRepositoryGrants(call: RepositoryCall): Answer {
  return listGrants(call, call.repository.permissions)
}

export function grantGlobally(call: Call): Answer {
  const permission = permissionOf<GlobalPermission>(call, globalPermissions)
  for (const user of usersOf(call)) user.globalPermission = permission
  return changed(call)
}

export function revokeGlobally(call: Call): Answer {
  for (const user of usersOf(call)) user.globalPermission = null
  return changed(call)
}

function usersOf(call: Call): User[] {
  const names = call.query.getAll('name')
  if (names.length === 0) throw invalidField('name', 'The parameter name is missing.')
  return names.map((name) => getUser(call.emulator.store.state, name))
}

function permissionOf<Permission extends string>(call: Call, allowed: readonly Permission[]): Permission {
  const given = call.query.get('permission')
  const permission = allowed.find((candidate) => candidate === given)
  if (!permission) throw invalidField('permission', `The permission is one of ${allowed.join(', ')}.`)
  return permission
}

function changed(call: Call): Answer {
  call.emulator.store.changed()
  return noContent
}

function listGrants(call: Call, permissions: Readonly<Record<string, string>>): Answer {
  const { settings, store } = call.emulator
  const grants = Object.entries(permissions).flatMap(([id, permission]) => {
    const user = store.state.users.find((candidate) => String(candidate.id) === id)
    return user ? [{ user: representUser(settings, user), permission }] : []
  })
  return json(pageOf(grants, call.query, settings))
}
