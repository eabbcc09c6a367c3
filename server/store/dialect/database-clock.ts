import { sql } from 'kysely'
import type { Clock } from '../../core/clock.ts'
import type { Database } from '../tables.ts'
import { isPostgres } from './kind.ts'

/** The time that all processes on one database share: for leases, and for what is not due before its time. */
export interface DatabaseClock extends Clock {
  /** How far this machine's clock is ahead of the database's, in milliseconds, at the last look; 0 on SQLite. */
  readonly driftMs: number
  stop(): void
}

const everyMs = 30_000
const toleratedDriftMs = 60_000

/**
 * Starts the clock of a database: PostgreSQL's own, asked every half minute, on SQLite this machine's at the start. In
 * between the monotonic clock counts on, so that a clock that is set meanwhile ends no lease, and two servers whose
 * clocks differ do not take each other's work (F15). `onDrift` hears of a clock that is more than a minute off.
 */
export async function startDatabaseClock(
  db: Database,
  clock: Clock,
  onDrift: (driftMs: number) => void,
): Promise<DatabaseClock> {
  let base = clock.now()
  let basedAt = performance.now()
  let driftMs = 0

  async function look(): Promise<void> {
    const asked = performance.now()
    const { rows } = await sql<{ now: number }>`
      select (extract(epoch from clock_timestamp()) * 1000)::float8 as now`.execute(db)
    const [row] = rows
    if (!row) return
    // The answer is of some moment in between.
    basedAt = (asked + performance.now()) / 2
    base = row.now
    driftMs = Math.round(clock.now() - (base + performance.now() - basedAt))
    if (Math.abs(driftMs) > toleratedDriftMs) onDrift(driftMs)
  }

  let timer: NodeJS.Timeout | undefined
  if (isPostgres(db)) {
    await look()
    // While the database does not answer, time goes on without it.
    timer = setInterval(() => void look().catch(() => undefined), everyMs).unref()
  }
  return {
    now: () => Math.round(base + performance.now() - basedAt),
    get driftMs() {
      return driftMs
    },
    stop: () => clearInterval(timer),
  }
}
