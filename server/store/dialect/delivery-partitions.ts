import { type Kysely, sql } from 'kysely'
import type { Database, Tables } from '../tables.ts'
import { isPostgres } from './kind.ts'

const dayMs = 86_400_000
const daysAhead = 7

/** Serialises whoever makes partitions, in whichever process. */
const partitionLock = 7_305_809_140

/**
 * Makes the delivery partitions of today and the seven days ahead, those that are missing (L11): called at start and
 * each hour. On SQLite, whose table is one piece, it does nothing.
 */
export async function ensureDeliveryPartitions(db: Database, now: number): Promise<void> {
  if (!isPostgres(db)) return
  const today = Math.floor(now / dayMs)
  const days = Array.from({ length: daysAhead + 1 }, (_, ahead) => today + ahead)
  const { rows } = await sql<{
    name: string
  }>`select relname as name from pg_class where relname = any(${days.map(partitionName)})`.execute(db)
  const present = new Set(rows.map(({ name }) => name))
  for (const day of days.filter((each) => !present.has(partitionName(each)))) {
    await db.transaction().execute((transaction) => createPartition(transaction, day))
  }
}

/**
 * The statements that make the partition of the day that `time` falls on, to be run as one transaction. It is made
 * beside the table and then attached, which neither readers nor inserts of other days wait for.
 */
export function partitionStatements(time: number): string[] {
  const day = Math.floor(time / dayMs)
  const name = partitionName(day)
  return [
    `select pg_advisory_xact_lock(${partitionLock})`,
    `do $$ begin
      if to_regclass('${name}') is null then
        create table ${name} (like delivery including all);
        alter table ${name} set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
        alter table delivery attach partition ${name}
          for values from ('${firstIdOf(day)}') to ('${firstIdOf(day + 1)}');
      end if;
    end $$`,
  ]
}

async function createPartition(db: Kysely<Tables>, day: number): Promise<void> {
  for (const statement of partitionStatements(day * dayMs)) await sql.raw(statement).execute(db)
}

/** `delivery_20260131`, in UTC. */
function partitionName(day: number): string {
  return `delivery_${new Date(day * dayMs).toISOString().slice(0, 10).replaceAll('-', '')}`
}

/** The smallest UUIDv7 of the day: its milliseconds, and zeros. */
function firstIdOf(day: number): string {
  const time = (day * dayMs).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`
}
