import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { uuidv7 } from '../../../server/core/uuid-v7.ts'
import type { DeliveryWriter, DeliveryWriterEvents, ReceivedDelivery } from '../../../server/store/delivery-writer.ts'
import { createDeliveryWriter } from '../../../server/store/dialect/delivery-writer.ts'
import { inWriteTransaction } from '../../../server/store/dialect/transactions.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases } from '../../support/databases.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'

const day = 86_400_000
const integrationId = uuidv7(Date.now())

for (const database of databases) {
  describe(database.name, () => {
    let url: string
    let db: Database
    let seen: { commits: number[]; failures: unknown[]; missingPartitions: number }
    let writer: DeliveryWriter

    beforeEach(async () => {
      url = await openTestDatabaseUrl(database)
      db = connectTestDatabase(url)
      seen = { commits: [], failures: [], missingPartitions: 0 }
      writer = open()
    })

    function open(): DeliveryWriter {
      const events: DeliveryWriterEvents = {
        onCommit: (deliveries) => seen.commits.push(deliveries),
        onFailure: (error) => seen.failures.push(error),
        onMissingPartition: () => {
          seen.missingPartitions += 1
        },
      }
      const opened = createDeliveryWriter(url, events)
      onTestFinished(() => opened.close())
      return opened
    }

    test('R34 deliveries that arrive together are committed together', async () => {
      const outcomes = await Promise.all(Array.from({ length: 40 }, () => writer.store(delivery())))

      expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['stored']))
      expect(seen.commits).toEqual([40])
      expect(await db.selectFrom('delivery').select('id').execute()).toHaveLength(40)
      expect(writer.pending).toBe(0)
    })

    test('R35 within one commit the first is stored and the others are counted on it', async () => {
      const same = () => delivery({ requestId: 'twice' })
      const outcomes = await Promise.all([
        writer.store(same()),
        writer.store(delivery()),
        writer.store(same()),
        writer.store(same()),
      ])

      expect(outcomes.map(({ kind }) => kind)).toEqual(['stored', 'stored', 'duplicate', 'duplicate'])
      const [first, , second] = outcomes
      expect(second).toEqual({ ...first, kind: 'duplicate' })
      const key = await db.selectFrom('delivery_key').selectAll().where('request_id', '=', 'twice').execute()
      expect(key).toMatchObject([{ duplicates: 2, last_duplicate_at: expect.any(Number) }])
      expect(seen.commits).toEqual([4])
    })

    test('R35 one that comes later is counted, too', async () => {
      const first = await writer.store(delivery({ requestId: 'twice' }))
      const again = await writer.store(delivery({ requestId: 'twice' }))

      expect(again).toEqual({ ...first, kind: 'duplicate' })
      const key = await db.selectFrom('delivery_key').selectAll().execute()
      expect(key).toMatchObject([{ duplicates: 1, last_duplicate_at: expect.any(Number) }])
    })

    test('L11 a day without a partition gets one at the last moment, and somebody hears of it', async () => {
      const later = Date.now() + 40 * day
      const id = `${uuidv7(later).slice(0, 14)}${uuidv7(Date.now()).slice(14)}`

      const outcomes = await Promise.all([
        writer.store(delivery({ id, receivedAt: later })),
        writer.store(delivery({ receivedAt: later, requestId: null })),
      ])

      expect(outcomes.map(({ kind }) => kind)).toEqual(['stored', 'stored'])
      expect(seen.missingPartitions).toBe(database.name === 'postgres' ? 1 : 0)
      expect(await db.selectFrom('delivery').select('id').execute()).toHaveLength(2)
    })

    test('R40 a delivery waits while another part of this process writes', async () => {
      let release = () => {}
      const blocked = new Promise<void>((resolve) => {
        release = resolve
      })
      const writing = inWriteTransaction(db, async (transaction) => {
        await transaction.insertInto('setting').values({ key: 'slow', value: '' }).execute()
        await blocked
      })
      const storing = writer.store(delivery())
      await new Promise((resolve) => setTimeout(resolve, 100))

      release()
      await writing

      expect(await storing).toMatchObject({ kind: 'stored' })
      expect(seen.failures).toEqual([])
    })

    test('R33 a delivery that the database will never take does not keep the others out', async () => {
      const broken = delivery({ secretVersion: Number.NaN })

      const outcomes = await Promise.all([writer.store(delivery()), writer.store(broken), writer.store(delivery())])

      expect(outcomes.map(({ kind }) => kind)).toEqual(['stored', 'unavailable', 'stored'])
      expect(await db.selectFrom('delivery').select('id').execute()).toHaveLength(2)
    })

    test('R40 while the database refuses, a delivery waits, and is stored when it is back', async () => {
      await sql`alter table delivery rename to hidden`.execute(db)
      const storing = writer.store(delivery())
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(seen.failures.length).toBeGreaterThan(0)

      await sql`alter table hidden rename to delivery`.execute(db)

      expect(await storing).toMatchObject({ kind: 'stored' })
      expect(await db.selectFrom('delivery_key').select('request_id').execute()).toHaveLength(1)
    })

    test('R40 after eight seconds a delivery is given up, and is not stored later', async () => {
      await sql`alter table delivery rename to hidden`.execute(db)
      const startedAt = performance.now()

      const outcome = await writer.store(delivery())

      expect(outcome).toEqual({ kind: 'unavailable' })
      expect(performance.now() - startedAt).toBeGreaterThan(7_900)
      expect(performance.now() - startedAt).toBeLessThan(9_500)
      await sql`alter table hidden rename to delivery`.execute(db)
      await writer.store(delivery())
      expect(await db.selectFrom('delivery').select('id').execute()).toHaveLength(1)
    })

    test('F18 closing waits for what was taken in', async () => {
      const other = createDeliveryWriter(url, { onCommit() {}, onFailure() {}, onMissingPartition() {} })
      const storing = Array.from({ length: 10 }, () => other.store(delivery()))

      await other.close()

      expect(await Promise.all(storing)).toMatchObject(storing.map(() => ({ kind: 'stored' })))
      expect(await db.selectFrom('delivery').select('id').execute()).toHaveLength(10)
    })
  })
}

