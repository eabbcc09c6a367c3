import type { Transaction } from 'kysely'
import type { Tables } from './tables.ts'

/**
 * How a task's jobs are claimed: `short` ones many at a time, since none keeps the others waiting; `slow` ones, which
 * call somebody else, one by one (L2).
 */
export type TaskSpeed = 'short' | 'slow'

/** What the queue knows of a task before there is anybody to run it. */
export interface TaskSettings {
  readonly speed: TaskSpeed
  /** How often a job is tried before it counts as dead; at least 3, since a process may die with jobs it never ran. */
  readonly maxAttempts: number
  /** A lane of the task's own, in which its jobs run one after the other. For slow tasks. */
  readonly ownLane?: boolean
}

/** Ids and what else cannot have changed: a handler reads the present state and never trusts its payload (L5). */
export type JobPayload = Readonly<Record<string, unknown>>

export interface NewJob {
  readonly task: string
  readonly payload?: JobPayload
  /** Not before, in epoch milliseconds; absent: at once. */
  readonly runAt?: number
  /**
   * At most one job of a key waits: a later one takes its place, payload, time and attempts. Of a slow task, jobs with
   * the same key also run one after the other; of a short task they may run beside each other.
   */
  readonly key?: string
}

export interface KeyedJob extends NewJob {
  readonly key: string
}

/** A job that is being run. */
export interface RunningJob {
  readonly task: string
  readonly payload: JobPayload
  readonly attempt: number
  /** Aborted when the process stops and does not wait any longer. */
  readonly signal: AbortSignal
}

/** A job that failed as often as it may: it stays, to be seen, until it is forgotten or its key is added again. */
export interface DeadJob {
  readonly id: string
  readonly task: string
  readonly key: string | null
  readonly attempts: number
  readonly error: string
  readonly createdAt: number
}

export interface QueueFigures {
  /** Jobs whose time has come, running ones not counted. */
  readonly due: number
  readonly dead: number
  /** Rows that PostgreSQL has not cleaned up yet, by table (L8); none on SQLite. */
  readonly deadRows: ReadonlyMap<string, number>
}

/**
 * Work that is slow, retried or scheduled, on either database (L2). A job runs at least once: its process may die
 * after the work and before saying so, so handlers are idempotent. What a handler throws is kept as text, and the job
 * is tried again after e, e², e³ … seconds.
 */
export interface JobQueue {
  /**
   * Adds jobs in the transaction that makes them necessary: rolled back, there is none; committed, each runs (L3).
   *
   * @throws when a keyed job cannot be added in five tries (L4): the transaction must fail
   */
  addJobs(transaction: Transaction<Tables>, jobs: readonly NewJob[]): Promise<void>
  /** Adds one, after which its key runs with this payload, or a later one, whatever runs meanwhile (L4, L5). */
  addKeyedJob(transaction: Transaction<Tables>, job: KeyedJob): Promise<void>
  /** Begins to run jobs; once. */
  start(run: (job: RunningJob) => Promise<void>): void
  /** Claims nothing more, waits for what runs, and gives back what does not end in time. */
  stop(): Promise<void>
  /** The newest dead jobs. */
  listDeadJobs(limit: number): Promise<DeadJob[]>
  /** Deletes up to a thousand dead jobs created before that time, and says how many. */
  forgetDeadJobs(before: number): Promise<number>
  figures(): Promise<QueueFigures>
}

/** The times of a queue, in milliseconds; tests have shorter ones. */
export interface QueueTimes {
  /** How often everybody looks for work, told or not (L7). */
  readonly pollMs: number
  /** How often a process says that it lives, and how long it is silent until others take its jobs (L9). */
  readonly heartbeatMs: number
  readonly silentMs: number
  /** How long running jobs may go on after `stop`, and from their signal's abort until they are given back. */
  readonly graceMs: number
  readonly abortMs: number
}

export const queueTimes: QueueTimes = {
  pollMs: 1_000,
  heartbeatMs: 5_000,
  silentMs: 30_000,
  graceMs: 6_000,
  abortMs: 1_500,
}
