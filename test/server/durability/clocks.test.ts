import { describe, expect, onTestFinished, test } from 'vitest'
import { steadyClock } from '../../../server/core/steady-clock.ts'
import { claimDeliveries } from '../../../server/store/delivery-queue.ts'
import { startDatabaseClock } from '../../../server/store/dialect/database-clock.ts'
import { databases } from '../../support/databases.ts'
import { storeDelivery } from '../../support/processing.ts'
import { insertIntegration } from '../../support/receiver.ts'
import { openTestDatabase } from '../../support/server-database.ts'

const hour = 3_600_000
const year = 365 * 24 * hour

test('F15 the steady clock follows the machine’s forwards, and does not follow it behind what has really passed', () => {
  let [wall, passed] = [1_000_000, 0]
  const clock = steadyClock({ now: () => wall }, () => passed)
  const times: number[] = []
  for (const [nextWall, nextPassed] of [
    [1_001_000, 1_000],
    [1_001_000 - year, 2_000],
    [1_001_000 + hour, 3_000],
    [1_004_000, 4_000],
  ] as const) {
    ;[wall, passed] = [nextWall, nextPassed]
    times.push(clock.now())
  }

  expect(times).toEqual([1_001_000, 1_002_000, 1_001_000 + hour, 1_004_000])
})

for (const database of databases) {
  describe(database.name, () => {
    test.for([
      {
        name: 'F15 a wait or lease that a wrong clock wrote ten years ahead holds nobody up',
        ahead: 10 * year,
        due: 1,
      },
      { name: 'F15 a wait and a lease of this minute hold', ahead: 60_000, due: 0 },
    ])('$name', async ({ ahead, due }) => {
      const db = await openTestDatabase(database)
      const integration = await insertIntegration(db, 'acme')
      await storeDelivery(db, { integration, body: '{}' })
      const now = Date.now()
      const request = { now, leaseUntil: now + 60_000, limit: 10, except: [] }

      await db
        .updateTable('delivery')
        .set({ not_before: now + ahead })
        .execute()
      expect(await claimDeliveries(db, request)).toHaveLength(due)
      await db
        .updateTable('delivery')
        .set({ not_before: 0, lease_until: now + ahead })
        .execute()
      expect(await claimDeliveries(db, request)).toHaveLength(due)
    })
  })
}

const postgres = databases.filter(({ name }) => name === 'postgres')

for (const database of postgres) {
  test('F15 PostgreSQL’s clock counts for what servers share, and one that is a minute off is warned of', async () => {
    const db = await openTestDatabase(database)
    const drifts: number[] = []
    const right = await startDatabaseClock(db, { now: () => Date.now() }, (drift) => drifts.push(drift))
    const wrong = await startDatabaseClock(db, { now: () => Date.now() - hour }, (drift) => drifts.push(drift))
    onTestFinished(() => {
      right.stop()
      wrong.stop()
    })

    expect(Math.abs(wrong.now() - Date.now())).toBeLessThan(2_000)
    expect(Math.abs(right.driftMs)).toBeLessThan(2_000)
    expect(drifts).toHaveLength(1)
    expect(Math.abs((drifts[0] ?? 0) + hour)).toBeLessThan(2_000)
  })
}
