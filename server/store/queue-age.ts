import { timeOfUuidv7 } from '../core/uuid-v7.ts'
import type { Database } from './tables.ts'

/** When the oldest delivery came that waits to be processed, in epoch milliseconds; undefined where none waits. */
export async function findOldestQueued(db: Database): Promise<number | undefined> {
  const row = await db
    .selectFrom('delivery')
    .select('id')
    .where('state', '=', 'queued')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  return row && timeOfUuidv7(row.id)
}
