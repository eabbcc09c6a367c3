import { mkdtempSync, rmSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { createRootToken } from '../scripts/faults/root-token.ts'
import { type ServerChild, startServerChild } from '../scripts/faults/server-child.ts'
import { send } from '../scripts/faults/traffic.ts'
import { deriveKey } from '../server/core/derived-key.ts'
import { createCursors } from '../server/http/cursor.ts'
import { openDatabase } from '../server/store/dialect/open-database.ts'
import { migrate } from '../server/store/migrate.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { testSealingKey } from '../test/support/receiver.ts'
import { fillLists, idOfRow, type ListSizes, nameOfRow } from './lists-data.ts'
import { type BenchOptions, judge, quantile, type TargetResult } from './target.ts'

/** One list of the API, and the key of its row number `row` of so many. */
interface ListCase {
  readonly name: string
  readonly operation: string
  readonly path: string
  readonly params: Readonly<Record<string, string>> | undefined
  keyOf(row: number, sizes: ListSizes): readonly string[]
}

const lists: readonly ListCase[] = [
  list('spaces', 'listSpaces', '/spaces', (row) => ['spaces', nameOfRow('space', row)]),
  list('integrations', 'listIntegrations', '/integrations', (row) => ['integrations', nameOfRow('vcs', row)]),
  list('stacks', 'listStacks', '/stacks', (row) => ['stacks', nameOfRow('stack', row)]),
  list('registrations', 'listRegistrations', '/registrations', (row, { objects }) => [
    'registrations',
    idOfRow(3, row, objects),
  ]),
  list('apiKeys', 'listApiKeys', '/api-keys', (row, { objects }) => ['api-keys', idOfRow(4, row, objects)]),
  {
    ...list('deliveries', 'listDeliveries', '/integrations/vcs0000000/deliveries', (row, { traffic }) => [
      'deliveries',
      idOfRow(5, row, traffic),
    ]),
    params: { id: 'vcs0000000' },
  },
  list('runs', 'listRuns', '/runs', (row, { traffic }) => ['runs', idOfRow(6, row, traffic)]),
  list('audit', 'listAudit', '/audit', (row) => ['audit newest', String(1_000_000 + row)]),
]
const trafficLists = new Set(['deliveries', 'runs', 'audit'])

function list(name: string, operation: string, path: string, keyOf: ListCase['keyOf']): ListCase {
  return { name, operation, path, params: undefined, keyOf }
}

const small: ListSizes = { objects: 1_000, traffic: 1_000 }
const large: ListSizes = { objects: 100_000, traffic: 1_000_000 }
const smoke: ListSizes = { objects: 2_000, traffic: 5_000 }

/**
 * Compares a page in the middle of each list of a large installation with one of a thousand rows (F20, L15): the p99 of
 * a hundred requests each, in turn, on either database. And how long the server's event loop stood still (F17).
 */
export async function benchLists({ smoke: isSmoke }: BenchOptions): Promise<TargetResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-lists-'))
  const postgres = await startPostgres()
  try {
    const sizes = isSmoke ? smoke : large
    const results = await compare('sqlite', (name) => `sqlite:${join(folder, `${name}.db`)}`, sizes, isSmoke)
    if (postgres === undefined) return results
    const urlOf = async (name: string) => {
      const db = openDatabase(postgres.url)
      await sql`create database ${sql.ref(name)}`.execute(db)
      await db.destroy()
      return postgres.url.replace(/\/[^/]*$/, `/${name}`)
    }
    return [...results, ...(await compare('postgres', urlOf, sizes, isSmoke))]
  } finally {
    await postgres?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compare(
  database: string,
  urlOf: (name: string) => string | Promise<string>,
  sizes: ListSizes,
  isSmoke: boolean,
): Promise<TargetResult[]> {
  const few = await openSide(await urlOf('few'), small)
  const many = await openSide(await urlOf('many'), sizes)
  try {
    for (const each of lists) await many.page(each)
    await many.loopDelayMaxMs() // from here on: the start of a server is no list
    const results: TargetResult[] = []
    for (const each of lists) {
      const ratios: number[] = []
      for (let round = 0; round < (isSmoke ? 1 : 5); round += 1) {
        const [fewMs, manyMs] = await measureInTurn(each, few, many, isSmoke ? 5 : 100)
        ratios.push(quantile(manyMs, 0.99) / quantile(fewMs, 0.99))
        if (round === 0) {
          const words = `p50 ${quantile(fewMs, 0.5).toFixed(1)} ms of few, ${quantile(manyMs, 0.5).toFixed(1)} ms of many`
          process.stderr.write(`${database} ${each.name}: ${words}\n`)
        }
      }
      const of = `a list of ${trafficLists.has(each.name) ? small.traffic : small.objects}`
      results.push(judge(`lists.${database}.${each.name}.p99Ratio`, '<=3', of, ratios))
    }
    results.push(
      judge(`lists.${database}.loopDelayMaxMs`, '<=50', 'none: of the server', [await many.loopDelayMaxMs()]),
    )
    return results
  } finally {
    await few.close()
    await many.close()
  }
}

interface Side {
  readonly sizes: ListSizes
  page(of: ListCase): Promise<number>
  loopDelayMaxMs(): Promise<number>
  close(): Promise<void>
}

async function openSide(url: string, sizes: ListSizes): Promise<Side> {
  const db = openDatabase(url)
  await migrate(db, Date.now())
  await fillLists(db, sizes)
  await db.destroy()
  const server = await startServerChild(url, ['env', 'MOORING_METRICS=open', 'MOORING_DISK_LOW_WATER_MIB=0'])
  const token = await createRootToken(server.port)
  const agent = new Agent({ keepAlive: true })
  const cursors = createCursors(deriveKey(testSealingKey, 'list cursor'))
  return {
    sizes,
    page: (of) => timePage(server, agent, token, of, cursorOf(cursors, of, sizes)),
    loopDelayMaxMs: async () => {
      const { text } = await send(agent, server.port, 'GET', '/metrics', undefined, {})
      const found = /^mooring_event_loop_delay_max_seconds (\S+)/m.exec(text)?.[1]
      return Number(found ?? Number.NaN) * 1_000
    },
    close: async () => {
      agent.destroy()
      await server.end('SIGKILL')
    },
  }
}

function cursorOf(cursors: ReturnType<typeof createCursors>, of: ListCase, sizes: ListSizes): string {
  const count = trafficLists.has(of.name) ? sizes.traffic : sizes.objects
  const key = Buffer.from(JSON.stringify(of.keyOf(Math.floor(count / 2), sizes))).toString('base64url')
  return cursors.seal({ operation: of.operation, params: of.params, query: {} }, key)
}

async function measureInTurn(of: ListCase, few: Side, many: Side, times: number): Promise<[number[], number[]]> {
  const [fewMs, manyMs]: [number[], number[]] = [[], []]
  await few.page(of)
  await many.page(of)
  for (let time = 0; time < times; time += 1) {
    fewMs.push(await few.page(of))
    manyMs.push(await many.page(of))
  }
  return [fewMs, manyMs]
}

async function timePage(server: ServerChild, agent: Agent, token: string, of: ListCase, cursor: string) {
  const startedAt = performance.now()
  const path = `/api/v1${of.path}?limit=50&cursor=${cursor}`
  const { status, text } = await send(agent, server.port, 'GET', path, undefined, { authorization: `Bearer ${token}` })
  const { items } = JSON.parse(text) as { items?: unknown[] }
  if (status !== 200 || items?.length !== 50)
    throw new Error(`${of.name} was answered ${status}: ${text.slice(0, 300)}`)
  return performance.now() - startedAt
}
