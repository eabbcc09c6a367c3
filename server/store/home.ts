import { recordAudit } from './audit.ts'
import { nameHere } from './dialect/here.ts'
import { inWriteTransaction } from './dialect/transactions.ts'
import { findSetting, setOnce } from './settings.ts'
import type { Database } from './tables.ts'

/** What a start does about the home: leave it, move it here, or give it up so that the database stays quiet. */
export type HomeWish = 'keep' | 'take_over' | 'be_quiet'

/** Whether this database is the installation itself, or a copy of it that has to keep quiet (S76). */
export interface Home {
  readonly isQuiet: boolean
  /** It was a copy, or given up, until this start. */
  readonly isTakenOver: boolean
}

/**
 * Compares the place where the database lies with the one that the installation calls its home. The first start makes
 * the place its home; after that only `take_over` does, so that a copied or restored database is known as one.
 */
export async function settleHome(db: Database, url: string, wish: HomeWish, now: number): Promise<Home> {
  const here = await nameHere(db, url)
  if (wish === 'be_quiet') {
    await writeHome(db, givenUp)
    return { isQuiet: true, isTakenOver: false }
  }
  const home = await setOnce(db, 'home', here)
  if (home === here) return { isQuiet: false, isTakenOver: false }
  if (wish === 'keep') return { isQuiet: true, isTakenOver: false }
  await inWriteTransaction(db, async (transaction) => {
    await writeHome(transaction, here)
    await recordAudit(transaction, now, [
      { actor: 'server', action: 'installation.take_over', object: 'installation', details: { from: home, to: here } },
    ])
  })
  return { isQuiet: false, isTakenOver: true }
}

/** Whether a start without `--take-over` would be quiet; undefined for a database that was never served. */
export async function isQuietHere(db: Database, url: string): Promise<boolean | undefined> {
  const home = await findSetting(db, 'home')
  return home === undefined ? undefined : home !== (await nameHere(db, url))
}

/** No place is called so: what a restored database has for its home. */
export const givenUp = 'nowhere'

async function writeHome(db: Database, home: string): Promise<void> {
  await db
    .insertInto('setting')
    .values({ key: 'home', value: home })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: home }))
    .execute()
}
