import { setTimeout as sleep } from 'node:timers/promises'
import { Logger, runTaskList, type Task, type TaskList, type WorkerPool } from 'graphile-worker'
import type { Logger as ServerLog } from 'pino'
import { jobErrorText } from '../job-error.ts'
import type { JobPayload, RunningJob, TaskSpeed } from '../job-queue.ts'
import { createGraphilePool } from './graphile-pool.ts'
import { jobsSchema } from './job-queue-migration.ts'
import { type JobQueueParts, jobsAtOnce } from './job-queue-parts.ts'
import type { PostgresListener } from './postgres-listener.ts'
import { startWorkerHeartbeat } from './worker-heartbeat.ts'

const restartMs = 1_000

/**
 * Short tasks are claimed a hundred at a time, and many are marked done in one statement. Slow ones are claimed one by
 * one: a neighbour that was claimed along would wait in this process while another is free (L2).
 */
const batching = {
  short: { localQueue: { size: 100 }, completeJobBatchDelay: 5, failJobBatchDelay: 5 },
  // A batch of one: only a batch is tried again when the database is away.
  slow: { completeJobBatchDelay: 0, failJobBatchDelay: 0 },
}

export interface JobRunners {
  stop(): Promise<void>
}

/** Runs jobs with graphile-worker, one group of runners for each speed, and takes over those of dead processes. */
export function startJobRunners(
  parts: JobQueueParts,
  listener: PostgresListener | undefined,
  run: (job: RunningJob) => Promise<void>,
): JobRunners {
  const { db, tasks, log, times } = parts
  const stopping = new AbortController()
  const pool = createGraphilePool(db, listener)
  const groups = new Map<TaskSpeed, WorkerPool>()
  let isStopping = false

  function startGroup(speed: TaskSpeed): void {
    const names = Object.keys(tasks).filter((task) => tasks[task]?.speed === speed)
    if (names.length === 0) return
    const taskList: TaskList = Object.fromEntries(names.map((task) => [task, handlerOf(task)]))
    const group = runTaskList(
      {
        schema: jobsSchema,
        concurrency: jobsAtOnce[speed],
        pollInterval: times.pollMs,
        noHandleSignals: true,
        noPreparedStatements: true,
        logger: new Logger(() => graphileLog(log)),
        preset: { worker: batching[speed] },
      },
      taskList,
      pool,
    )
    groups.set(speed, group)
    const restart = (error?: unknown) => {
      if (isStopping || groups.get(speed) !== group) return
      log.error({ err: error }, 'the job runners stopped by themselves; they are started again')
      groups.delete(speed)
      setTimeout(() => isStopping || startGroup(speed), restartMs)
    }
    group.promise.then(() => restart(), restart)
  }

  function handlerOf(task: string): Task {
    return async (payload, { job }) => {
      try {
        await run({ task, payload: payload as JobPayload, attempt: job.attempts, signal: stopping.signal })
      } catch (error) {
        const reason = jobErrorText(error)
        log.warn({ task, attempt: job.attempts, reason }, 'job failed')
        throw new Error(reason) // what is stored is the message
      }
    }
  }

  for (const speed of ['short', 'slow'] as const) startGroup(speed)
  const heartbeat = startWorkerHeartbeat(parts, () => [...groups.values()].map(({ id }) => id))

  async function stopGroup(group: WorkerPool): Promise<void> {
    const graceful = Promise.resolve(group.gracefulShutdown()).then(
      () => true,
      () => true, // it has said so in the log
    )
    if (await Promise.race([graceful, sleep(times.graceMs, false, { ref: false })])) return
    stopping.abort(new Error('The server stops.'))
    if (await Promise.race([graceful, sleep(times.abortMs, false, { ref: false })])) return
    await Promise.resolve(group.forcefulShutdown('The server stopped while it ran.')).catch(() => undefined)
  }

  return {
    stop: async () => {
      isStopping = true
      await Promise.all([...groups.values()].map(stopGroup))
      await heartbeat.stop()
    },
  }
}

/** Its errors are ours to know; what it says of each job we say ourselves. What else it passes may hold payloads. */
function graphileLog(log: ServerLog) {
  return (level: string, message: string) => {
    if (message.startsWith('Failed task')) return
    if (level === 'error' || level === 'warning') log.warn({ message }, 'graphile-worker')
  }
}
