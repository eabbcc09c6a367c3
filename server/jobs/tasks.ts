import type { Logger } from 'pino'
import type { Clock } from '../core/clock.ts'
import { logAuditHead } from '../services/audit-log.ts'
import { deleteOldDeliveryKeys } from '../store/delivery-queue.ts'
import { ensureDeliveryPartitions } from '../store/dialect/delivery-partitions.ts'
import { emptyWal } from '../store/dialect/empty-wal.ts'
import { deleteExpiredKeys } from '../store/idempotency.ts'
import type { JobQueue, RunningJob, TaskSettings } from '../store/job-queue.ts'
import type { Database } from '../store/tables.ts'

/** What every task's handler gets. */
export interface TaskDeps {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  readonly queue: JobQueue
}

/** One kind of work that the queue does. */
export interface JobTask extends TaskSettings {
  /** Scheduled: done once in every such period, by whichever process, never beside itself. In milliseconds. */
  readonly everyMs?: number
  run(deps: TaskDeps, job: RunningJob): Promise<void>
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** How long a request id is remembered (L12); an older repeat is found by its body. */
const keepKeysMs = 48 * hourMs
const keepDeadJobsMs = 30 * dayMs

/** Everything that the queue can do, a line each. A name never changes: jobs of an earlier release may be waiting. */
export const jobTasks = {
  'make-partitions': scheduled(hourMs, ({ db, clock }) => ensureDeliveryPartitions(db, clock.now())), // L11
  'forget-delivery-keys': scheduled(hourMs, ({ db, clock }, job) =>
    untilNone(job, () => deleteOldDeliveryKeys(db, clock.now() - keepKeysMs)),
  ),
  'forget-idempotency-keys': scheduled(hourMs, ({ db, clock }, job) =>
    untilNone(job, () => deleteExpiredKeys(db, clock.now())),
  ), // R202
  'forget-dead-jobs': scheduled(dayMs, ({ queue, clock }, job) =>
    untilNone(job, () => queue.forgetDeadJobs(clock.now() - keepDeadJobsMs)),
  ),
  'log-audit-head': scheduled(hourMs, ({ db, log }) => logAuditHead(db, log)), // S71
  'empty-wal': scheduled(hourMs, ({ db }) => emptyWal(db)), // S83
} satisfies Readonly<Record<string, JobTask>>

/** In a lane of its own, since it may take long; a few tries, since the next period comes. */
function scheduled(everyMs: number, run: JobTask['run']): JobTask {
  return { speed: 'slow', ownLane: true, maxAttempts: 5, everyMs, run }
}

/** A thousand rows at a time, so that nobody waits for the lock of all of them. */
async function untilNone({ signal }: RunningJob, deleteSome: () => Promise<number>): Promise<void> {
  while (!signal.aborted && (await deleteSome()) > 0);
}
