import type { Bit, EpochMs, Json } from './column-types.ts'

/** The newest slot of each scheduled task for which a job was added: a number of periods since 1970. */
export interface JobScheduleTable {
  task: string
  slot: number
}

/** The queue of slow, retried and scheduled work; on SQLite only: PostgreSQL has graphile-worker's own tables (L2). */
export interface JobTable {
  /** UUIDv7. */
  id: string
  task: string
  speed: 'short' | 'slow'
  state: 'waiting' | 'running' | 'dead'
  lane: string | null
  key: string | null
  payload: Json
  run_at: EpochMs
  attempts: number
  max_attempts: number
  /** Set while it runs, when its key was added again: it is not tried again. */
  superseded: Bit
  error: string | null
  created_at: EpochMs
}

/** Who runs jobs, and when they last said so, by the database's own clock; on PostgreSQL only (L9). */
export interface WorkerHeartbeatTable {
  worker_id: string
  seen_at: Date
}
