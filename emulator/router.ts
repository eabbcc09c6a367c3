import { type Answer, type Call, type Emulator, noContent } from './call.ts'
import { authenticationRequired, BitbucketError, notPermitted } from './errors.ts'
import { getProject, getRepository } from './find.ts'
import type { Operation } from './operation.ts'
import {
  canViewProject,
  hasGlobalPermission,
  levelOf,
  type Principal,
  projectLevel,
  repositoryLevel,
} from './permissions.ts'
import { isAtLeast } from './settings.ts'

export interface Route {
  readonly operation: Operation
  readonly params: Readonly<Record<string, string>>
}

/**
 * Makes the router of the table. It finds the operation with the most literal segments in common with the path, or
 * tells that only the method is wrong. Paths are compared as they were sent: nothing is normalised.
 */
export function createRouter(operations: readonly Operation[], version: string) {
  const rows = operations
    .filter(({ since }) => since === undefined || isAtLeast(version, since))
    .map((operation) => ({ operation, segments: operation.path.split('/') }))

  return function findRoute(method: string, path: string): Route | 'no-route' | 'wrong-method' {
    const given = latest(path.split('/'))
    let best: { readonly route: Route; readonly literals: number } | undefined
    let isKnownPath = false
    for (const { operation, segments } of rows) {
      const match = matchSegments(segments, given)
      if (!match) continue
      isKnownPath = true
      if (operation.method !== method || (best && best.literals >= match.literals)) continue
      best = { route: { operation, params: match.params }, literals: match.literals }
    }
    return best?.route ?? (isKnownPath ? 'wrong-method' : 'no-route')
  }
}

/** `/rest/<api>/1.0/…` and `/rest/<api>/latest/…` are the same. */
function latest(segments: readonly string[]): readonly string[] {
  return segments[1] === 'rest' && segments[3] === '1.0' ? segments.with(3, 'latest') : segments
}

function matchSegments(template: readonly string[], given: readonly string[]) {
  const params: Record<string, string> = {}
  let literals = 0
  for (const [index, segment] of template.entries()) {
    const value = given[index]
    if (value === undefined) return undefined
    if (segment === '{path}') {
      const rest = given.slice(index).map(decode)
      if (rest.includes(undefined)) return undefined
      params.path = rest.join('/')
      return { params, literals }
    }
    if (segment.startsWith('{')) {
      const decoded = decode(value)
      if (decoded === undefined || decoded === '') return undefined
      params[segment.slice(1, -1)] = decoded
    } else {
      if (segment !== value) return undefined
      literals += 1
    }
  }
  return template.length === given.length ? { params, literals } : undefined
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/** Checks that the project and repository exist, then the permission, then lets the operation answer. */
export async function perform(
  emulator: Emulator,
  route: Route,
  principal: Principal,
  query: URLSearchParams,
  body: unknown,
): Promise<Answer> {
  const { operation, params } = route
  const call: Call = { emulator, principal, params, query, body }
  switch (operation.permission) {
    case 'ANONYMOUS':
      return operation.handle(call)
    case 'AUTHENTICATED':
    case 'LICENSED_USER':
      requireUser(principal)
      return operation.handle(call)
    case 'PROJECT_CREATE':
    case 'ADMIN':
      requireUser(principal)
      if (!hasGlobalPermission(principal, operation.permission)) throw notPermitted()
      return operation.handle(call)
    case 'PROJECT_VIEW':
    case 'PROJECT_READ':
    case 'PROJECT_ADMIN': {
      const project = getProject(emulator, params.projectKey ?? '')
      const isAllowed =
        operation.permission === 'PROJECT_VIEW'
          ? canViewProject(principal, project, emulator.store.state)
          : projectLevel(principal, project) >= levelOf(operation.permission)
      if (!isAllowed) refuse(principal)
      return operation.handle({ ...call, project })
    }
    default: {
      const place = findPlace(emulator, operation, params)
      if (place === undefined) return noContent
      const { project, repository } = place
      if (repositoryLevel(principal, project, repository) < levelOf(operation.permission)) refuse(principal)
      return operation.handle({ ...call, project, repository })
    }
  }
}

/** Deleting a repository that is not there answers 204 (SPEC deleteRepository); everything else there is a 404. */
function findPlace(emulator: Emulator, operation: Operation, params: Route['params']) {
  try {
    const project = getProject(emulator, params.projectKey ?? '')
    return { project, repository: getRepository(emulator.store.state, project, params.repositorySlug ?? '') }
  } catch (error) {
    const isDeletion = operation.method === 'DELETE' && operation.path === deletedRepository
    if (error instanceof BitbucketError && isDeletion) return undefined
    throw error
  }
}

const deletedRepository = '/rest/api/latest/projects/{projectKey}/repos/{repositorySlug}'

function requireUser(principal: Principal): void {
  if (principal.kind === 'anonymous') throw authenticationRequired()
}

function refuse(principal: Principal): never {
  throw principal.kind === 'anonymous' ? authenticationRequired() : notPermitted()
}
