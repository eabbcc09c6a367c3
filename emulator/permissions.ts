import type { AccessToken, Project, Repository, State, User } from './state.ts'

/** Who asks: nobody, a user (by password or by a token that narrows him), or a project's or repository's token. */
export type Principal =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'user'; readonly user: User; readonly token: AccessToken | null }
  | { readonly kind: 'token'; readonly token: AccessToken }

/** 0 nothing, 1 read, 2 write, 3 administer. */
export type Level = 0 | 1 | 2 | 3

const levels: Readonly<Record<string, Level>> = {
  PROJECT_READ: 1,
  PROJECT_WRITE: 2,
  PROJECT_ADMIN: 3,
  REPO_READ: 1,
  REPO_WRITE: 2,
  REPO_ADMIN: 3,
}
const globalLevels: readonly string[] = ['LICENSED_USER', 'PROJECT_CREATE', 'ADMIN', 'SYS_ADMIN']

/** The level that a permission of a project or a repository stands for. */
export function levelOf(permission: string | undefined): Level {
  return permission === undefined ? 0 : (levels[permission] ?? 0)
}

/** What the caller may do in the project itself. */
export function projectLevel(principal: Principal, project: Project): Level {
  const visible: Level = project.isPublic ? 1 : 0
  if (principal.kind === 'anonymous') return visible
  if (principal.kind === 'token') {
    const owns = principal.token.owner.kind === 'project' && principal.token.owner.id === project.id
    return owns ? highest([visible, tokenLevel(principal.token, 'PROJECT_')]) : visible
  }
  const own = ownProjectLevel(principal.user, project)
  return highest([visible, principal.token ? lowest(own, tokenLevel(principal.token, 'PROJECT_')) : own])
}

/** What the caller may do in the repository; a project's permission holds in each of its repositories. */
export function repositoryLevel(principal: Principal, project: Project, repository: Repository): Level {
  const visible: Level = repository.isPublic || project.isPublic ? 1 : 0
  if (principal.kind === 'anonymous') return visible
  if (principal.kind === 'token') {
    const { owner } = principal.token
    const covers =
      (owner.kind === 'project' && owner.id === project.id) ||
      (owner.kind === 'repository' && owner.id === repository.id)
    return covers ? highest([visible, repositoryTokenLevel(principal.token)]) : visible
  }
  const own = highest([
    ownProjectLevel(principal.user, project),
    levelOf(repository.permissions[String(principal.user.id)]),
  ])
  return highest([visible, principal.token ? lowest(own, repositoryTokenLevel(principal.token)) : own])
}

/** Whether the project may be seen: it, or one repository in it, can be read. */
export function canViewProject(principal: Principal, project: Project, state: State): boolean {
  if (projectLevel(principal, project) > 0) return true
  return state.repositories.some(
    (repository) => repository.projectId === project.id && repositoryLevel(principal, project, repository) > 0,
  )
}

/** Whether the caller holds a global permission or a higher one. A token carries one only if it says so. */
export function hasGlobalPermission(principal: Principal, needed: string): boolean {
  if (principal.kind !== 'user') return false
  const held = globalLevels.indexOf(principal.user.globalPermission ?? '')
  if (held < globalLevels.indexOf(needed)) return false
  if (!principal.token || needed === 'LICENSED_USER') return true
  if (principal.token.permissions.includes('SYS_ADMIN')) return true
  return needed === 'PROJECT_CREATE' && tokenLevel(principal.token, 'PROJECT_') === 3
}

function ownProjectLevel(user: User, project: Project): Level {
  if (project.ownerId === user.id) return 3
  if (user.globalPermission === 'SYS_ADMIN' || user.globalPermission === 'ADMIN') return 3
  return levelOf(project.permissions[String(user.id)])
}

function tokenLevel(token: AccessToken, prefix: 'PROJECT_' | 'REPO_'): Level {
  if (token.permissions.includes('SYS_ADMIN')) return 3
  return highest(token.permissions.filter((permission) => permission.startsWith(prefix)).map(levelOf))
}

function repositoryTokenLevel(token: AccessToken): Level {
  return highest([tokenLevel(token, 'REPO_'), tokenLevel(token, 'PROJECT_')])
}

function lowest(left: Level, right: Level): Level {
  return left < right ? left : right
}

function highest(all: readonly Level[]): Level {
  return all.reduce<Level>((best, level) => (level > best ? level : best), 0)
}
