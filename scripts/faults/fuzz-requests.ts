import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import pg from 'pg'
import { type FuzzReport, reportOf } from '../../test/support/fuzz/report.ts'
import type { WireRequest } from '../../test/support/fuzz/requests.ts'
import { fuzzApi } from '../../test/support/fuzz/run.ts'
import { startPostgres } from '../../test/support/postgres.ts'

/** What R204 asks of a long run. */
export interface FuzzProof extends FuzzReport {
  readonly passed: boolean
}

const leastValidPercent = 40
/** How often each operation is to be answered 2xx, of 20,000 requests. */
const leastSuccesses = 50

/** Sends so many made-up requests to a server on the kind of database, and provokes every code of every operation. */
export async function fuzzRequests(kind: string, requests: number, seed: number): Promise<FuzzProof> {
  const corpus = JSON.parse(readFileSync(resolve('test/server/http/fuzz-corpus.json'), 'utf8')) as WireRequest[]
  const report = await withDatabases(kind, async (openDatabase) =>
    reportOf(await fuzzApi({ openDatabase, requests, seed, corpus, provoke: 'all' })),
  )
  const isThorough =
    report.validPercent >= leastValidPercent && report.fewestSuccesses >= (leastSuccesses * requests) / 20_000
  return { passed: report.wrong.length === 0 && report.unseenCodes.length === 0 && isThorough, ...report }
}

async function withDatabases<Result>(
  kind: string,
  act: (openDatabase: () => Promise<string>) => Promise<Result>,
): Promise<Result> {
  if (kind === 'postgres') {
    const postgres = await startPostgres()
    if (postgres === undefined) throw new Error('PostgreSQL is not installed.')
    let made = 0
    try {
      return await act(async () => {
        const url = new URL(postgres.url)
        url.pathname = `/fuzz_${made++}`
        const client = new pg.Client({ connectionString: postgres.url })
        await client.connect()
        await client.query(`create database ${url.pathname.slice(1)}`)
        await client.end()
        return url.href
      })
    } finally {
      await postgres.stop()
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'mooring-fuzz-'))
  try {
    return await act(async () => {
      // A folder for each: beside a database lie its keys.
      const own = mkdtempSync(join(folder, 'database-'))
      return `sqlite:${join(own, 'mooring.db')}`
    })
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
