import { type Selectable, sql, type Transaction } from 'kysely'
import { uuidv7 } from '../../core/uuid-v7.ts'
import { jobErrorText } from '../job-error.ts'
import { laneOf, settingsOf } from '../job-lanes.ts'
import type { JobQueue, NewJob, RunningJob, TaskSpeed } from '../job-queue.ts'
import type { Tables } from '../tables.ts'
import { type JobQueueParts, jobsAtOnce, lostProcess } from './job-queue-parts.ts'

type Row = Selectable<Tables['job']>
type Claimed = Pick<Row, 'id' | 'task' | 'speed' | 'lane' | 'payload' | 'attempts' | 'max_attempts'>
interface Ended {
  readonly job: Claimed
  /** Undefined: it succeeded. */
  readonly error: unknown
}

const speeds = ['short', 'slow'] as const

/** The queue on SQLite, which one process has to itself (R210): which jobs run is known in memory. */
export function openSqliteJobQueue({ db, tasks, lanes, clock, log, times }: JobQueueParts): JobQueue {
  const running = new Map<string, { readonly job: Claimed; readonly done: Promise<void> }>()
  const stopping = new AbortController()
  let run: ((job: RunningJob) => Promise<void>) | undefined
  let timer: NodeJS.Timeout | undefined
  let isFreed = false
  let isStopping = false
  let isKicked = false
  let turning: Promise<void> | undefined
  const ended: Ended[] = []

  /** Writes what ended, and claims what is due, until there is nothing left to do at once. */
  async function turn(): Promise<void> {
    do {
      isKicked = false
      try {
        if (!isFreed) await freeAll()
        isFreed = true
        await writeEnded()
        for (const speed of speeds) {
          if (isStopping || run === undefined) continue
          for (const job of await claim(speed)) execute(run, job)
        }
      } catch (error) {
        log.error({ err: error }, 'the queue could not be read; it is tried again')
        return // not at once: what failed now would fail again
      }
    } while (isKicked)
  }

  function kick(): void {
    if (run === undefined) return
    isKicked = true
    turning ??= turn().finally(() => {
      turning = undefined
    })
  }

  function execute(handle: (job: RunningJob) => Promise<void>, job: Claimed): void {
    const { id, task, attempts, payload } = job
    const work = async () => handle({ task, payload: JSON.parse(payload), attempt: attempts, signal: stopping.signal })
    const done = work().then(
      () => end(job, undefined),
      (error: unknown) => end(job, error ?? new Error('failed without an error')),
    )
    running.set(id, { job, done })
  }

  function end(job: Claimed, error: unknown): void {
    if (!running.delete(job.id)) return // given back already
    if (error !== undefined) {
      log.warn({ task: job.task, attempt: job.attempts, reason: jobErrorText(error) }, 'job failed')
    }
    ended.push({ job, error })
    kick()
  }

  async function claim(speed: TaskSpeed): Promise<Claimed[]> {
    const inUse = [...running.values()].filter(({ job }) => job.speed === speed)
    const limit = jobsAtOnce[speed] - inUse.length
    if (limit <= 0) return []
    const busy = new Set(inUse.map(({ job }) => job.lane))
    const free = lanes.filter((lane) => !busy.has(lane))
    const due = sql`state = 'waiting' and speed = ${speed} and run_at <= ${clock.now()}`
    const { rows } = await sql<Claimed>`
      with next as (
        select id, run_at from job where id in (
          select (select id from job where ${due} and lane = free.value order by run_at, id limit 1)
          from json_each(${JSON.stringify(free)}) as free)
        union all
        select id, run_at from (
          select id, run_at from job where ${due} and lane is null order by run_at, id limit ${limit})
      )
      update job set state = 'running', attempts = attempts + 1
      where id in (select id from next order by run_at, id limit ${limit})
      returning id, task, speed, lane, payload, attempts, max_attempts`.execute(db)
    return rows
  }

  async function writeEnded(): Promise<void> {
    const batch = ended.splice(0)
    if (batch.length === 0) return
    try {
      await db.transaction().execute((transaction) => write(transaction, batch))
    } catch (error) {
      ended.unshift(...batch)
      throw error
    }
  }

  async function write(transaction: Transaction<Tables>, batch: readonly Ended[]): Promise<void> {
    const succeeded = batch.filter(({ error }) => error === undefined).map(({ job }) => job.id)
    if (succeeded.length > 0) await transaction.deleteFrom('job').where('id', 'in', succeeded).execute()
    for (const { job, error } of batch) {
      if (error === undefined) continue
      // The run that took the key's place covers this one.
      await transaction.deleteFrom('job').where('id', '=', job.id).where('superseded', '=', 1).execute()
      await transaction
        .updateTable('job')
        .set({
          state: job.attempts >= job.max_attempts ? 'dead' : 'waiting',
          run_at: Math.round(clock.now() + Math.exp(Math.min(job.attempts, 10)) * 1_000),
          error: jobErrorText(error),
        })
        .where('id', '=', job.id)
        .execute()
    }
  }

  /** What ran when the last process ended: at its start nobody else runs anything (L9). */
  async function freeAll(): Promise<void> {
    await db.deleteFrom('job').where('state', '=', 'running').where('superseded', '=', 1).execute()
    await db
      .updateTable('job')
      .set((eb) => ({
        state: eb
          .case()
          .when('attempts', '>=', eb.ref('max_attempts'))
          .then('dead' as const)
          .else('waiting' as const)
          .end(),
        error: eb.fn.coalesce('error', eb.val(lostProcess)),
      }))
      .where('state', '=', 'running')
      .execute()
  }

  const addJobs: JobQueue['addJobs'] = async (transaction, jobs) => {
    const now = clock.now()
    for (const job of jobs) {
      const row = rowOf(job, now)
      if (job.key !== undefined) {
        await transaction
          .updateTable('job')
          .set({ key: null, superseded: 1 })
          .where('key', '=', job.key)
          .where('state', '=', 'running')
          .execute()
      }
      await transaction
        .insertInto('job')
        .values(row)
        .onConflict((conflict) =>
          conflict.column('key').doUpdateSet({ ...row, id: sql.ref('job.id'), created_at: sql.ref('job.created_at') }),
        )
        .execute()
    }
    // There is one connection, so this looks after the commit.
    kick()
  }

  function rowOf(job: NewJob, now: number): Row {
    const settings = settingsOf(tasks, job.task)
    return {
      id: uuidv7(now),
      task: job.task,
      speed: settings.speed,
      state: 'waiting',
      lane: laneOf(job, settings),
      key: job.key ?? null,
      payload: JSON.stringify(job.payload ?? {}),
      run_at: job.runAt ?? now,
      attempts: 0,
      max_attempts: settings.maxAttempts,
      superseded: 0,
      error: null,
      created_at: now,
    }
  }

  return {
    addJobs,
    addKeyedJob: (transaction, job) => addJobs(transaction, [job]),
    start: (handle) => {
      run = handle
      timer = setInterval(kick, times.pollMs)
      kick()
    },
    stop: async () => {
      isStopping = true
      clearInterval(timer)
      await turning
      const all = () => Promise.all([...running.values()].map(({ done }) => done))
      if (!(await endsWithin(all(), times.graceMs))) {
        stopping.abort(new Error('The server stops.'))
        await endsWithin(all(), times.abortMs)
      }
      await turning
      await writeEnded()
      const left = [...running.keys()]
      running.clear()
      if (left.length > 0) await db.updateTable('job').set({ state: 'waiting' }).where('id', 'in', left).execute()
    },
    listDeadJobs: async (limit) => {
      const rows = await db
        .selectFrom('job')
        .select(['id', 'task', 'key', 'attempts', 'error', 'created_at as createdAt'])
        .where('state', '=', 'dead')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute()
      return rows.map((row) => ({ ...row, error: row.error ?? lostProcess }))
    },
    forgetDeadJobs: async (before) => {
      const old = db.selectFrom('job').select('id').where('state', '=', 'dead').where('created_at', '<', before)
      const deleted = await db.deleteFrom('job').where('id', 'in', old.limit(1000)).executeTakeFirst()
      return Number(deleted.numDeletedRows)
    },
    figures: async () => {
      const { rows } = await sql<{ due: number; dead: number }>`
        select count(*) filter (where state = 'waiting' and run_at <= ${clock.now()}) as due,
          count(*) filter (where state = 'dead') as dead
        from job`.execute(db)
      return { due: rows[0]?.due ?? 0, dead: rows[0]?.dead ?? 0, deadRows: new Map() }
    },
  }
}

/** Whether it ended in that time; what it throws is thrown. */
async function endsWithin(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds)
  })
  const inTime = await Promise.race([work.then(() => true), late])
  clearTimeout(timer)
  return inTime
}
