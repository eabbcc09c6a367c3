import type { Logger } from 'pino'
import type { Clock } from '../../core/clock.ts'
import { listLanes, type Tasks } from '../job-lanes.ts'
import { type JobQueue, type QueueTimes, queueTimes } from '../job-queue.ts'
import type { Database } from '../tables.ts'
import { isPostgres } from './kind.ts'
import { openPostgresJobQueue } from './postgres-job-queue.ts'
import type { PostgresListener } from './postgres-listener.ts'
import { openSqliteJobQueue } from './sqlite-job-queue.ts'

export interface JobQueueOptions {
  readonly tasks: Tasks
  readonly clock: Clock
  readonly log: Logger
  /** Hears of new jobs at once, on PostgreSQL; without it they are found by looking. */
  readonly listener?: PostgresListener
  readonly times?: Partial<QueueTimes>
}

/**
 * Opens the queue of a migrated database: graphile-worker on PostgreSQL, a table on SQLite (L2). Jobs can be added at
 * once; they run after `start`.
 *
 * @throws for tasks whose settings cannot work
 */
export function openJobQueue(db: Database, { tasks, clock, log, listener, times }: JobQueueOptions): JobQueue {
  const parts = { db, tasks, lanes: listLanes(tasks), clock, log, times: { ...queueTimes, ...times } }
  return isPostgres(db) ? openPostgresJobQueue(parts, listener) : openSqliteJobQueue(parts)
}
