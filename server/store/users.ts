import type { Insertable, Selectable, Updateable } from 'kysely'
import type { Page, PageRequest } from '../../schemas/page.ts'
import { comparableRowIds, countAtMost, readPage } from './keyset-page.ts'
import type { Database, Tables } from './tables.ts'

export type UserRow = Selectable<Tables['user_account']>
export type UserRoleRow = Selectable<Tables['user_role']>
export interface IdentityRow extends Selectable<Tables['bitbucket_identity']> {
  readonly integration_slug: string
  readonly integration_space_id: string
  readonly integration_is_default: 0 | 1
}

/** Lists users, oldest first; one alone where only he may be seen. */
export function listUserRows(db: Database, request: PageRequest, only: 'all' | string): Promise<Page<UserRow>> {
  const listed = () =>
    db
      .selectFrom('user_account')
      .$if(only !== 'all', (query) => query.where('id', '=', only))
      .$if(request.ids !== undefined, (query) => query.where('id', 'in', comparableRowIds(request.ids)))
  return readPage(
    'users',
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

export function findUser(db: Database, id: string): Promise<UserRow | undefined> {
  return db.selectFrom('user_account').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function insertUser(db: Database, row: Insertable<Tables['user_account']>): Promise<void> {
  await db.insertInto('user_account').values(row).execute()
}

export async function updateUserRow(
  db: Database,
  id: string,
  change: Updateable<Tables['user_account']>,
): Promise<void> {
  await db.updateTable('user_account').set(change).where('id', '=', id).execute()
}

/** Deletes the user with his roles and identities; his keys are revoked before and stay as history. */
export async function deleteUserRow(db: Database, id: string): Promise<void> {
  await db.deleteFrom('user_account').where('id', '=', id).execute()
}

/** The roles of these users, in a stable order. */
export function listUserRoles(db: Database, userIds: readonly string[]): Promise<UserRoleRow[]> {
  if (userIds.length === 0) return Promise.resolve([])
  return db
    .selectFrom('user_role')
    .selectAll()
    .where('user_id', 'in', userIds)
    .orderBy('space_id')
    .orderBy('role')
    .execute()
}

export async function replaceUserRoles(db: Database, userId: string, roles: readonly UserRoleRow[]): Promise<void> {
  await db.deleteFrom('user_role').where('user_id', '=', userId).execute()
  if (roles.length > 0) await db.insertInto('user_role').values(roles).execute()
}

/** The Bitbucket identities of these users, each with its integration, in a stable order. */
export function listIdentities(db: Database, userIds: readonly string[]): Promise<IdentityRow[]> {
  if (userIds.length === 0) return Promise.resolve([])
  return db
    .selectFrom('bitbucket_identity')
    .innerJoin('integration', 'integration.id', 'bitbucket_identity.integration_id')
    .selectAll('bitbucket_identity')
    .select([
      'integration.slug as integration_slug',
      'integration.space_id as integration_space_id',
      'integration.is_default as integration_is_default',
    ])
    .where('bitbucket_identity.user_id', 'in', userIds)
    .orderBy('integration.slug')
    .orderBy('bitbucket_identity.bitbucket_user_id')
    .execute()
}

/** Replaces a user's identities; the times of those that stay are kept by the caller. */
export async function replaceIdentities(
  db: Database,
  userId: string,
  rows: readonly Insertable<Tables['bitbucket_identity']>[],
): Promise<void> {
  await db.deleteFrom('bitbucket_identity').where('user_id', '=', userId).execute()
  if (rows.length > 0) await db.insertInto('bitbucket_identity').values(rows).execute()
}
