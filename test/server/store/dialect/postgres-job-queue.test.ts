import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, test, vi } from 'vitest'
import { migrate } from '../../../../server/store/migrate.ts'
import { databases } from '../../../support/databases.ts'
import { openTestQueue } from '../../../support/job-queues.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../../support/server-database.ts'

for (const database of databases.filter(({ name }) => name === 'postgres')) {
  describe('the queue on PostgreSQL', () => {
    const jobs = Array.from({ length: 60 }, (_, name) => ({
      task: name % 2 === 0 ? 'slow' : 'short',
      payload: { name },
    }))

    test('L7 where notifications are blocked all jobs are done two seconds later', async () => {
      const url = await openTestDatabaseUrl(database)
      const elsewhere = await openTestDatabaseUrl(database) // notifications stay within a database
      const ran: unknown[] = []
      const { add } = openTestQueue(connectTestDatabase(url), {
        listenUrl: elsewhere,
        times: { pollMs: 1_000 },
        run: async ({ payload }) => void ran.push(payload.name),
      })
      await sleep(300)

      await add(...jobs)

      await vi.waitFor(() => expect(ran).toHaveLength(60), 2_000)
    })

    test('L7 a notification wakes who would not look, also after its connection was cut', async () => {
      const url = await openTestDatabaseUrl(database)
      const db = connectTestDatabase(url)
      const ran: unknown[] = []
      const { add } = openTestQueue(db, {
        listenUrl: url,
        times: { pollMs: 600_000 },
        run: async ({ payload }) => void ran.push(payload.name),
      })
      await sleep(500)
      await add(...jobs)
      await vi.waitFor(() => expect(ran.length).toBe(60), 2_000)

      const { rows } = await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'mooring listen' and datname = current_database()`.execute(db)
      await sleep(1_500)
      await add({ task: 'short', payload: { name: 'after' } })

      expect(rows).toHaveLength(1)
      await vi.waitFor(() => expect(ran).toContain('after'), 2_000)
    })

    test('L8 the tables of queue, runs and statuses are vacuumed early and without pauses', async () => {
      const db = connectTestDatabase(await openTestDatabaseUrl(database))

      const { rows } = await sql<{ name: string; options: string[] }>`
        select oid::regclass::text as name, reloptions as options from pg_class
        where relkind = 'r' and relname = any(array['_private_jobs', '_private_job_queues', 'run', 'build_status'])
        order by relname`.execute(db)

      const options = ['autovacuum_vacuum_scale_factor=0.01', 'autovacuum_vacuum_cost_delay=0']
      expect(rows).toEqual([
        { name: 'mooring_jobs._private_job_queues', options },
        { name: 'mooring_jobs._private_jobs', options },
        { name: 'build_status', options },
        { name: 'run', options },
      ])
    })

    test('L8 rows that are not cleaned up yet are counted', async () => {
      const db = connectTestDatabase(await openTestDatabaseUrl(database))
      const { queue, add } = openTestQueue(db)
      await add(...jobs)
      await sql`delete from mooring_jobs._private_jobs`.execute(db)

      await vi.waitFor(async () => {
        await sql`select pg_stat_clear_snapshot()`.execute(db)
        expect((await queue.figures()).deadRows.get('jobs')).toBe(60)
      }, 5_000)
    })

    test('R210 L2 several processes that start at once migrate the queue one after the other', async () => {
      const url = await database.open()
      const starting = Array.from({ length: 4 }, () => connectTestDatabase(url))

      await Promise.all(starting.map((db) => migrate(db, Date.now())))

      const { add, queue } = openTestQueue(connectTestDatabase(url))
      await add(...jobs)
      expect((await queue.figures()).due).toBe(60)
    })

    test('L2 a connection that breaks while it is used fails a claim, and the jobs run all the same', async () => {
      const url = await openTestDatabaseUrl(database)
      const db = connectTestDatabase(url)
      const ran = new Set<unknown>()
      const { add } = openTestQueue(db, {
        run: async ({ payload }) => {
          ran.add(payload.name)
          await sleep(20)
        },
      })
      const other = connectTestDatabase(url)
      for (let round = 0; round < 10; round += 1) {
        const names = Array.from({ length: 20 }, (_, name) => ({ task: 'slow', payload: { name: `${round} ${name}` } }))
        await add(...names).catch(() => add(...names))
        await sql`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()`.execute(other)
        await sleep(50)
      }

      await vi.waitFor(() => expect(ran.size).toBe(200), 15_000)
    })
  })
}
