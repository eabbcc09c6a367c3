import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { pino } from 'pino'
import { systemClock } from '../server/core/clock.ts'
import { uuidv7 } from '../server/core/uuid-v7.ts'
import { claimDeliveries, finishDeliveries } from '../server/store/delivery-queue.ts'
import { openJobQueue } from '../server/store/dialect/job-queue.ts'
import { openDatabase } from '../server/store/dialect/open-database.ts'
import { openPostgresListener } from '../server/store/dialect/postgres-listener.ts'
import { inWriteTransaction } from '../server/store/dialect/transactions.ts'
import { migrate } from '../server/store/migrate.ts'
import type { Database } from '../server/store/tables.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { insertIntegration } from '../test/support/receiver.ts'
import { type BenchOptions, judge, median, type TargetResult } from './target.ts'

interface Scale {
  readonly rounds: number
  readonly batched: number
  readonly single: number
  readonly jobs: { readonly short: number; readonly slow: number }
  readonly finished: number
  readonly vacuumMs: number
}

const fullScale: Scale = {
  rounds: 7,
  batched: 1_280,
  single: 192,
  jobs: { short: 6_000, slow: 1_500 },
  finished: 1_000_000,
  vacuumMs: 60_000,
}
const smokeScale: Scale = {
  rounds: 1,
  batched: 128,
  single: 16,
  jobs: { short: 100, slow: 40 },
  finished: 1_000,
  vacuumMs: 0,
}
const batchSize = 64
const oneByOne = 'one at a time'
const body = Buffer.alloc(5_900, 'a delivery of the usual size ')

/**
 * Compares claiming deliveries in batches with one at a time (L1), short jobs, fetched a hundred at a time, with slow
 * ones (L2), and short jobs before and after a million others have come and gone (L8).
 */
export async function benchQueue({ smoke }: BenchOptions): Promise<TargetResult[]> {
  const scale = smoke ? smokeScale : fullScale
  const folder = mkdtempSync(join(tmpdir(), 'mooring-bench-'))
  const postgres = await startPostgres()
  try {
    const sqlite = await withDatabase(`sqlite:${join(folder, 'mooring.db')}`, (db) => claimRatios(db, scale))
    const results = [judge('queue.claimBatch.sqlite', '>=5', oneByOne, sqlite)]
    if (postgres === undefined) return results
    return await withDatabase(postgres.url, async (db) => {
      results.push(judge('queue.claimBatch.postgres', '>=5', oneByOne, await claimRatios(db, scale)))
      return [...results, ...(await measureJobs(db, postgres.url, scale))]
    })
  } finally {
    await postgres?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function withDatabase<Result>(url: string, act: (db: Database) => Promise<Result>): Promise<Result> {
  const db = openDatabase(url)
  try {
    await migrate(db, Date.now())
    return await act(db)
  } finally {
    await db.destroy()
  }
}

/** How many times as many deliveries per second are claimed and marked done in batches as one at a time. */
async function claimRatios(db: Database, scale: Scale): Promise<number[]> {
  const { id } = await insertIntegration(db, 'bench')
  const ratios: number[] = []
  for (let round = -1; round < scale.rounds; round += 1) {
    await storeDeliveries(db, id, scale.batched + scale.single)
    const single = await drain(db, 1, scale.single)
    const batched = await drain(db, batchSize, scale.batched)
    if (round >= 0) ratios.push(batched / single) // the first fills the caches
  }
  return ratios
}

async function storeDeliveries(db: Database, integrationId: string, count: number): Promise<void> {
  const now = Date.now()
  for (let left = count; left > 0; left -= 200) {
    const rows = Array.from({ length: Math.min(left, 200) }, () => ({
      id: uuidv7(now),
      integration_id: integrationId,
      request_id: null,
      event_key: 'repo:refs_changed',
      headers: '{}',
      received_at: now,
      size: body.length,
      secret_version: 1,
      body_digest: 'digest',
      body,
      state: 'queued' as const,
      lease_until: null,
      not_before: 0,
      attempts: 0,
      verdict: null,
      reason: null,
      detail: null,
      processed_at: null,
    }))
    await db.insertInto('delivery').values(rows).execute()
  }
}

/** Claims and finishes that many; gives how many a second. */
async function drain(db: Database, limit: number, count: number): Promise<number> {
  const startedAt = performance.now()
  for (let done = 0; done < count; ) {
    const now = Date.now()
    const claimed = await claimDeliveries(db, { now, leaseUntil: now + 60_000, limit, except: [] })
    const verdict = { verdict: 'ignored', reason: 'bench', detail: null } as const
    await finishDeliveries(
      db,
      claimed.map(({ id, attempts }) => ({ id, attempts, ...verdict })),
      now,
    )
    done += claimed.length
  }
  return count / ((performance.now() - startedAt) / 1_000)
}

async function measureJobs(db: Database, url: string, scale: Scale): Promise<TargetResult[]> {
  const listener = openPostgresListener(url, () => undefined)
  const tasks = { short: { speed: 'short', maxAttempts: 3 }, slow: { speed: 'slow', maxAttempts: 3 } } as const
  const log = pino({ level: 'silent' })
  const queue = openJobQueue(db, { tasks, clock: systemClock, log, listener })
  let ran = 0
  let finished = () => {}
  queue.start(async () => {
    ran += 1
    finished()
  })
  /** Adds jobs, and gives how many a second are done. */
  async function run(task: keyof typeof tasks): Promise<number> {
    const count = scale.jobs[task]
    ran = 0
    const done = new Promise<void>((resolve) => {
      finished = () => ran === count && resolve()
    })
    const startedAt = performance.now()
    await inWriteTransaction(db, (transaction) =>
      queue.addJobs(
        transaction,
        Array.from({ length: count }, () => ({ task })),
      ),
    )
    await done
    return count / ((performance.now() - startedAt) / 1_000)
  }

  try {
    await run('short')
    const rates = { short: [] as number[], slow: [] as number[] }
    for (let round = 0; round < scale.rounds; round += 1) {
      rates.short.push(await run('short'))
      rates.slow.push(await run('slow'))
    }
    const before = median(rates.short)
    await finishJobs(db, scale.finished)
    const atOnce = await run('short')
    await sleep(scale.vacuumMs)
    const after: number[] = []
    for (let round = 0; round < Math.min(3, scale.rounds); round += 1) after.push((await run('short')) / before)

    const inWords = (values: readonly number[]) => Math.round(median(values))
    process.stderr.write(`short jobs: ${inWords(rates.short)}/s, slow jobs: ${inWords(rates.slow)}/s\n`)
    process.stderr.write(`short jobs right after ${scale.finished} have gone: ${Math.round(atOnce)}/s\n`)
    const ratios = rates.short.map((rate, round) => rate / (rates.slow[round] ?? rate))
    return [
      judge('queue.shortJobs.ratio', '>=3', 'slow jobs, claimed one by one', ratios),
      judge('queue.finishedJobs.throughput', '>=0.5', 'before them', after),
    ]
  } finally {
    await queue.stop()
    await listener.close()
  }
}

/** Leaves the rows of that many finished jobs to be cleaned up. */
async function finishJobs(db: Database, count: number): Promise<void> {
  await sql`insert into mooring_jobs._private_jobs (task_id, run_at)
    select id, now() + interval '1 day' from mooring_jobs._private_tasks, generate_series(1, ${count}::int)
    where identifier = 'short'`.execute(db)
  await sql`delete from mooring_jobs._private_jobs where run_at > now()`.execute(db)
}
