import type { Logger } from 'pino'
import type { Clock } from '../../core/clock.ts'
import type { Tasks } from '../job-lanes.ts'
import type { QueueTimes } from '../job-queue.ts'
import type { Database } from '../tables.ts'

/** What either queue is made of. */
export interface JobQueueParts {
  readonly db: Database
  readonly tasks: Tasks
  /** Every lane that a job can be in. */
  readonly lanes: readonly string[]
  readonly clock: Clock
  readonly log: Logger
  readonly times: QueueTimes
}

/** How many jobs a process runs at once. A slow one mostly waits for somebody else's answer. */
export const jobsAtOnce = { short: 4, slow: 8 } as const

/** What is said of a job whose process died before it could say anything. */
export const lostProcess = 'Its process ended while it ran.'
