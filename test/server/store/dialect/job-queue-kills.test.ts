import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, test, vi } from 'vitest'
import { inWriteTransaction } from '../../../../server/store/dialect/transactions.ts'
import { databases } from '../../../support/databases.ts'
import { createRanTable, listRan, openTestQueue, startJobProcess } from '../../../support/job-queues.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../../support/server-database.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('L3 a kill -9 before any statement leaves neither the work nor its jobs, after the commit both', async () => {
      const url = await openTestDatabaseUrl(database)
      const whole = await startJobProcess({ kind: 'add', url, killBefore: 0, row: 'whole' })
      await whole.ended
      const statements = Number.parseInt(whole.message ?? '', 10)
      for (let killBefore = 1; killBefore <= statements + 1; killBefore += 1) {
        const { message, ended } = await startJobProcess({ kind: 'add', url, killBefore, row: `killed ${killBefore}` })
        await ended
        expect(message, `killed before ${killBefore}`).toBeUndefined()
      }

      const db = connectTestDatabase(url)
      const rows = await db.selectFrom('setting').select('key').where('value', '=', 'made').execute()
      const ran: unknown[] = []
      openTestQueue(db, { run: async ({ payload }) => void ran.push(payload.name) })
      await vi.waitFor(() => expect(ran).toHaveLength(3), 4_000)
      await sleep(400)

      expect(statements).toBeGreaterThanOrEqual(3)
      expect(rows).toEqual([{ key: 'whole' }])
      expect(ran).toEqual(['whole', 'whole', 'whole'])
    })

    test('L9 what ran when its process was killed runs again in the next', async () => {
      const url = await openTestDatabaseUrl(database)
      const db = connectTestDatabase(url)
      await createRanTable(db)
      const times = { pollMs: 100, heartbeatMs: 200, silentMs: 1_000 }
      const { add } = openTestQueue(db)
      await add(...[1, 2].map((name) => ({ task: 'slow', payload: { name } })))
      const first = await startJobProcess({ kind: 'run', url, times, holdMs: 60_000 })
      await vi.waitFor(async () => expect(await listRan(db)).toHaveLength(2), 5_000)
      first.kill()
      await first.ended

      const next = openTestQueue(db, {
        times,
        run: async ({ payload }) => void (await sql`insert into ran values (${String(payload.name)}, 0)`.execute(db)),
      })

      await vi.waitFor(async () => {
        const again = (await listRan(db)).filter(({ pid }) => pid === 0)
        expect(again.map(({ name }) => name).sort()).toEqual(['1', '2'])
      }, 5_000)
      await vi.waitFor(async () => expect(await next.queue.figures()).toMatchObject({ due: 0, dead: 0 }))
    })
  })
}

// SQLite has one process (R210).
for (const database of databases.filter(({ name }) => name === 'postgres')) {
  describe('several processes', () => {
    test('L9 a hundred jobs that a killed process had fetched run elsewhere', { timeout: 90_000 }, async () => {
      // With the times of a real server it takes half a minute.
      const whole = process.env.MOORING_TEST_LONG !== undefined
      const times = whole ? { pollMs: 1_000 } : { pollMs: 100, heartbeatMs: 200, silentMs: 1_000 }
      const withinMs = whole ? 45_000 : 4_000
      const url = await openTestDatabaseUrl(database)
      const db = connectTestDatabase(url)
      await createRanTable(db)
      const { add } = openTestQueue(db)
      const names = Array.from({ length: 100 }, (_, name) => String(name))
      await add(...names.map((name) => ({ task: 'short', payload: { name } })))
      const killed = await startJobProcess({ kind: 'run', url, times, holdMs: 60_000 })
      await vi.waitFor(async () => {
        const { rows } = await sql`select id from mooring_jobs.jobs where locked_at is not null`.execute(db)
        expect(rows).toHaveLength(100)
      }, 5_000)
      await vi.waitFor(async () => expect(await listRan(db)).toHaveLength(4), 5_000)
      killed.kill()
      await killed.ended

      const ran = new Set<unknown>()
      openTestQueue(db, { times, run: async ({ payload }) => void ran.add(payload.name) })

      await vi.waitFor(() => expect(ran.size).toBe(100), withinMs)
    })

    test('L9 the jobs of a worker that never said it lived are taken over, those of a living one are not', async () => {
      const url = await openTestDatabaseUrl(database)
      const db = connectTestDatabase(url)
      const times = { pollMs: 100, heartbeatMs: 100, silentMs: 600, graceMs: 3_000 }
      const ran: unknown[] = []
      const run = async ({ payload }: { payload: { readonly name?: unknown } }) => {
        ran.push(payload.name)
        if (payload.name === 'long') await sleep(2_000)
      }
      const one = openTestQueue(db, { times, run })
      await one.add({ task: 'slow', payload: { name: 'long' } })
      await vi.waitFor(() => expect(ran).toEqual(['long']), 3_000)
      openTestQueue(connectTestDatabase(url), { times, run })
      await inWriteTransaction(db, async (transaction) => {
        await one.queue.addJobs(transaction, [{ task: 'slow', payload: { name: 'stranger' } }])
        await sql`update mooring_jobs._private_jobs set attempts = 1, locked_by = 'stranger', locked_at = now()
          where locked_by is null`.execute(transaction)
      })

      await sleep(2_500)

      expect(ran).toEqual(['long', 'stranger'])
    })
  })
}
