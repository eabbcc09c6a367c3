import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { pino } from 'pino'
import { systemClock } from '../../server/core/clock.ts'
import { openJobQueue } from '../../server/store/dialect/job-queue.ts'
import { openDatabase } from '../../server/store/dialect/open-database.ts'
import { inWriteTransaction } from '../../server/store/dialect/transactions.ts'
import type { QueueTimes } from '../../server/store/job-queue.ts'
import { jobTestTasks } from './job-test-tasks.ts'
import { watchDatabase } from './watched-database.ts'

/** What a process of the queue's tests is told to do; it says so with one message when it has begun. */
export type JobProcessOrder =
  /** Runs jobs until it is killed: each writes a row into `ran`, after which it takes as long as `holdMs` says. */
  | { readonly kind: 'run'; readonly url: string; readonly times: Partial<QueueTimes>; readonly holdMs: number }
  /** Writes a row and adds jobs in one transaction, and kills itself before that statement; 0: after the commit. */
  | { readonly kind: 'add'; readonly url: string; readonly killBefore: number; readonly row: string }

process.on('message', (order: JobProcessOrder) => void (order.kind === 'run' ? run(order) : add(order)))
process.on('disconnect', () => process.exit(0))

async function run({ url, times, holdMs }: Extract<JobProcessOrder, { kind: 'run' }>): Promise<void> {
  const db = openDatabase(url)
  const queue = openJobQueue(db, {
    tasks: jobTestTasks,
    clock: systemClock,
    log: pino({ level: 'warn' }, process.stderr),
    times,
  })
  queue.start(async ({ payload }) => {
    await sql`insert into ran (name, pid) values (${String(payload.name)}, ${process.pid})`.execute(db)
    if (holdMs > 0) await sleep(holdMs)
  })
  process.send?.('running')
}

async function add({ url, killBefore, row }: Extract<JobProcessOrder, { kind: 'add' }>): Promise<void> {
  const die = () => process.kill(process.pid, 'SIGKILL')
  const { db, statements } = watchDatabase(openDatabase(url), (statement) => {
    if (statement === killBefore) die()
  })
  const queue = openJobQueue(db, { tasks: jobTestTasks, clock: systemClock, log: pino({ level: 'silent' }) })
  await inWriteTransaction(db, async (transaction) => {
    await transaction.insertInto('setting').values({ key: row, value: 'made' }).execute()
    const jobs = ['short', 'slow'].map((task) => ({ task, payload: { name: row } }))
    await queue.addJobs(transaction, jobs)
    await queue.addKeyedJob(transaction, { task: 'slow', key: row, payload: { name: row } })
    if (killBefore > statements()) die()
  })
  process.send?.(`${statements()} statements`, () => die())
}
