import type { Role } from '../../schemas/api-key.ts'
import type { Permission } from '../../schemas/operation.ts'
import type { SpaceNode } from '../../schemas/rules/usable-spaces.ts'
import { rootSpaceId } from '../../schemas/space.ts'

/** A role in a space and in everything below it (R24). */
export interface Grant {
  readonly role: Role
  readonly spaceId: string
}

/** Who asks; `operator` is whoever gives commands on the server’s own machine. */
export interface Caller {
  readonly kind: 'anonymous' | 'bootstrap' | 'account' | 'operator'
  /** The API key; null for an anonymous caller. */
  readonly keyId: string | null
  /** The user whose key it is; null where the key stands for a service. */
  readonly userId: string | null
  readonly grants: readonly Grant[]
  /** The slugs of the only integrations that the key may touch; null: no such limit (S67). */
  readonly integrations: ReadonlySet<string> | null
}

export const anonymous: Caller = { kind: 'anonymous', keyId: null, userId: null, grants: [], integrations: null }

/** `hidden` is answered as if the object did not exist (R26, S21). */
export type Decision = 'allowed' | 'unauthenticated' | 'forbidden' | 'hidden'

/** The spaces that a list may show; `all`: none is left out. */
export type SpaceScope = 'all' | ReadonlySet<string>

/** The integrations that a list may show: those of the spaces, the default one as well, and of these only the named. */
export interface IntegrationScope {
  readonly spaces: SpaceScope
  readonly defaults: boolean
  readonly slugs: ReadonlySet<string> | null
}

export type SpaceTree = ReadonlyMap<string, SpaceNode>

/** What is asked about: where it lives decides who may do what with it. */
export interface IntegrationPlace {
  readonly slug: string
  readonly spaceId: string
  readonly isDefault: boolean
}

const people: readonly Role[] = ['reader', 'writer', 'admin']
const rolesWith: { readonly [P in Permission]: readonly Role[] } = {
  anyone: [],
  'sign-in': [],
  self: [],
  session: [],
  account: people,
  'api-keys:create': people,
  read: people,
  write: ['writer', 'admin'],
  administer: ['admin'],
  'see-integrations': [...people, 'webhook-registrar'],
  webhooks: ['webhook-registrar', 'admin'],
  work: ['worker'],
}

/** Whether the caller has the permission anywhere at all; asked by the router before any handler runs (S20). */
export function authorise(caller: Caller, permission: Permission): Exclude<Decision, 'hidden'> {
  if (permission === 'anyone' || permission === 'sign-in') return 'allowed'
  if (caller.kind === 'anonymous') return 'unauthenticated'
  if (caller.kind === 'bootstrap') return permission === 'api-keys:create' ? 'allowed' : 'forbidden'
  if (permission === 'self' || permission === 'session') return 'allowed'
  // A user has an account, and keys of his own, also while he has no role yet.
  if (caller.userId !== null && (permission === 'account' || permission === 'api-keys:create')) return 'allowed'
  return caller.grants.some(({ role }) => rolesWith[permission].includes(role)) ? 'allowed' : 'forbidden'
}

/** Whether the caller may use the permission on what lives in this space, integrations aside. */
export function authoriseIn(caller: Caller, permission: Permission, spaceId: string, tree: SpaceTree): Decision {
  const decision = authorise(caller, permission)
  if (decision !== 'allowed') return decision
  if (holdsIn(caller, rolesWith[permission], spaceId, tree)) return 'allowed'
  const isReader = holdsIn(caller, people, spaceId, tree) || readsUpwards(caller, spaceId, tree)
  if (!isReader) return 'hidden'
  return permission === 'read' || permission === 'see-integrations' ? 'allowed' : 'forbidden'
}

/** Whether the caller may use the permission on this integration (R7, R25, R26, R27a). */
export function authoriseIntegration(
  caller: Caller,
  permission: Permission,
  integration: IntegrationPlace,
  tree: SpaceTree,
): Decision {
  const decision = authorise(caller, permission)
  if (decision !== 'allowed') return decision
  if (caller.integrations && !caller.integrations.has(integration.slug)) return 'hidden'
  const inSpace = authoriseIn(caller, permission, integration.spaceId, tree)
  if (!integration.isDefault || inSpace !== 'hidden') return inSpace
  // A default integration is listed to every person of the account, wherever his roles are (R25).
  const hasAccount = caller.grants.some(({ role }) => people.includes(role))
  if (!hasAccount) return 'hidden'
  return permission === 'see-integrations' ? 'allowed' : 'forbidden'
}

/** The spaces in which the caller may use the permission; `all` where none is left out. */
export function authorisedSpaces(caller: Caller, permission: Permission, tree: SpaceTree): SpaceScope {
  const roles = rolesWith[permission]
  if (authorise(caller, permission) !== 'allowed') return new Set()
  if (caller.grants.some(({ role, spaceId }) => roles.includes(role) && spaceId === rootSpaceId)) return 'all'
  return new Set([...tree.keys()].filter((spaceId) => authoriseIn(caller, permission, spaceId, tree) === 'allowed'))
}

/** The integrations on which `authoriseIntegration` allows the permission. */
export function authorisedIntegrations(caller: Caller, permission: Permission, tree: SpaceTree): IntegrationScope {
  const spaces = authorisedSpaces(caller, permission, tree)
  const hasAccount = caller.grants.some(({ role }) => people.includes(role))
  return { spaces, defaults: permission === 'see-integrations' && hasAccount, slugs: caller.integrations }
}

/** Whether the caller administers the whole account. */
export function isRootAdmin(caller: Caller): boolean {
  return caller.grants.some(({ role, spaceId }) => role === 'admin' && spaceId === rootSpaceId)
}

/** Whether one of the roles was given in the space or above it: roles flow down always (R24). */
function holdsIn({ grants }: Caller, roles: readonly Role[], spaceId: string, tree: SpaceTree): boolean {
  const given = new Set(grants.filter(({ role }) => roles.includes(role)).map((grant) => grant.spaceId))
  return given.size > 0 && upwards(spaceId, tree, () => true).some((id) => given.has(id))
}

/**
 * Whether a person's role in a space below makes him a Reader here, because every link between inherits (R24). Such a
 * Reader reads this space alone: what he gained upwards does not flow down again, or one inheriting space would open
 * all its siblings.
 */
function readsUpwards({ grants }: Caller, spaceId: string, tree: SpaceTree): boolean {
  return grants
    .filter(({ role }) => people.includes(role))
    .some((grant) => upwards(grant.spaceId, tree, ({ inheritEntities }) => inheritEntities).includes(spaceId))
}

/** The space and what lies above it, as far as `goesOn` lets the walk pass. A corrupt parent cycle ends it too. */
function upwards(spaceId: string, tree: SpaceTree, goesOn: (space: SpaceNode) => boolean): string[] {
  const path: string[] = []
  let space = tree.get(spaceId)
  while (space && !path.includes(space.id)) {
    path.push(space.id)
    if (space.parentId === null || !goesOn(space)) break
    space = tree.get(space.parentId)
  }
  return path
}
