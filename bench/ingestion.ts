import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../server/store/dialect/open-database.ts'
import { migrate } from '../server/store/migrate.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { insertIntegration } from '../test/support/receiver.ts'
import { type Child, startChild } from './child.ts'
import type { LoadOrder, LoadReport } from './ingestion-load-process.ts'
import type { ContenderKind, ServerUsage } from './ingestion-server-process.ts'
import { secretOf, slugAt, type Traffic } from './ingestion-webhooks.ts'
import { type BenchOptions, judge, median, type TargetResult } from './target.ts'

interface Scale {
  readonly integrations: number
  readonly rounds: number
  readonly milliseconds: number
}

const fullScale: Scale = { integrations: 1_000, rounds: 9, milliseconds: 1_500 }
const smokeScale: Scale = { integrations: 20, rounds: 1, milliseconds: 100 }
const connections = 32

const bare = 'bare node:http'
const verified = 'bare node:http with HMAC'
const octokit = '@octokit/webhooks'

interface Contender {
  readonly name: string
  readonly traffic: Traffic
  readonly server: Child<object, ServerUsage>
  readonly port: number
  readonly rounds: Round[]
  /** Of every request, warm-up included. */
  answered: number
}

/** What a contender did in its turn of one round. */
interface Round {
  readonly cpuMicroseconds: number
  readonly perSecond: number
  readonly p99Ms: number
  readonly rssMb: number
}

/**
 * Compares the receiver with what limits it and with the middleware that people use, each in a process of its own,
 * one after the other in every round, under the same load from one more process.
 */
export async function benchIngestion({ smoke }: BenchOptions): Promise<TargetResult[]> {
  const scale = smoke ? smokeScale : fullScale
  const cleanups: (() => Promise<void> | void)[] = []
  try {
    const folder = mkdtempSync(join(tmpdir(), 'mooring-bench-'))
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
    const urls = await prepareDatabases(folder, scale.integrations, cleanups)
    const contenders = await startContenders(urls, scale.integrations, cleanups)
    const load = startChild<LoadOrder, LoadReport>('ingestion-load-process', [])
    cleanups.push(() => load.stop())

    for (const contender of contenders) await takeTurn(contender, load, scale.milliseconds)
    const flushes: number[] = []
    for (let round = 0; round < scale.rounds; round += 1) {
      for (const contender of contenders) contender.rounds.push(await takeTurn(contender, load, scale.milliseconds))
      flushes.push(timeFlush(folder))
    }

    for (const contender of contenders) process.stderr.write(`${inWords(contender)}\n`)
    process.stderr.write(`one fdatasync: ${median(flushes).toFixed(2)} ms\n`)
    for (const [name, url] of urls) await checkStored(url, contenders.find((each) => each.name === name)?.answered)
    return judgeAll(new Map(contenders.map(({ name, rounds }) => [name, rounds])), flushes, [...urls.keys()])
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup()
  }
}

/** Databases with every table, index and integration, by the name of the contender that stores in them. */
async function prepareDatabases(
  folder: string,
  integrations: number,
  cleanups: (() => Promise<void> | void)[],
): Promise<Map<string, string>> {
  const urls = new Map([['durable', `sqlite:${join(folder, 'durable.db')}`]])
  const postgres = await startPostgres()
  if (postgres === undefined) process.stderr.write('PostgreSQL is not installed: SQLite alone is measured.\n')
  else {
    cleanups.push(() => postgres.stop())
    urls.set('durablePostgres', postgres.url)
  }
  for (const url of urls.values()) {
    const db = openDatabase(url)
    await migrate(db, Date.now())
    await db.transaction().execute(async (transaction) => {
      for (let index = 0; index < integrations; index += 1) {
        await insertIntegration(transaction, slugAt(index), { secret: secretOf(slugAt(index)) })
      }
    })
    await db.destroy()
  }
  return urls
}

