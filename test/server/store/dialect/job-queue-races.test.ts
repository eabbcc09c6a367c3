import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, test, vi } from 'vitest'
import { inWriteTransaction } from '../../../../server/store/dialect/transactions.ts'
import { databases } from '../../../support/databases.ts'
import { createRanTable, listRan, openTestQueue, startJobProcess } from '../../../support/job-queues.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../../support/server-database.ts'
import { watchDatabase } from '../../../support/watched-database.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('L4 six writers, three kinds of tasks, many keys: the last payload of every key runs', async () => {
      const db = connectTestDatabase(await openTestDatabaseUrl(database))
      // SQLite writes one after the other, so there it is a check of the same cases, not a race.
      const count = database.name === 'postgres' ? 360 : 60
      const keys = Array.from({ length: count }, (_, index) => `key ${index}`)
      const tasks = ['slow', 'short', 'alone'] as const
      const lastRun = new Map<unknown, unknown>()
      const running = new Map<unknown, number>()
      let most = 0
      const { addKeyed, queue } = openTestQueue(db, {
        run: async ({ task, payload: { key, version } }) => {
          running.set(key, (running.get(key) ?? 0) + 1)
          if (task !== 'short') most = Math.max(most, running.get(key) ?? 0)
          await sleep(Math.random() * 3)
          running.set(key, (running.get(key) ?? 0) - 1)
          if (Number(version) > Number(lastRun.get(key) ?? -1)) lastRun.set(key, version)
        },
      })
      const versions = 4
      const write = async (writer: number) => {
        for (const [index, key] of keys.entries()) {
          if (index % 6 !== writer) continue
          const task = tasks[Math.floor(index / 6) % 3] ?? 'slow'
          // At once one after the other, so that claims fall between.
          for (let version = 0; version < versions; version += 1)
            await addKeyed({ task, key, payload: { key, version } })
        }
      }

      await Promise.all([0, 1, 2, 3, 4, 5].map(write))

      await vi.waitFor(async () => {
        expect(keys.filter((key) => lastRun.get(key) !== versions - 1)).toEqual([])
        expect(await queue.figures()).toMatchObject({ due: 0, dead: 0 })
      }, 15_000)
      expect(most).toBe(1) // L5: where a key has a lane it never runs beside itself
    })

    test('L6 a thousand stacks leave at most a hundred lanes', async () => {
      const db = connectTestDatabase(await openTestDatabaseUrl(database))
      const { add } = openTestQueue(db)

      await add(...Array.from({ length: 1_000 }, (_, stack) => ({ task: 'slow', key: `stack ${stack}` })))

      const { rows } =
        database.name === 'postgres'
          ? await sql`select queue_name from mooring_jobs._private_job_queues`.execute(db)
          : await sql`select distinct lane from job where lane is not null`.execute(db)
      expect(rows.length).toBeGreaterThan(10)
      expect(rows.length).toBeLessThanOrEqual(100)
    })
  })
}

// What SQLite, with its one process and one connection, cannot have.
for (const database of databases.filter(({ name }) => name === 'postgres')) {
  describe('postgres alone', () => {
    test('L4 a keyed job that is claimed at this moment is added again', async () => {
      const url = await openTestDatabaseUrl(database)
      const db = connectTestDatabase(url)
      const claiming = connectTestDatabase(url)
      const { addKeyed } = openTestQueue(db)
      await addKeyed({ task: 'short', key: 'k', payload: { version: 1 } })

      let adding: Promise<void> | undefined
      await claiming.transaction().execute(async (transaction) => {
        await sql`update mooring_jobs._private_jobs set attempts = 1, locked_by = 'somebody', locked_at = now()`.execute(
          transaction,
        )
        adding = addKeyed({ task: 'short', key: 'k', payload: { version: 2 } })
        await sleep(200) // until it waits for the claim's commit
      })
      await adding

      const { rows } = await sql`select key, payload from mooring_jobs._private_jobs order by id`.execute(db)
      expect(rows).toEqual([
        { key: null, payload: { version: 1 } },
        { key: 'k', payload: { version: 2 } },
      ])
    })

    test('L4 a keyed job that cannot be added five times fails its transaction', async () => {
      const url = await openTestDatabaseUrl(database)
      const { db, statements } = watchDatabase(connectTestDatabase(url), () => undefined)
      const { queue } = openTestQueue(db)
      await sql`create function refuse() returns trigger language plpgsql as 'begin return null; end'`.execute(db)
      await sql`create trigger refuse before insert on mooring_jobs._private_jobs
        for each row execute function refuse()`.execute(db)
      const before = statements()

      const adding = inWriteTransaction(db, async (transaction) => {
        await transaction.insertInto('setting').values({ key: 'work', value: 'made' }).execute()
        await queue.addKeyedJob(transaction, { task: 'slow', key: 'k' })
      })

      await expect(adding).rejects.toThrow('could not be added')
      expect(statements() - before).toBe(1 + 5)
      expect(await db.selectFrom('setting').select('key').where('key', '=', 'work').execute()).toEqual([])
    })

    test('L2 two processes run every job once', async () => {
      const url = await openTestDatabaseUrl(database)
      const db = connectTestDatabase(url)
      await createRanTable(db)
      const { add } = openTestQueue(db)
      const jobs = Array.from({ length: 1_000 }, (_, name) => ({
        task: name % 4 === 0 ? 'slow' : 'short',
        payload: { name },
      }))
      await add(...jobs)
      const order = { kind: 'run', url, times: {}, holdMs: 3 } as const

      const processes = await Promise.all([startJobProcess(order), startJobProcess(order)])

      await vi.waitFor(async () => expect((await listRan(db)).length).toBeGreaterThanOrEqual(1_000), 20_000)
      await sleep(500)
      const ran = await listRan(db)
      expect(ran).toHaveLength(1_000)
      expect(new Set(ran.map(({ name }) => name)).size).toBe(1_000)
      for (const { pid } of processes) expect(ran.filter((each) => each.pid === pid).length).toBeGreaterThan(50)
    })
  })
}
