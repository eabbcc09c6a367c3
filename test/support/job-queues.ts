import { fork } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { sql } from 'kysely'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../server/core/clock.ts'
import { openJobQueue } from '../../server/store/dialect/job-queue.ts'
import { isPostgres } from '../../server/store/dialect/kind.ts'
import { openPostgresListener } from '../../server/store/dialect/postgres-listener.ts'
import { inWriteTransaction } from '../../server/store/dialect/transactions.ts'
import type { JobQueue, KeyedJob, NewJob, QueueTimes, RunningJob } from '../../server/store/job-queue.ts'
import type { Database } from '../../server/store/tables.ts'
import type { JobProcessOrder } from './job-process.ts'
import { jobTestTasks } from './job-test-tasks.ts'

/** Starts `dist/test/support/job-process.js`, killed at the end of the test; resolves with its first message. */
export async function startJobProcess(order: JobProcessOrder): Promise<JobProcess> {
  const child = fork(resolve('dist/test/support/job-process.js'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = once(child, 'exit').then(() => undefined)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  child.send(order)
  const message = await Promise.race([once(child, 'message').then(([text]) => String(text)), ended])
  return { message, pid: child.pid, kill: () => child.kill('SIGKILL'), ended }
}

export interface JobProcess {
  /** Undefined where it ended without one. */
  readonly message: string | undefined
  readonly pid: number | undefined
  kill(): void
  readonly ended: Promise<void>
}

/** Where the processes write which jobs ran. */
export async function createRanTable(db: Database): Promise<void> {
  await sql`create table ran (name text not null, pid integer not null)`.execute(db)
}

export async function listRan(db: Database): Promise<{ name: string; pid: number }[]> {
  return (await sql<{ name: string; pid: number }>`select name, pid from ran`.execute(db)).rows
}

/** Makes every job that waits due at once, so that a test need not wait for the back-off. */
export async function hurryJobs(db: Database): Promise<void> {
  if (isPostgres(db)) {
    await sql`select id from mooring_jobs.reschedule_jobs(
      array(select id from mooring_jobs.jobs where run_at > now() and attempts < max_attempts), run_at := now())`.execute(
      db,
    )
  } else await db.updateTable('job').set({ run_at: 0 }).where('state', '=', 'waiting').execute()
}

export interface TestQueue {
  readonly queue: JobQueue
  /** Each in a transaction of its own. */
  add(...jobs: readonly NewJob[]): Promise<void>
  addKeyed(job: KeyedJob): Promise<void>
  readonly logged: Record<string, unknown>[]
  /** Stops it before the test ends; a second call does nothing. */
  stop(): Promise<void>
}

export interface TestQueueOptions {
  readonly times?: Partial<QueueTimes>
  /** Where it listens, on PostgreSQL; absent: nowhere. */
  readonly listenUrl?: string
  readonly run?: (job: RunningJob) => Promise<void>
}

/** Opens the queue of a test's database, started where there is something to run; stopped when the test ends. */
export function openTestQueue(db: Database, { times = {}, listenUrl, run }: TestQueueOptions = {}): TestQueue {
  const logged: Record<string, unknown>[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const listener = listenUrl === undefined ? undefined : openPostgresListener(listenUrl, () => undefined)
  const queue = openJobQueue(db, {
    tasks: jobTestTasks,
    clock: systemClock,
    log,
    times: { pollMs: 200, graceMs: 200, abortMs: 200, ...times },
    ...(listener && { listener }),
  })
  if (run) queue.start(run)
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= queue.stop().then(() => listener?.close())
    return stopped
  }
  onTestFinished(stop)
  return {
    queue,
    add: (...jobs) => inWriteTransaction(db, (transaction) => queue.addJobs(transaction, jobs)),
    addKeyed: (job) => inWriteTransaction(db, (transaction) => queue.addKeyedJob(transaction, job)),
    logged,
    stop,
  }
}
