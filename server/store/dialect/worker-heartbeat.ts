import { sql } from 'kysely'
import { jobsSchema } from './job-queue-migration.ts'
import type { JobQueueParts } from './job-queue-parts.ts'

export interface WorkerHeartbeat {
  /** Takes the workers off the list. */
  stop(): Promise<void>
}

const schema = sql.raw(jobsSchema)

/**
 * Says every few seconds that this process's workers live, and gives back the jobs of those who have been silent for
 * too long: their process is dead, and graphile-worker alone would wait four hours (L9). The database's clock counts.
 */
export function startWorkerHeartbeat(
  { db, log, times }: Pick<JobQueueParts, 'db' | 'log' | 'times'>,
  workers: () => readonly string[],
): WorkerHeartbeat {
  const silent = sql`now() - ${times.silentMs / 1000} * interval '1 second'`
  let beating: Promise<void> | undefined
  let strangersSoughtAt = 0

  async function beat(): Promise<void> {
    const ids = [...workers()]
    await sql`
      insert into worker_heartbeat (worker_id, seen_at) select unnest(${ids}::text[]), now()
      on conflict (worker_id) do update set seen_at = excluded.seen_at`.execute(db)
    // One statement: a worker that is off the list has no jobs any more.
    const { rows } = await sql<{ workers: string[] }>`
      with silent as (delete from worker_heartbeat where seen_at < ${silent} returning worker_id),
        gone as (select array_agg(worker_id) as workers from silent having count(*) > 0)
      select workers, ${schema}.force_unlock_workers(workers) from gone`.execute(db)
    for (const row of rows) log.warn({ workers: row.workers }, 'the jobs of silent workers were taken over')
    if (Date.now() - strangersSoughtAt >= times.silentMs) {
      strangersSoughtAt = Date.now()
      await freeStrangers()
    }
  }

  /** Who died between its first claim and its first heartbeat was never on the list. */
  async function freeStrangers(): Promise<void> {
    await sql`
      with strangers as (
        select distinct locked_by from ${schema}.jobs
        where locked_at < ${silent} and not exists (select from worker_heartbeat where worker_id = locked_by)
      ), gone as (select array_agg(locked_by) as workers from strangers having count(*) > 0)
      select ${schema}.force_unlock_workers(workers) from gone`.execute(db)
  }

  function tick(): void {
    beating ??= beat()
      .catch((error) => log.warn({ err: error }, 'the heartbeat of the job runners failed; it is tried again'))
      .finally(() => {
        beating = undefined
      })
  }

  const timer = setInterval(tick, times.heartbeatMs)
  tick()
  return {
    stop: async () => {
      clearInterval(timer)
      await beating
      await sql`delete from worker_heartbeat where worker_id = any(${[...workers()]}::text[])`.execute(db)
    },
  }
}
