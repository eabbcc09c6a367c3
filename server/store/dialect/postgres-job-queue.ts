import { sql, type Transaction } from 'kysely'
import { laneOf, settingsOf } from '../job-lanes.ts'
import type { DeadJob, JobQueue, NewJob } from '../job-queue.ts'
import type { Tables } from '../tables.ts'
import { jobsSchema } from './job-queue-migration.ts'
import { type JobQueueParts, lostProcess } from './job-queue-parts.ts'
import { type JobRunners, startJobRunners } from './postgres-job-runners.ts'
import type { PostgresListener } from './postgres-listener.ts'

const addTries = 5
/** Marks jobs that were added under a key: one that has lost it was superseded while it ran. */
const keyed = 'keyed'
const watchedTables = ['_private_jobs', '_private_job_queues', 'run', 'build_status', 'delivery_key']

const schema = sql.raw(jobsSchema)
const isDead = sql`locked_at is null and attempts >= max_attempts and not (key is null and coalesce(flags ? ${sql.lit(keyed)}, false))`

/** The queue on PostgreSQL: graphile-worker, with what it lacks (L4, L9). */
export function openPostgresJobQueue(parts: JobQueueParts, listener: PostgresListener | undefined): JobQueue {
  const { db, tasks } = parts
  let runners: JobRunners | undefined

  const addJobs: JobQueue['addJobs'] = async (transaction, jobs) => {
    const specs = jobs.map(specOf)
    const plain = specs.filter(({ job_key }) => job_key === null)
    if (plain.length > 0) await insertJobs(transaction, plain)
    // Once per key, of which the last counts; in the order of the keys, as everybody locks them.
    let missing = [...new Map(specs.map((spec) => [spec.job_key, spec])).values()]
      .filter(({ job_key }) => job_key !== null)
      .sort((one, other) => ((one.job_key ?? '') < (other.job_key ?? '') ? -1 : 1))
    // While a process claims the job of a key, adding it changes nothing and says nothing of it (L4).
    for (let tries = 0; missing.length > 0; tries += 1) {
      if (tries === addTries) throw new Error(`The job "${missing[0]?.identifier}" could not be added: try again.`)
      const added = new Set(await insertJobs(transaction, missing))
      missing = missing.filter(({ job_key }) => !added.has(job_key))
    }
  }

  function specOf(job: NewJob) {
    const settings = settingsOf(tasks, job.task)
    return {
      identifier: job.task,
      payload: job.payload ?? {},
      queue_name: laneOf(job, settings),
      run_at: job.runAt === undefined ? null : new Date(job.runAt).toISOString(),
      max_attempts: settings.maxAttempts,
      job_key: job.key ?? null,
      flags: job.key === undefined ? null : [keyed],
    }
  }

  return {
    addJobs,
    addKeyedJob: (transaction, job) => addJobs(transaction, [job]),
    start: (run) => {
      runners = startJobRunners(parts, listener, run)
    },
    stop: async () => runners?.stop(),
    listDeadJobs: async (limit) => {
      const { rows } = await sql<DeadJob>`
        select id::text as id, task_identifier as task, key, attempts, coalesce(last_error, ${lostProcess}) as error,
          (extract(epoch from created_at) * 1000)::bigint as "createdAt"
        from ${schema}.jobs where ${isDead} order by jobs.id desc limit ${limit}`.execute(db)
      return rows
    },
    forgetDeadJobs: async (before) => {
      // Superseded ones, which nobody is shown, among them.
      const { rows } = await sql`
        select id from ${schema}.complete_jobs(array(
          select id from ${schema}.jobs
          where locked_at is null and attempts >= max_attempts and created_at < ${new Date(before).toISOString()}
          limit 1000))`.execute(db)
      return rows.length
    },
    figures: async () => {
      const { rows } = await sql<{ due: number; dead: number }>`
        select count(*) filter (where locked_at is null and attempts < max_attempts and run_at <= now()) as due,
          count(*) filter (where ${isDead}) as dead
        from ${schema}.jobs`.execute(db)
      const dead = await sql<{ name: string; rows: number }>`
        select relname as name, n_dead_tup as rows from pg_stat_user_tables
        where schemaname in (${jobsSchema}, current_schema()) and relname = any(${watchedTables})`.execute(db)
      return {
        due: rows[0]?.due ?? 0,
        dead: rows[0]?.dead ?? 0,
        deadRows: new Map(dead.rows.map((row) => [row.name.replace('_private_', ''), row.rows])),
      }
    },
  }
}

/** Gives the keys of the jobs that are there now, null for one without. */
async function insertJobs(
  transaction: Transaction<Tables>,
  specs: readonly { readonly job_key: string | null }[],
): Promise<(string | null)[]> {
  const { rows } = await sql<{ key: string | null }>`
    select key from ${schema}.add_jobs(array(
      select json_populate_recordset(null::${schema}.job_spec, ${JSON.stringify(specs)}::json)))`.execute(transaction)
  return rows.map(({ key }) => key)
}
