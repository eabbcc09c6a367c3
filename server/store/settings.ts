import type { Database } from './tables.ts'

/** The names of the facts about the installation. */
export type SettingKey = 'instance_id' | 'sealing_canary' | 'home' | 'audit_key'

/** Gives a fact about the installation; undefined where it was never set. */
export async function findSetting(db: Database, key: SettingKey): Promise<string | undefined> {
  const row = await db.selectFrom('setting').select('value').where('key', '=', key).executeTakeFirst()
  return row?.value
}

/** Sets a fact unless it is set already, and gives the value that is set then: of several processes one wins. */
export async function setOnce(db: Database, key: SettingKey, value: string): Promise<string> {
  await db
    .insertInto('setting')
    .values({ key, value })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const row = await db.selectFrom('setting').select('value').where('key', '=', key).executeTakeFirstOrThrow()
  return row.value
}
