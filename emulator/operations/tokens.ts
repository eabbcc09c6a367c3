import { createTokenText, hashToken } from '../authentication.ts'
import { type Answer, type Call, fieldsOf, json, noContent, type ProjectCall, type RepositoryCall } from '../call.ts'
import { invalidField, noSuchToken, notPermitted, userRequired } from '../errors.ts'
import { getUser } from '../find.ts'
import { pageOf } from '../paging.ts'
import { hasGlobalPermission, levelOf } from '../permissions.ts'
import { representToken } from '../representation.ts'
import type { AccessToken, Scope, TokenPermission } from '../state.ts'
import { textOf } from '../values.ts'

const repositoryPermissions: readonly string[] = ['REPO_READ', 'REPO_WRITE', 'REPO_ADMIN']
const projectPermissions: readonly string[] = ['PROJECT_READ', 'PROJECT_WRITE', 'PROJECT_ADMIN']

type TokenCall = Call & Partial<Pick<ProjectCall, 'project'> & Pick<RepositoryCall, 'repository'>>

/** Whose tokens the path speaks of. A user sees and makes his own; an administrator, everybody's. */
function ownerOf(call: TokenCall): Scope {
  if (call.repository) return { kind: 'repository', id: call.repository.id }
  if (call.project) return { kind: 'project', id: call.project.id }
  const user = getUser(call.emulator.store.state, call.params.userSlug ?? '')
  const isOwn = call.principal.kind === 'user' && call.principal.user.id === user.id
  if (!isOwn && !hasGlobalPermission(call.principal, 'ADMIN')) throw notPermitted()
  return { kind: 'user', id: user.id }
}

function tokensOf(call: TokenCall): AccessToken[] {
  const owner = ownerOf(call)
  return call.emulator.store.state.tokens.filter(
    (token) => token.owner.kind === owner.kind && token.owner.id === owner.id,
  )
}

export function listTokens(call: TokenCall): Answer {
  const tokens = tokensOf(call).map(representToken)
  return json(pageOf(tokens, call.query, call.emulator.settings))
}

export function getToken(call: TokenCall): Answer {
  return json(representToken(findToken(call)))
}

function findToken(call: TokenCall): AccessToken {
  const id = call.params.tokenId ?? ''
  const token = tokensOf(call).find((candidate) => candidate.id === id)
  if (!token) throw noSuchToken(id)
  return token
}

/** Answers the token, once: it is kept as a hash. A token cannot make tokens, the emulator's own alone can. */
export function createToken(call: TokenCall): Answer {
  const { settings, store } = call.emulator
  const owner = ownerOf(call)
  const used = call.principal.kind === 'anonymous' ? null : call.principal.token
  if (used !== null && !used.permissions.includes('SYS_ADMIN')) throw userRequired()
  const fields = fieldsOf(call)
  const name = textOf(fields.name) ?? ''
  if (name === '' || name.length > 255) throw invalidField('name', 'The name has 1 to 255 characters.')
  const text = createTokenText()
  const now = settings.now()
  const token: AccessToken = {
    id: String(Date.now() * 1000 + store.state.tokens.length),
    name,
    hash: hashToken(text),
    owner,
    permissions: readPermissions(fields.permissions, owner.kind),
    createdAt: now,
    expiresAt: readExpiry(fields.expiryDays, now),
  }
  store.state.tokens.push(token)
  store.changed()
  return json({ ...representToken(token), token: text })
}

function readExpiry(value: unknown, now: number): number | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw invalidField('expiryDays', 'The days until the token expires are a whole number above 0.')
  }
  return now + value * 86_400_000
}

/** A repository's token takes repository permissions alone, and none may be lower than the project's beside it. */
function readPermissions(value: unknown, kind: Scope['kind']): TokenPermission[] {
  const permissions = Array.isArray(value) ? value.map(String) : []
  const allowed = kind === 'repository' ? repositoryPermissions : [...repositoryPermissions, ...projectPermissions]
  if (permissions.length === 0 || permissions.some((permission) => !allowed.includes(permission))) {
    throw invalidField('permissions', `The permissions are some of ${allowed.join(', ')}.`)
  }
  const level = (names: readonly string[]) =>
    Math.max(0, ...permissions.filter((permission) => names.includes(permission)).map(levelOf))
  const ofRepositories = level(repositoryPermissions)
  if (ofRepositories > 0 && ofRepositories < level(projectPermissions)) {
    throw invalidField('permissions', 'The permission for repositories is lower than the one for projects.')
  }
  return permissions as TokenPermission[]
}

/** Changes the name or the permissions; what is absent stays. */
export function updateToken(call: TokenCall): Answer {
  const { settings, store } = call.emulator
  const token = findToken(call)
  const fields = fieldsOf(call)
  token.name = textOf(fields.name) ?? token.name
  if (fields.permissions !== undefined) {
    token.permissions = readPermissions(fields.permissions, token.owner.kind)
  }
  if (fields.expiryDays !== undefined) token.expiresAt = readExpiry(fields.expiryDays, settings.now())
  store.changed()
  return json(representToken(token))
}

export function deleteToken(call: TokenCall): Answer {
  const { state } = call.emulator.store
  const token = findToken(call)
  state.tokens = state.tokens.filter((candidate) => candidate !== token)
  call.emulator.store.changed()
  return noContent
}
