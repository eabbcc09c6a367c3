import type { Insertable, Selectable } from 'kysely'
import type { Page, PageRequest } from '../../schemas/page.ts'
import { comparableRowIds, readPage } from './keyset-page.ts'
import type { Database, Tables } from './tables.ts'

export type ApiKeyRow = Selectable<Tables['api_key']>

/** Lists the keys that are not revoked, oldest first. The bootstrap key is no API key and never listed. */
export function listApiKeyRows(db: Database, request: PageRequest): Promise<Page<ApiKeyRow>> {
  return readPage(
    'api-keys',
    request,
    (row) => [row.id],
    ([after] = [], limit) =>
      db
        .selectFrom('api_key')
        .selectAll()
        .where('revoked_at', 'is', null)
        .where('role', '!=', 'bootstrap')
        .$if(request.ids !== undefined, (query) => query.where('id', 'in', comparableRowIds(request.ids)))
        .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
        .orderBy('id')
        .limit(limit)
        .execute(),
  )
}

/** Gives the key if it is neither revoked nor expired. */
export function findLiveApiKey(db: Database, id: string, now: number): Promise<ApiKeyRow | undefined> {
  return db
    .selectFrom('api_key')
    .selectAll()
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
    .executeTakeFirst()
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
  return result.numUpdatedRows === 1n
}

export async function markApiKeyUsed(db: Database, id: string, now: number): Promise<void> {
  await db.updateTable('api_key').set({ last_used_at: now }).where('id', '=', id).execute()
}

/** Whether a root admin could sign in: then no bootstrap key is made or accepted (S18). */
export async function hasRootAdmin(db: Database, now: number): Promise<boolean> {
  const row = await db
    .selectFrom('api_key')
    .select('id')
    .where('role', '=', 'root-admin')
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
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
