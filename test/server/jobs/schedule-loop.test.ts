import { pino } from 'pino'
import { Registry } from 'prom-client'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { watchQueue } from '../../../server/jobs/queue-metrics.ts'
import { startScheduleLoop } from '../../../server/jobs/schedule-loop.ts'
import { type JobTask, jobTasks } from '../../../server/jobs/tasks.ts'
import { openJobQueue } from '../../../server/store/dialect/job-queue.ts'
import { listLanes } from '../../../server/store/job-lanes.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases } from '../../support/databases.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'

const hourMs = 3_600_000
const log = pino({ level: 'silent' })

/** One process with an hourly task, at the time that the clock says. */
function startProcess(db: Database, clock: { now(): number }) {
  const runs: number[] = []
  const run: JobTask['run'] = async (_, { attempt }) => void runs.push(attempt)
  const tasks = {
    hourly: { speed: 'slow', ownLane: true, maxAttempts: 3, everyMs: hourMs, run },
    unscheduled: { speed: 'short', maxAttempts: 3, run },
  } satisfies Record<string, JobTask>
  const queue = openJobQueue(db, { tasks, clock, log, times: { pollMs: 100 } })
  queue.start(async (job) => tasks.hourly.run({ db, clock, log, queue }, job))
  const loop = startScheduleLoop({ db, clock, log, queue, tasks })
  onTestFinished(() => loop.stop().then(() => queue.stop()))
  return { runs, loop }
}

for (const database of databases) {
  describe(database.name, () => {
    test('L2 a scheduled task runs once in each period, and once for all that were missed', async () => {
      const db = connectTestDatabase(await openTestDatabaseUrl(database))
      // Times before now: what is due is judged by the database's clock on PostgreSQL.
      let now = Math.floor(Date.now() / hourMs - 100) * hourMs
      const { runs, loop } = startProcess(db, { now: () => now })
      await vi.waitFor(() => expect(runs).toHaveLength(1), 5_000)
      now += hourMs - 1
      loop.kick()
      await new Promise((resolve) => setTimeout(resolve, 400))
      const sameHour = runs.length

      now += 1
      loop.kick()
      await vi.waitFor(() => expect(runs).toHaveLength(2), 5_000)
      now += 7 * hourMs
      loop.kick()
      await vi.waitFor(() => expect(runs).toHaveLength(3), 5_000)
      await new Promise((resolve) => setTimeout(resolve, 400))

      expect([sameHour, runs.length]).toEqual([1, 3])
    })

    if (database.name === 'sqlite') return // has one process (R210)
    test('L2 of several processes one does what is scheduled', async () => {
      const url = await openTestDatabaseUrl(database)
      let now = Date.now() - 10 * hourMs
      const processes = [1, 2, 3].map(() => startProcess(connectTestDatabase(url), { now: () => now }))
      const runs = () => processes.reduce((sum, each) => sum + each.runs.length, 0)
      await vi.waitFor(() => expect(runs()).toBe(1), 5_000)

      now += hourMs
      for (const { loop } of processes) loop.kick()

      await vi.waitFor(() => expect(runs()).toBe(2), 5_000)
      await new Promise((resolve) => setTimeout(resolve, 500))
      expect(runs()).toBe(2)
    })
  })
}

test('L6 the tasks of the server have lanes and tries that work', () => {
  expect(listLanes(jobTasks).length).toBeLessThanOrEqual(100)
  expect(() => listLanes({ many: { speed: 'short', maxAttempts: 3, ownLane: true } })).toThrow('cannot have a lane')
  expect(() => listLanes({ once: { speed: 'short', maxAttempts: 1 } })).toThrow('at least 3 attempts')
  const tasks = Array.from(
    { length: 85 },
    (_, n) => [`t${n}`, { speed: 'slow', maxAttempts: 3, ownLane: true }] as const,
  )
  expect(() => listLanes(Object.fromEntries(tasks))).toThrow('at most 100')
})

test('L8 what waits, what has died and what is not cleaned up are gauges', async () => {
  const registry = new Registry()
  watchQueue(registry, { figures: async () => ({ due: 3, dead: 2, deadRows: new Map([['jobs', 7]]) }) })

  const text = await registry.metrics()

  expect(text).toContain('mooring_jobs_due 3\n')
  expect(text).toContain('mooring_jobs_dead 2\n')
  expect(text).toContain('mooring_queue_dead_rows{table="jobs"} 7\n')
})