describe.runIf(databases.some(({ name }) => name === 'postgres'))('PostgreSQL', () => {
  test('F14 a delivery whose first commit was not learnt of is stored once, and is no duplicate', async () => {
    const url = (await openTestDatabaseUrl(databases.find(({ name }) => name === 'postgres') ?? never())) ?? ''
    const db = connectTestDatabase(url)
    const writer = createDeliveryWriter(url, { onCommit() {}, onFailure() {}, onMissingPartition() {} })
    onTestFinished(() => writer.close())
    const sent = delivery({ requestId: 'once' })
    await writer.store(sent)

    const again = await writer.store(sent)

    expect(again).toEqual({ kind: 'stored', id: sent.id })
    expect(await db.selectFrom('delivery_key').select('duplicates').execute()).toEqual([{ duplicates: 0 }])
    expect(await db.selectFrom('delivery').select('id').execute()).toHaveLength(1)
  })

  test('L11 L12 the same delivery at midnight, from two processes, is one row', async () => {
    const url = await openTestDatabaseUrl(databases.find(({ name }) => name === 'postgres') ?? never())
    const db = connectTestDatabase(url)
    const events = { onCommit() {}, onFailure() {}, onMissingPartition() {} }
    const writers = [createDeliveryWriter(url, events), createDeliveryWriter(url, events)]
    onTestFinished(async () => {
      for (const writer of writers) await writer.close()
    })
    const midnight = Math.ceil(Date.now() / day) * day
    const times = [midnight - 1, midnight]

    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => index).flatMap((index) =>
        writers.map((writer, each) => {
          const id = `${uuidv7(times[each] ?? 0).slice(0, 14)}${uuidv7(Date.now()).slice(14)}`
          return writer.store(delivery({ id, requestId: `request-${index}` }))
        }),
      ),
    )

    expect(outcomes.filter(({ kind }) => kind === 'stored')).toHaveLength(20)
    expect(await db.selectFrom('delivery').select('id').execute()).toHaveLength(20)
  })
})

function never(): never {
  throw new Error('PostgreSQL is not there')
}

let counter = 0

function delivery(differences: Partial<ReceivedDelivery> = {}): ReceivedDelivery {
  counter += 1
  const body = Buffer.from('{"eventKey":"repo:refs_changed"}')
  return {
    id: uuidv7(Date.now()),
    integrationId,
    requestId: `request ${counter}`,
    eventKey: 'repo:refs_changed',
    headers: '{}',
    receivedAt: Date.now(),
    secretVersion: 1,
    bodyDigest: createHash('sha256').update(body).digest('hex'),
    body,
    ...differences,
  }
}
