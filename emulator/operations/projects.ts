import { type Answer, type Call, fieldsOf, json, noContent, type ProjectCall } from '../call.ts'
import { badRequest, conflict, invalidField, notPermitted } from '../errors.ts'
import { sendProjectModified } from '../events.ts'
import { pageOf } from '../paging.ts'
import { canViewProject, hasGlobalPermission, levelOf, projectLevel } from '../permissions.ts'
import { representProject } from '../representation.ts'
import type { Project } from '../state.ts'
import { textOf } from '../values.ts'

export function listProjects(call: Call): Answer {
  const { settings, store } = call.emulator
  const name = call.query.get('name')?.toLowerCase()
  const needed = call.query.get('permission')
  const projects = store.state.projects
    .filter((project) => canViewProject(call.principal, project, store.state))
    .filter((project) => needed === null || projectLevel(call.principal, project) >= Math.max(1, levelOf(needed)))
    .filter((project) => name === undefined || project.name.toLowerCase().startsWith(name))
    .sort((left, right) => left.name.localeCompare(right.name))
    .map((project) => representProject(settings, store.state, project))
  return json(pageOf(projects, call.query, settings))
}

export function createProject(call: Call): Answer {
  const { settings, store } = call.emulator
  const fields = fieldsOf(call)
  const given = textOf(fields.key)
  if (given === undefined || given === '') {
    throw badRequest('The project key must be specified when creating a project.')
  }
  const key = checkedKey(given)
  checkUnused(call, key)
  const project: Project = {
    id: store.nextId('project'),
    key,
    name: textOf(fields.name) ?? key,
    description: textOf(fields.description) ?? null,
    isPublic: fields.public === true,
    ownerId: null,
    permissions: call.principal.kind === 'user' ? { [String(call.principal.user.id)]: 'PROJECT_ADMIN' } : {},
  }
  store.state.projects.push(project)
  store.changed()
  return json(representProject(settings, store.state, project), 201)
}

function checkedKey(key: string): string {
  if (key.length > 128 || !/^[a-z][a-z0-9_]*$/i.test(key)) {
    const message =
      'Project keys must start with a letter and may only consist of ASCII letters, numbers and underscores (A-Z, a-z, 0-9, _)'
    throw invalidField('key', message)
  }
  return key.toUpperCase()
}

function checkUnused(call: Call, key: string): void {
  if (call.emulator.store.state.projects.some((project) => project.key === key)) {
    throw conflict(`A project with the key ${key} exists already.`, 'key')
  }
}

export function getProject(call: ProjectCall): Answer {
  const { settings, store } = call.emulator
  return json(representProject(settings, store.state, call.project))
}

/** Changes the key, the name, the description or the visibility; what is absent stays. */
export function updateProject(call: ProjectCall): Answer {
  const { settings, store } = call.emulator
  const { project } = call
  const fields = fieldsOf(call)
  const old = representProject(settings, store.state, project)
  const given = textOf(fields.key)
  if (given !== undefined && given.toUpperCase() !== project.key) {
    const key = checkedKey(given)
    checkUnused(call, key)
    project.key = key
  }
  project.name = textOf(fields.name) ?? project.name
  project.description = textOf(fields.description) ?? project.description
  if (typeof fields.public === 'boolean') project.isPublic = fields.public
  store.changed()
  sendProjectModified(call.emulator, project, call.principal, old)
  return json(representProject(settings, store.state, project))
}

export function deleteProject(call: ProjectCall): Answer {
  const { state } = call.emulator.store
  const { project } = call
  if (project.ownerId !== null && !hasGlobalPermission(call.principal, 'ADMIN')) throw notPermitted()
  if (state.repositories.some((repository) => repository.projectId === project.id)) {
    throw conflict(`Project ${project.key} has repositories; delete or move them first.`)
  }
  state.projects = state.projects.filter(({ id }) => id !== project.id)
  state.webhooks = state.webhooks.filter(({ scope }) => scope.kind !== 'project' || scope.id !== project.id)
  state.tokens = state.tokens.filter(({ owner }) => owner.kind !== 'project' || owner.id !== project.id)
  call.emulator.store.changed()
  return noContent
}
