import { describe, expect, test } from 'vitest'
import {
  claimDeliveries,
  deferDeliveries,
  findReplayed,
  finishDeliveries,
  LostClaimError,
  readBody,
  releaseDeliveries,
  rememberBodies,
  renewLeases,
} from '../../../server/store/delivery-queue.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { listVerdictLines, storeDelivery } from '../../support/processing.ts'
import { insertIntegration } from '../../support/receiver.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'

const leaseMs = 60_000

async function setUp(database: TestDatabase, count: number) {
  const url = await openTestDatabaseUrl(database)
  const db = connectTestDatabase(url)
  const integration = await insertIntegration(db, 'mine')
  const ids: string[] = []
  for (let index = 0; index < count; index++) ids.push(await storeDelivery(db, { integration, body: `body ${index}` }))
  const now = Date.now()
  const claim = (options: { db?: typeof db; now?: number; limit?: number; except?: string[] } = {}) => {
    const at = options.now ?? now
    const { limit = 64, except = [] } = options
    return claimDeliveries(options.db ?? db, { now: at, leaseUntil: at + leaseMs, limit, except })
  }
  return { db, url, integration, ids, now, claim }
}

const accepted = { verdict: 'accepted', reason: null, detail: null } as const

for (const database of databases) {
  describe(database.name, () => {
    test('L1 deliveries are claimed oldest first, with their bodies', async () => {
      const { ids, claim } = await setUp(database, 5)

      const first = await claim({ limit: 3 })
      const second = await claim({ limit: 3 })

      expect([...first, ...second].map(({ id }) => id)).toEqual(ids)
      expect(Buffer.from(first[0]?.body ?? []).toString()).toBe('body 0')
      expect(await claim()).toEqual([])
    })

    test('L1 two connections that claim at once share the deliveries, none twice', async () => {
      const { url, ids, claim } = await setUp(database, 200)
      const others = [connectTestDatabase(url), connectTestDatabase(url)]
      const claimed: string[] = []
      const work = async (db: (typeof others)[number]) => {
        for (;;) {
          const batch = await claim({ db, limit: 16 })
          if (batch.length === 0) return
          claimed.push(...batch.map(({ id }) => id))
        }
      }

      await Promise.all(others.map(work))

      expect(claimed.sort()).toEqual(ids)
    })

    test('L1 a delivery is due again when its lease ends, unless it was renewed or given back', async () => {
      const { db, ids, now, claim } = await setUp(database, 3)
      const [, second, third] = await claim()
      if (!second || !third) throw new Error('not claimed')
      await renewLeases(db, [second.id], now + 3 * leaseMs)
      await releaseDeliveries(db, [third])

      const atOnce = await claim()
      const later = await claim({ now: now + leaseMs })

      expect(atOnce.map(({ id, attempts }) => [id, attempts])).toEqual([[ids[2], 2]])
      expect(later.map(({ id }) => id)).toEqual([ids[0], ids[2]])
    })

    test('L1 a batch is finished by whoever holds it, or not at all', async () => {
      const { db, now, claim } = await setUp(database, 2)
      const slow = await claim()
      const [taken] = await claim({ now: now + leaseMs, limit: 1 })
      const verdicts = slow.map((delivery) => ({ ...delivery, ...accepted }))

      const late = db.transaction().execute((transaction) => finishDeliveries(transaction, verdicts, now))

      await expect(late).rejects.toThrow(LostClaimError)
      expect(await listVerdictLines(db)).toEqual(['queued', 'queued'])
      await deferDeliveries(
        db,
        slow.slice(0, 1).map(({ id, attempts }) => ({ id, attempts, notBefore: 0, detail: 'x' })),
      )
      if (taken) await finishDeliveries(db, [{ ...taken, ...accepted }], now)
      expect(await listVerdictLines(db)).toEqual(['processed accepted', 'queued'])
    })

    test('L1 a batch is marked in one statement, each with its own verdict', async () => {
      const { db, now, claim } = await setUp(database, 3)
      const claimed = await claim()
      const reasons = [null, 'no_match', 'replay']

      await finishDeliveries(
        db,
        claimed.map((delivery, index) => ({
          ...delivery,
          verdict: index === 0 ? ('accepted' as const) : ('ignored' as const),
          reason: reasons[index] ?? null,
          detail: index === 2 ? "it's \\ 'quoted' ?" : null,
        })),
        now,
      )

      expect(await listVerdictLines(db)).toEqual([
        'processed accepted',
        'processed ignored no_match',
        'processed ignored replay',
      ])
      const details = await db
        .selectFrom('delivery')
        .select(['detail', 'processed_at', 'lease_until'])
        .orderBy('id')
        .execute()
      expect(details.map(({ detail }) => detail)).toEqual([null, null, "it's \\ 'quoted' ?"])
      expect(details[0]).toMatchObject({ processed_at: now, lease_until: null })
    })

    test('L1 a deferred delivery is not claimed before its time', async () => {
      const { db, ids, now, claim } = await setUp(database, 2)
      const [first] = await claim({ limit: 1 })
      if (!first) throw new Error('not claimed')
      await deferDeliveries(db, [{ ...first, notBefore: now + 5_000, detail: 'waits' }])

      const early = await claim()
      const due = await claim({ now: now + 5_000 })

      expect(early.map(({ id }) => id)).toEqual([ids[1]])
      expect(due.map(({ id }) => id)).toEqual([ids[0]])
    })

    test('L1 deliveries of the excepted integrations stay', async () => {
      const { integration, claim } = await setUp(database, 2)

      expect(await claim({ except: [integration.id] })).toEqual([])
    })

    test('L1 a large body is left out of the batch, and read alone', async () => {
      const { db, integration, claim } = await setUp(database, 0)
      const id = await storeDelivery(db, { integration, body: 'x'.repeat(300_000) })

      const [delivery] = await claim()

      expect(delivery?.body).toBeNull()
      expect((await readBody(db, id))?.length).toBe(300_000)
    })

    test('S2 a body counts once per integration and secret version', async () => {
      const { db, integration, now, claim } = await setUp(database, 1)
      await storeDelivery(db, { integration, body: 'body 0' })
      const other = await insertIntegration(db, 'other', { secret: integration.secret })
      await storeDelivery(db, { integration: other, body: 'body 0' })
      const claimed = await claim()
      const mine = claimed.filter((delivery) => delivery.integration_id === integration.id)
      const [first, second] = mine
      if (!first || !second) throw new Error('not claimed')

      const replayed = await findReplayed(db, integration.id, mine)
      const repeated = await rememberBodies(db, [first], now)
      const again = await rememberBodies(db, [second], now)
      const elsewhere = await rememberBodies(
        db,
        claimed.filter((delivery) => delivery.integration_id === other.id),
        now,
      )

      expect([...replayed]).toEqual([[second.id, first.id]])
      expect([...repeated]).toEqual([])
      expect([...again]).toEqual([second.id])
      expect([...elsewhere]).toEqual([])
    })
  })
}
