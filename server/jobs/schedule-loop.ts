import type { Logger } from 'pino'
import type { Clock } from '../core/clock.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import type { JobQueue } from '../store/job-queue.ts'
import { takeScheduleSlot } from '../store/job-schedule.ts'
import type { Database } from '../store/tables.ts'
import { type Loop, startLoop } from './loop.ts'
import type { JobTask } from './tasks.ts'

const everyMs = 1_000

export interface ScheduleDeps {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  readonly queue: JobQueue
  readonly tasks: Readonly<Record<string, JobTask>>
}

/**
 * Adds the jobs of scheduled tasks: one in each period, by the first process that looks; one only where several
 * periods passed without any process. What still waits or runs from the period before is joined, not doubled (L5).
 */
export function startScheduleLoop({ db, clock, log, queue, tasks }: ScheduleDeps): Loop {
  const seen = new Map<string, number>()

  async function turn(): Promise<boolean> {
    for (const [task, { everyMs: periodMs }] of Object.entries(tasks)) {
      if (periodMs === undefined) continue
      const slot = Math.floor(clock.now() / periodMs)
      if (seen.get(task) === slot) continue
      await inWriteTransaction(db, async (transaction) => {
        if (await takeScheduleSlot(transaction, task, slot)) {
          await queue.addKeyedJob(transaction, { task, key: `schedule ${task}` })
        }
      })
      seen.set(task, slot)
    }
    return false
  }

  return startLoop({ name: 'schedule', everyMs, log, turn })
}
