import type { Permission } from '../../schemas/operation.ts'
import type { SpaceNode } from '../../schemas/rules/usable-spaces.ts'
import { rootSpaceId } from '../../schemas/space.ts'

export type CallerRole = 'anonymous' | 'bootstrap' | 'webhook-registrar' | 'root-admin'

/** Who asks. The role holds in its space and everywhere below it (R24). */
export interface Caller {
  readonly role: CallerRole
  /** The API key; null for an anonymous caller. */
  readonly keyId: string | null
  readonly spaceId: string
}

export const anonymous: Caller = { role: 'anonymous', keyId: null, spaceId: rootSpaceId }

export type Decision = 'allowed' | 'unauthenticated' | 'forbidden' | 'hidden'

const permissionsOf: { readonly [Role in CallerRole]: readonly Permission[] } = {
  anonymous: ['anyone'],
  bootstrap: ['anyone', 'api-keys:create'],
  'webhook-registrar': ['anyone', 'webhooks'],
  'root-admin': ['anyone', 'api-keys:create', 'webhooks', 'administer'],
}

/** Whether the caller's role has the permission at all; asked by the router before any handler runs (S20). */
export function authorise(caller: Caller, permission: Permission): Exclude<Decision, 'hidden'> {
  if (permissionsOf[caller.role].includes(permission)) return 'allowed'
  return caller.role === 'anonymous' ? 'unauthenticated' : 'forbidden'
}

/**
 * Whether the caller may use the permission on an object of this space. What lies outside the spaces of its role is
 * hidden: answered as if it did not exist (R26, R27a). A default integration lives in root, so that a registrar of
 * another space never sees it.
 */
export function authoriseIn(
  caller: Caller,
  permission: Permission,
  spaceId: string,
  spaces: ReadonlyMap<string, SpaceNode>,
): Decision {
  const decision = authorise(caller, permission)
  if (decision !== 'allowed') return decision
  return caller.role === 'root-admin' || isAtOrBelow(spaceId, caller.spaceId, spaces) ? 'allowed' : 'hidden'
}

/** The spaces in which the caller may use the permission: those of its role and all below; `all` where nothing is hidden. */
export function authorisedSpaces(
  caller: Caller,
  permission: Permission,
  spaces: ReadonlyMap<string, SpaceNode>,
): 'all' | ReadonlySet<string> {
  if (authorise(caller, permission) !== 'allowed') return new Set()
  if (caller.role === 'root-admin' || caller.spaceId === rootSpaceId) return 'all'
  return new Set([...spaces.keys()].filter((spaceId) => isAtOrBelow(spaceId, caller.spaceId, spaces)))
}

function isAtOrBelow(spaceId: string, ancestorId: string, spaces: ReadonlyMap<string, SpaceNode>): boolean {
  const seen = new Set<string>()
  let space = spaces.get(spaceId)
  // A corrupt parent cycle ends the walk too.
  while (space && !seen.has(space.id)) {
    if (space.id === ancestorId) return true
    seen.add(space.id)
    space = space.parentId === null ? undefined : spaces.get(space.parentId)
  }
  return false
}
