import type { components } from '@coderabbitai/bitbucket/server/openapi'
import type { Commit, Person } from './git/commits.ts'
import type { FileChange } from './git/diff.ts'
import type { Principal } from './permissions.ts'
import { isAtLeast, type Settings } from './settings.ts'
import type { AccessToken, Project, Repository, State, User, Webhook } from './state.ts'

type Schemas = components['schemas']

/** Bitbucket 10.3 and newer send ISO-8601 text where older ones send milliseconds since 1970. */
export function dateOf(settings: Settings, milliseconds: number): number | string {
  return isAtLeast(settings.version, '10.3') ? `${iso(milliseconds)}+0000` : milliseconds
}

/** The same for commits, which keep the milliseconds and the letter Z. */
function commitDateOf(settings: Settings, milliseconds: number): number | string {
  return isAtLeast(settings.version, '10.3') ? new Date(milliseconds).toISOString() : milliseconds
}

/** `2018-07-05T19:21:30`, as the `date` of every webhook body has it before its zone. */
export function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 19)
}

export function representUser(settings: Settings, user: User): Schemas['RestApplicationUser'] {
  return {
    name: user.name,
    emailAddress: user.emailAddress,
    id: user.id,
    displayName: user.displayName,
    active: user.isActive,
    slug: user.slug,
    type: 'NORMAL',
    links: { self: [{ href: `${settings.baseUrl}/users/${encodeURIComponent(user.slug)}` }] },
  }
}

/** Who did it, as webhook bodies name him; a token without a user acts as a service user of its own. */
export function representActor(settings: Settings, principal: Principal): Schemas['RestApplicationUser'] | undefined {
  if (principal.kind === 'anonymous') return undefined
  if (principal.kind === 'user') return representUser(settings, principal.user)
  const { token } = principal
  const slug = `access-token-user-${token.owner.kind}-${token.owner.id}-${token.id}`
  return {
    name: slug,
    emailAddress: '',
    id: 1_000_000 + Number(token.id),
    displayName: token.name,
    active: true,
    slug,
    type: 'SERVICE',
    links: { self: [{ href: `${settings.baseUrl}/bots/${slug}` }] },
  }
}

export function representProject(settings: Settings, state: State, project: Project) {
  const owner = state.users.find((user) => user.id === project.ownerId)
  const path = owner ? `users/${encodeURIComponent(owner.slug)}` : `projects/${project.key}`
  return {
    key: project.key,
    id: project.id,
    name: project.name,
    ...(project.description === null ? {} : { description: project.description }),
    public: project.isPublic,
    type: owner ? 'PERSONAL' : 'NORMAL',
    ...(owner ? { owner: representUser(settings, owner) } : {}),
    links: { self: [{ href: `${settings.baseUrl}/${path}` }] },
  } satisfies Schemas['RestProject'] & { owner?: Schemas['RestApplicationUser'] }
}

export function representRepository(
  settings: Settings,
  state: State,
  project: Project,
  repository: Repository,
): Schemas['RestRepository'] {
  const key = project.key.toLowerCase()
  const owner = state.users.find((user) => user.id === project.ownerId)
  const place = owner ? `users/${encodeURIComponent(owner.slug)}` : `projects/${project.key}`
  const host = new URL(settings.baseUrl).hostname
  return {
    slug: repository.slug,
    id: repository.id,
    name: repository.name,
    ...(repository.description === null ? {} : { description: repository.description }),
    hierarchyId: repository.hierarchyId,
    scmId: 'git',
    state: 'AVAILABLE',
    statusMessage: 'Available',
    forkable: repository.isForkable,
    project: representProject(settings, state, project),
    public: repository.isPublic,
    archived: repository.isArchived,
    links: {
      clone: [
        { href: `${settings.baseUrl}/scm/${key}/${repository.slug}.git`, name: 'http' },
        { href: `ssh://git@${host}:7999/${key}/${repository.slug}.git`, name: 'ssh' },
      ],
      self: [{ href: `${settings.baseUrl}/${place}/repos/${repository.slug}/browse` }],
    },
  }
}

/** A webhook as its administrators read it: the secret in plain text, the password never. */
export function representWebhook(settings: Settings, webhook: Webhook) {
  const isNew = isAtLeast(settings.version, '8.0')
  return {
    id: webhook.id,
    name: webhook.name,
    createdDate: dateOf(settings, webhook.createdAt),
    updatedDate: dateOf(settings, webhook.updatedAt),
    events: webhook.events,
    configuration: webhook.configuration,
    ...(webhook.credentials ? { credentials: { username: webhook.credentials.username } } : {}),
    url: webhook.url,
    active: webhook.isActive,
    ...(isNew ? { scopeType: webhook.scope.kind, sslVerificationRequired: webhook.isSslVerificationRequired } : {}),
  } satisfies Schemas['RestWebhook'] & Record<string, unknown>
}

export function representCommit(settings: Settings, state: State, commit: Commit) {
  return {
    id: commit.id,
    displayId: shortHash(commit.id),
    author: representPerson(settings, state, commit.author),
    authorTimestamp: commitDateOf(settings, commit.authoredAt),
    committer: representPerson(settings, state, commit.committer),
    committerTimestamp: commitDateOf(settings, commit.committedAt),
    message: commit.message,
    parents: commit.parents.map((id) => ({ id, displayId: shortHash(id) })),
  }
}

/** Bitbucket shows its own user where the address of a commit is a user's. */
function representPerson(settings: Settings, state: State, person: Person) {
  const user = state.users.find(
    (candidate) => candidate.emailAddress.toLowerCase() === person.emailAddress.toLowerCase(),
  )
  return user ? representUser(settings, user) : { name: person.name, emailAddress: person.emailAddress }
}

export function shortHash(hash: string): string {
  return hash.slice(0, 11)
}

export function representPath(path: string): Schemas['RestPath'] & { readonly toString: string } {
  const components = path.split('/')
  const name = components.at(-1) ?? ''
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 ? { extension: name.slice(dot + 1) } : {}
  return { components, parent: components.slice(0, -1).join('/'), name, ...extension, toString: path }
}

export function representChange(
  settings: Settings,
  project: Project,
  repository: Repository,
  change: FileChange,
): Schemas['RestChange'] {
  const browse = `${settings.baseUrl}/projects/${project.key}/repos/${repository.slug}/browse/${encodeURI(change.path)}`
  const wasThere = change.type !== 'ADD'
  return {
    contentId: change.contentId,
    fromContentId: change.fromContentId,
    path: representPath(change.path),
    ...(change.sourcePath === undefined ? {} : { srcPath: representPath(change.sourcePath) }),
    executable: change.mode === '100755',
    percentUnchanged: change.percentUnchanged,
    type: change.type,
    nodeType: change.mode === '160000' || change.fromMode === '160000' ? 'SUBMODULE' : 'FILE',
    ...(wasThere ? { srcExecutable: change.fromMode === '100755' } : {}),
    links: { self: [{ href: browse }] },
    ...{ properties: { gitChangeType: gitChangeTypes[change.type] } },
  }
}

const gitChangeTypes = { ADD: 'ADD', MODIFY: 'MODIFY', DELETE: 'DELETE', MOVE: 'RENAME', COPY: 'COPY' } as const

export function representToken(token: AccessToken) {
  return {
    id: token.id,
    name: token.name,
    permissions: token.permissions,
    createdDate: new Date(token.createdAt).toISOString(),
  }
}
