import type { Page, PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import type { Me, NewUser, RoleInSpace, User, UserUpdate } from '../../schemas/user.ts'
import { type Audience, audienceOfKey } from '../core/audiences.ts'
import { authoriseIntegration, type Caller, isRootAdmin, type SpaceTree } from '../core/authorise.ts'
import { requireMatch } from '../core/etag.ts'
import { uuidv7 } from '../core/uuid-v7.ts'
import { findLiveApiKey, renewKeysOfUser, revokeKeysOfUser } from '../store/api-keys.ts'
import { recordAudit } from '../store/audit.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import type { Database } from '../store/tables.ts'
import {
  deleteUserRow,
  findUser,
  insertUser,
  listIdentities,
  listUserRoles,
  listUserRows,
  replaceUserRoles,
  type UserRow,
  updateUserRow,
} from '../store/users.ts'
import { actorOf } from './actor.ts'
import { changeAs, unauthenticated } from './callers.ts'
import { linkIdentities } from './identities.ts'
import { type Installation, timestamp, timestampOrNull } from './installation.ts'
import { placeOf } from './integration-view.ts'
import { spaceNotFound } from './spaces.ts'

/** Creates a user with his roles and Bitbucket identities (R205). */
export async function createUser(installation: Installation, asked: Caller, input: NewUser): Promise<User> {
  const now = installation.clock.now()
  const id = uuidv7(now)
  return changeAs(installation, asked, async (transaction, caller) => {
    requireRootAdmin(caller, 'create users')
    const tree = await readSpaceTree(transaction)
    const row = { id, name: input.name, created_at: now, updated_at: now }
    await insertUser(transaction, row)
    await setRoles(transaction, tree, id, input.roles)
    await linkIdentities(transaction, caller, tree, id, input.bitbucketIdentities, now)
    await recordAudit(transaction, now, [
      { actor: actorOf(caller), action: 'user.create', object: `user:${id}`, details: { roles: input.roles } },
    ])
    return viewOf(transaction, caller, tree, row)
  })
}

/** Lists every user to a root admin, to everybody else himself. */
export async function listUsers({ db }: Installation, caller: Caller, request: PageRequest): Promise<Page<User>> {
  const page = isRootAdmin(caller)
    ? await listUserRows(db, request, 'all')
    : await listUserRows(db, request, caller.userId ?? nobody)
  const users = await viewsOf(db, caller, await readSpaceTree(db), page.items)
  return { ...page, items: users }
}

export async function getUser({ db }: Installation, caller: Caller, id: string): Promise<User> {
  return viewOf(db, caller, await readSpaceTree(db), await getUserRow(db, caller, id))
}

/** Changes a user. What he may do follows within five seconds everywhere: the tokens of his keys end (S16). */
export async function updateUser(
  installation: Installation,
  asked: Caller,
  id: string,
  change: UserUpdate,
  ifMatch?: string | undefined,
): Promise<User> {
  const now = installation.clock.now()
  const { user, keys } = await changeAs(installation, asked, async (transaction, caller) => {
    const before = await getUserRow(transaction, caller, id)
    requireRootAdmin(caller, 'change users')
    const tree = await readSpaceTree(transaction)
    requireMatch(ifMatch, await viewOf(transaction, caller, tree, before))
    const row = { ...before, name: change.name ?? before.name, updated_at: now }
    await updateUserRow(transaction, id, { name: row.name, updated_at: now })
    if (change.roles !== undefined) await setRoles(transaction, tree, id, change.roles)
    if (change.bitbucketIdentities !== undefined) {
      await linkIdentities(transaction, caller, tree, id, change.bitbucketIdentities, now)
    }
    const renewed = change.roles === undefined ? [] : await renewKeysOfUser(transaction, id)
    await recordAudit(transaction, now, [
      {
        actor: actorOf(caller),
        action: 'user.update',
        object: `user:${id}`,
        details: { fields: Object.keys(change), ...(change.roles === undefined ? {} : { roles: change.roles }) },
      },
    ])
    return { user: await viewOf(transaction, caller, tree, row), keys: renewed }
  })
  for (const keyId of keys) installation.onKeyRevoked(keyId)
  return user
}

/** Deletes a user: his keys are revoked, his sessions, roles and identities end. */
export async function deleteUser(
  installation: Installation,
  asked: Caller,
  id: string,
  ifMatch?: string | undefined,
): Promise<void> {
  const now = installation.clock.now()
  const keys = await changeAs(installation, asked, async (transaction, caller) => {
    const row = await getUserRow(transaction, caller, id)
    requireRootAdmin(caller, 'delete users')
    requireMatch(ifMatch, await viewOf(transaction, caller, await readSpaceTree(transaction), row))
    const revoked = await revokeKeysOfUser(transaction, id, now)
    await deleteUserRow(transaction, id)
    await recordAudit(transaction, now, [
      { actor: actorOf(caller), action: 'user.delete', object: `user:${id}`, details: { keys: revoked } },
    ])
    return revoked
  })
  for (const keyId of keys) installation.onKeyRevoked(keyId)
}

/** Says who asks, with which roles, and what his key is good for. */
export async function getMe({ db, clock }: Installation, caller: Caller, surface: Audience | null): Promise<Me> {
  const key = caller.keyId === null ? undefined : await findLiveApiKey(db, caller.keyId, clock.now())
  if (!key || surface === null) throw unauthenticated()
  const user = caller.userId === null ? undefined : await findUser(db, caller.userId)
  const audience = audienceOfKey(key.role)
  return {
    kind: user ? 'user' : 'service',
    user: user ? { id: user.id, name: user.name } : null,
    apiKey: { id: key.id, name: key.name, expiresAt: timestampOrNull(key.expires_at) },
    roles: caller.grants.map(({ role, spaceId }) => ({ role, spaceId })),
    isRootAdmin: isRootAdmin(caller),
    surface,
    surfaces: audience === 'api' ? ['api', 'ui'] : [audience],
  }
}

/** The answer for a user who is not there, or whom the caller may not see. */
export function userNotFound(id: string, pointer?: string): Problem {
  const detail = `There is no user with the id "${id}".`
  return new Problem('user_not_found', detail, pointer === undefined ? {} : { errors: [{ pointer, detail }] })
}

/** An id that no row has. */
const nobody = '00000000-0000-0000-0000-000000000000'

function requireRootAdmin(caller: Caller, what: string): void {
  if (!isRootAdmin(caller)) throw new Problem('forbidden', `Your roles do not allow you to ${what}: root admins do.`)
}

async function getUserRow(db: Database, caller: Caller, id: string): Promise<UserRow> {
  const row = isRootAdmin(caller) || caller.userId === id ? await findUser(db, id) : undefined
  if (!row) throw userNotFound(id)
  return row
}

async function setRoles(db: Database, tree: SpaceTree, userId: string, roles: readonly RoleInSpace[]): Promise<void> {
  const unknown = roles.findIndex(({ spaceId }) => !tree.has(spaceId))
  const role = roles[unknown]
  if (role) throw spaceNotFound(role.spaceId, `/roles/${unknown}/spaceId`)
  await replaceUserRoles(
    db,
    userId,
    roles.map(({ role, spaceId }) => ({ user_id: userId, role, space_id: spaceId })),
  )
}

async function viewOf(db: Database, caller: Caller, tree: SpaceTree, row: UserRow): Promise<User> {
  const [view] = await viewsOf(db, caller, tree, [row])
  if (!view) throw userNotFound(row.id)
  return view
}

async function viewsOf(db: Database, caller: Caller, tree: SpaceTree, rows: readonly UserRow[]): Promise<User[]> {
  const ids = rows.map(({ id }) => id)
  const roles = await listUserRoles(db, ids)
  const identities = await listIdentities(db, ids)
  // A user is told his roles, but no name of an integration that he may not see.
  const visible = identities.filter((row) => {
    const place = placeOf({
      slug: row.integration_slug,
      space_id: row.integration_space_id,
      is_default: row.integration_is_default,
    })
    return authoriseIntegration(caller, 'see-integrations', place, tree) === 'allowed'
  })
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    roles: roles
      .filter(({ user_id }) => user_id === row.id)
      .map(({ role, space_id }) => ({ role: role as RoleInSpace['role'], spaceId: space_id })),
    bitbucketIdentities: visible
      .filter(({ user_id }) => user_id === row.id)
      .map((identity) => ({
        integrationId: identity.integration_slug,
        bitbucketUserId: identity.bitbucket_user_id,
      })),
    createdAt: timestamp(row.created_at),
    updatedAt: timestamp(row.updated_at),
  }))
}
