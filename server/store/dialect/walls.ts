import { sql } from 'kysely'
import type { Database } from '../tables.ts'
import { isPostgres } from './kind.ts'

/** How far the database is from its limits (L37); NaN where it has no such limit. */
export interface Walls {
  /** Rows that were replaced or deleted and not yet cleared away. */
  readonly deadRows: number
  /** Days after today, without a gap, whose delivery partition is there (L11). */
  readonly partitionDaysAhead: number
  /** How full the queue of notifications is, from 0 to 1. */
  readonly notifyQueueUse: number
}

const none: Walls = { deadRows: Number.NaN, partitionDaysAhead: Number.NaN, notifyQueueUse: Number.NaN }
const dayMs = 86_400_000

export async function measureWalls(db: Database, now: number): Promise<Walls> {
  if (!isPostgres(db)) return none
  const { rows } = await sql<{ dead: number; use: number; partitions: string[] }>`
    select (select coalesce(sum(n_dead_tup), 0)::float8 from pg_stat_user_tables) as dead,
      pg_notification_queue_usage() as use,
      array(select inhrelid::regclass::text from pg_inherits where inhparent = 'delivery'::regclass) as partitions`.execute(
    db,
  )
  const [row] = rows
  if (!row) return none
  return { deadRows: row.dead, partitionDaysAhead: daysAhead(row.partitions, now), notifyQueueUse: row.use }
}

function daysAhead(partitions: readonly string[], now: number): number {
  const present = new Set(partitions)
  let days = 0
  while (present.has(nameOf(now + (days + 1) * dayMs))) days += 1
  return days
}

function nameOf(time: number): string {
  return `delivery_${new Date(time).toISOString().slice(0, 10).replaceAll('-', '')}`
}
