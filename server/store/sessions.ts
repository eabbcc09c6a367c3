import type { Insertable, Selectable } from 'kysely'
import type { Database, Tables } from './tables.ts'

export type SessionRow = Selectable<Tables['session']>

export async function insertSession(db: Database, row: Insertable<Tables['session']>): Promise<void> {
  await db.insertInto('session').values(row).execute()
}

export function findSessionRow(db: Database, id: string): Promise<SessionRow | undefined> {
  return db.selectFrom('session').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Notes that the session was used; says whether it still is there. */
export async function touchSession(db: Database, id: string, now: number): Promise<boolean> {
  const result = await db.updateTable('session').set({ last_used_at: now }).where('id', '=', id).executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export async function deleteSessionRow(db: Database, id: string): Promise<void> {
  await db.deleteFrom('session').where('id', '=', id).execute()
}

/** Deletes a key's sessions that began or were last used before these times: they have ended by themselves. */
export async function deleteEndedSessions(
  db: Database,
  keyId: string,
  createdBefore: number,
  usedBefore: number,
): Promise<void> {
  await db
    .deleteFrom('session')
    .where('api_key_id', '=', keyId)
    .where((eb) => eb.or([eb('created_at', '<=', createdBefore), eb('last_used_at', '<=', usedBefore)]))
    .execute()
}
