import { type Insertable, type Selectable, type SqlBool, sql, type Updateable } from 'kysely'
import type { Role } from '../../schemas/api-key.ts'
import type { Page, PageRequest } from '../../schemas/page.ts'
import { rootSpaceId } from '../../schemas/space.ts'
import type { SpaceScope } from '../core/authorise.ts'
import { holdRows } from './dialect/transactions.ts'
import { comparableRowIds, countAtMost, readPage } from './keyset-page.ts'
import type { Database, Tables } from './tables.ts'
import { isInSpaces } from './visible.ts'

export type ApiKeyRow = Selectable<Tables['api_key']>

/** A key together with the roles of the user whose it is. */
export interface KeyWithRoles {
  readonly key: ApiKeyRow
  readonly userRoles: readonly { readonly role: Role; readonly spaceId: string }[]
}

/** Which keys a list shows: those of the user, and the services' in the spaces. */
export interface KeyScope {
  readonly userId: string | null
  readonly services: SpaceScope
}

/** Lists the keys that are not revoked, oldest first. The bootstrap key is no API key and never listed. */
export function listApiKeyRows(db: Database, request: PageRequest, scope: KeyScope): Promise<Page<ApiKeyRow>> {
  const listed = () =>
    db
      .selectFrom('api_key')
      .where('revoked_at', 'is', null)
      .where('role', '!=', 'bootstrap')
      .where(isInKeyScope(db, scope))
      .$if(request.ids !== undefined, (query) => query.where('id', 'in', comparableRowIds(request.ids)))
  return readPage(
    'api-keys',
    request,
    (row) => [row.id],
    ([after] = [], limit) =>
      listed()
        .selectAll()
        .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
        .orderBy('id')
        .limit(limit)
        .execute(),
    (atMost) => countAtMost(db, listed().select('id'), atMost),
  )
}

function isInKeyScope(db: Database, { userId, services }: KeyScope) {
  // A root admin sees every key; everybody else his own, and those of services where he is an Admin.
  if (services === 'all') return sql<SqlBool>`1 = 1`
  const isService = sql<SqlBool>`(${sql.ref('role')} <> 'user' and ${isInSpaces(db, services, 'api_key.space_id')})`
  return userId === null ? isService : sql<SqlBool>`(${sql.ref('user_id')} = ${userId} or ${isService})`
}

/** Gives the key if it is neither revoked nor expired. */
export function findLiveApiKey(db: Database, id: string, now: number): Promise<ApiKeyRow | undefined> {
  return live(db, now).selectAll('api_key').where('api_key.id', '=', id).executeTakeFirst()
}

/** Gives the key unless it is revoked; also one that has expired, never a bootstrap key. */
export function findApiKey(db: Database, id: string): Promise<ApiKeyRow | undefined> {
  return db
    .selectFrom('api_key')
    .selectAll()
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .where('role', '!=', 'bootstrap')
    .executeTakeFirst()
}

/** Gives the live key and its user's roles, read by one statement: of the same moment. */
export async function findLiveKeyWithRoles(db: Database, id: string, now: number): Promise<KeyWithRoles | undefined> {
  const rows = await live(db, now)
    .leftJoin('user_role', 'user_role.user_id', 'api_key.user_id')
    .selectAll('api_key')
    .select(['user_role.role as user_role', 'user_role.space_id as user_space_id'])
    .where('api_key.id', '=', id)
    .execute()
  const [first] = rows
  if (!first) return undefined
  const { user_role: _role, user_space_id: _spaceId, ...key } = first
  const userRoles = rows.flatMap(({ user_role, user_space_id }) =>
    user_role === null || user_space_id === null ? [] : [{ role: user_role, spaceId: user_space_id }],
  )
  return { key, userRoles }
}

/** Locks the key's row until the transaction ends: whoever changes what the key may do waits, or is waited for. */
export async function holdApiKey(transaction: Database, id: string): Promise<void> {
  await transaction.selectFrom('api_key').select('id').where('id', '=', id).$call(holdRows(transaction)).execute()
}

function live(db: Database, now: number) {
  return db
    .selectFrom('api_key')
    .where('api_key.revoked_at', 'is', null)
    .where((eb) => eb.or([eb('api_key.expires_at', 'is', null), eb('api_key.expires_at', '>', now)]))
}

/** Changes the key and ends the tokens made before; to be called under `lockSpaces`. */
export async function updateApiKeyRow(db: Database, id: string, change: Updateable<Tables['api_key']>): Promise<void> {
  await db
    .updateTable('api_key')
    .set((eb) => ({ ...change, generation: eb('generation', '+', 1) }))
    .where('id', '=', id)
    .execute()
}

/** Ends the tokens made of the user's keys, since his roles are others now; gives the keys. */
export async function renewKeysOfUser(db: Database, userId: string): Promise<string[]> {
  const rows = await db
    .updateTable('api_key')
    .set((eb) => ({ generation: eb('generation', '+', 1) }))
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .returning('id')
    .execute()
  return rows.map(({ id }) => id)
}

/** Revokes the user's keys and ends his sessions; gives the keys. */
export async function revokeKeysOfUser(db: Database, userId: string, now: number): Promise<string[]> {
  const rows = await db
    .updateTable('api_key')
    .set({ revoked_at: now })
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .returning('id')
    .execute()
  const ids = rows.map(({ id }) => id)
  if (ids.length > 0) await db.deleteFrom('session').where('api_key_id', 'in', ids).execute()
  return ids
}

/** Inserts the key unless its id is taken; says whether it did. */
export async function insertApiKey(db: Database, row: Insertable<Tables['api_key']>): Promise<boolean> {
  const result = await db
    .insertInto('api_key')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return result.numInsertedOrUpdatedRows === 1n
}

/** Revokes the key for ever; says whether it was live. Of two who try at once one is told so. */
export async function revokeApiKeyRow(db: Database, id: string, now: number): Promise<boolean> {
  const result = await db
    .updateTable('api_key')
    .set({ revoked_at: now })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  await db.deleteFrom('session').where('api_key_id', '=', id).execute()
  return result.numUpdatedRows === 1n
}

export async function markApiKeyUsed(db: Database, id: string, now: number): Promise<void> {
  await db.updateTable('api_key').set({ last_used_at: now }).where('id', '=', id).execute()
}

/** Whether a root admin could sign in: then no bootstrap key is made or accepted (S18). */
export async function hasRootAdmin(db: Database, now: number): Promise<boolean> {
  const row = await live(db, now)
    .leftJoin('user_role', 'user_role.user_id', 'api_key.user_id')
    .select('api_key.id')
    .where((eb) =>
      eb.or([
        eb.and([eb('api_key.role', '=', 'admin'), eb('api_key.space_id', '=', rootSpaceId)]),
        eb.and([eb('user_role.role', '=', 'admin'), eb('user_role.space_id', '=', rootSpaceId)]),
      ]),
    )
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Revokes every bootstrap key; made before another is. */
export async function revokeBootstrapKeys(db: Database, now: number): Promise<void> {
  await db
    .updateTable('api_key')
    .set({ revoked_at: now })
    .where('role', '=', 'bootstrap')
    .where('revoked_at', 'is', null)
    .execute()
}

/** The keys with these ids, revoked ones too. */
export function listApiKeysByIds(db: Database, ids: readonly string[]): Promise<ApiKeyRow[]> {
  if (ids.length === 0) return Promise.resolve([])
  return db.selectFrom('api_key').selectAll().where('id', 'in', ids).execute()
}
