import type { Operation, Permission } from '../../../schemas/operation.ts'
import {
  authorise,
  authoriseIn,
  authoriseIntegration,
  type Caller,
  type Decision,
  isRootAdmin,
} from '../../../server/core/authorise.ts'
import type { Thing } from './things.ts'
import type { World } from './world.ts'

const anything: readonly Permission[] = ['read', 'see-integrations', 'webhooks', 'work']

/**
 * What the pure module says of an operation on an object. It is asked here apart from the server's services: where a
 * route forgets to ask, or asks about another object, the two disagree.
 */
export function decide(world: World, caller: Caller, permission: Permission, object: Thing): Decision {
  const general = authorise(caller, permission)
  if (general !== 'allowed') return general
  const { tree } = world
  switch (object.kind) {
    case 'users':
    case 'api-keys':
      return decideAccount(world, caller, permission, object)
    case 'integrations':
      return authoriseIntegration(caller, permission, placeOf(object), tree)
    case 'registrations':
    case 'deliveries': {
      const decision = authoriseIntegration(caller, permission, placeOf(object.integration ?? object), tree)
      // They are listed to those alone who have the permission: for everybody else there are none (R26).
      return decision === 'forbidden' ? 'hidden' : decision
    }
    default:
      return authoriseIn(caller, permission, object.spaceId ?? 'nowhere', tree)
  }
}

/** Users and their keys are their own affair and the root admins'; services' keys are that of their space's Admins. */
function decideAccount(world: World, caller: Caller, permission: Permission, object: Thing): Decision {
  if (isRootAdmin(caller)) return 'allowed'
  const isOwn = object.userId !== undefined && object.userId === caller.userId
  if (object.userId !== undefined) {
    if (!isOwn) return 'hidden'
    return permission === 'account' ? 'allowed' : 'forbidden'
  }
  return authoriseIn(caller, 'administer', object.spaceId ?? 'nowhere', world.tree) === 'allowed' ? 'allowed' : 'hidden'
}

/** Changing the tree of spaces is a root admin's, whatever the permission says (R28). */
export function decideOperation(world: World, caller: Caller, operation: Operation, object: Thing): Decision {
  const decision = decide(world, caller, operation.permission, object)
  const isDeletedSpace = object.kind === 'spaces' && operation.method === 'DELETE'
  if (!isDeletedSpace || isRootAdmin(caller)) return decision
  return decision === 'allowed' ? 'forbidden' : decision
}

/** The words that no answer to the caller may hold. */
export function hiddenWords(world: World, caller: Caller): ReadonlyMap<string, string> {
  const hidden = new Map<string, string>()
  for (const object of world.things) {
    const what = `${object.kind} ${object.id}`
    const { named, shown, trusted } = sightOf(world, caller, object)
    if (!named) for (const name of object.names) hidden.set(name, `the id of ${what}`)
    if (!shown) for (const text of object.texts) hidden.set(text, `a text of ${what}`)
    if (!trusted) for (const secret of object.secrets) hidden.set(secret, `the secret of ${what}`)
  }
  for (const secret of world.neverShown) hidden.set(secret, 'an access token')
  return hidden
}

/** Whether an answer may name the object, may show it, and may tell its secret. */
function sightOf(world: World, caller: Caller, object: Thing) {
  const isAllowed = (permission: Permission, of: Thing = object) => decide(world, caller, permission, of) === 'allowed'
  switch (object.kind) {
    case 'spaces':
      // Whoever sees an integration of the space is told where it lives.
      return { named: anything.some((permission) => isAllowed(permission)), shown: isAllowed('read'), trusted: false }
    case 'integrations':
      return {
        named: isAllowed('see-integrations'),
        shown: isAllowed('see-integrations'),
        trusted: isAllowed('webhooks'),
      }
    case 'stacks':
    case 'modules': {
      // A webhook target names the stacks that it is for.
      const isTarget = object.integration !== undefined && isAllowed('webhooks', object.integration)
      return { named: isAllowed('read') || isTarget, shown: isAllowed('read'), trusted: false }
    }
    case 'deliveries': {
      const isRead = object.stacks.some((stack) => isAllowed('read', stack))
      return { named: isAllowed('administer') || isRead, shown: isAllowed('administer'), trusted: false }
    }
    case 'registrations':
      return { named: isAllowed('webhooks'), shown: isAllowed('webhooks'), trusted: false }
    case 'users':
    case 'api-keys': {
      const isOwnKey = object.id === caller.keyId
      return { named: isOwnKey || isAllowed('account'), shown: isOwnKey || isAllowed('account'), trusted: false }
    }
    default:
      return { named: isAllowed('read'), shown: isAllowed('read'), trusted: false }
  }
}

function placeOf({ id, spaceId, isDefault }: Thing) {
  return { slug: id, spaceId: spaceId ?? 'nowhere', isDefault }
}