async function startContenders(
  urls: ReadonlyMap<string, string>,
  integrations: number,
  cleanups: (() => Promise<void> | void)[],
): Promise<Contender[]> {
  const own: Traffic = { dialect: 'bitbucket', integrations, sharedSecret: false }
  const shared: Traffic = { ...own, sharedSecret: true }
  const wanted: { name: string; kind: ContenderKind; url?: string | undefined; traffic: Traffic }[] = [
    { name: bare, kind: 'bare', traffic: shared },
    { name: verified, kind: 'verified', traffic: shared },
    { name: 'verifyOnly', kind: 'verify-only', url: urls.get('durable'), traffic: own },
    ...[...urls].map(([name, url]) => ({ name, kind: 'durable' as const, url, traffic: own })),
    { name: octokit, kind: 'octokit', traffic: { ...shared, dialect: 'github' } },
  ]
  const contenders: Contender[] = []
  for (const { name, kind, url, traffic } of wanted) {
    const server = startChild<object, ServerUsage>('ingestion-server-process', url === undefined ? [kind] : [kind, url])
    cleanups.push(() => server.stop())
    const { port } = await server.ask({})
    contenders.push({ name, traffic, server, port, rounds: [], answered: 0 })
  }
  return contenders
}

async function takeTurn(
  contender: Contender,
  load: Child<LoadOrder, LoadReport>,
  milliseconds: number,
): Promise<Round> {
  const { server, port, traffic } = contender
  const before = await server.ask({})
  const { answered, seconds, p99Ms } = await load.ask({ port, traffic, connections, milliseconds })
  const after = await server.ask({})
  contender.answered += answered
  return {
    cpuMicroseconds: (after.cpuMicroseconds - before.cpuMicroseconds) / answered,
    perSecond: answered / seconds,
    p99Ms,
    rssMb: after.rssBytes / 1e6,
  }
}

/** Milliseconds that the disk takes to flush one body's worth of new bytes. */
function timeFlush(folder: string): number {
  const file = openSync(join(folder, 'flush'), 'a')
  try {
    const times = Array.from({ length: 50 }, () => {
      writeSync(file, Buffer.alloc(8_192, 1))
      const startedAt = performance.now()
      fdatasyncSync(file)
      return performance.now() - startedAt
    })
    return median(times)
  } finally {
    closeSync(file)
  }
}

/** A figure is worth nothing if what was answered is not there. */
async function checkStored(url: string, answered: number | undefined): Promise<void> {
  const db = openDatabase(url)
  try {
    const { stored } = await db
      .selectFrom('delivery')
      .select(({ fn }) => fn.countAll().as('stored'))
      .executeTakeFirstOrThrow()
    if (Number(stored) !== answered) throw new Error(`${answered} deliveries were answered, but ${stored} are stored.`)
  } finally {
    await db.destroy()
  }
}

function judgeAll(
  rounds: ReadonlyMap<string, readonly Round[]>,
  flushes: readonly number[],
  durables: readonly string[],
): TargetResult[] {
  const of = (name: string) => rounds.get(name) ?? []
  /** Our figure over another's, round by round. */
  const compare = (ours: string, other: string, ratio: (ours: Round, other: Round, flush: number) => number) =>
    of(ours).flatMap((round, index) => {
      const [peer, flush] = [of(other)[index], flushes[index]]
      return peer === undefined || flush === undefined ? [] : [ratio(round, peer, flush)]
    })
  const cpuShare = (ours: Round, floor: Round) => floor.cpuMicroseconds / ours.cpuMicroseconds
  const results = [judge('ingestion.verifyOnly.cpuShare', '>=0.6', bare, compare('verifyOnly', bare, cpuShare))]
  for (const name of durables) {
    const p99 = (ours: Round, floor: Round, flush: number) => ours.p99Ms / (floor.p99Ms + flush)
    const perSecond = (ours: Round, peer: Round) => ours.perSecond / peer.perSecond
    const rss = of(name).map(({ rssMb }) => rssMb)
    results.push(
      judge(`ingestion.${name}.cpuShare`, '>=0.33', bare, compare(name, bare, cpuShare)),
      judge(`ingestion.${name}.requestsPerSecond`, '>=1', octokit, compare(name, octokit, perSecond)),
      judge(`ingestion.${name}.p99`, '<=4', `${verified}, and one fdatasync`, compare(name, verified, p99)),
      judge(`ingestion.${name}.rssMb`, '<150', 'none: after each round', rss),
    )
  }
  return results
}

function inWords({ name, rounds }: Contender): string {
  const of = (figure: keyof Round) => median(rounds.map((round) => round[figure]))
  const cpu = `${of('cpuMicroseconds').toFixed(1)} µs of CPU`
  return `${name}: ${cpu}, ${of('perSecond').toFixed(0)} requests/s, p99 ${of('p99Ms').toFixed(1)} ms, ${of('rssMb').toFixed(0)} MB`
}
