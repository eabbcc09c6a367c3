import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { uuidv7 } from '../../../server/core/uuid-v7.ts'
import { type Jobs, startJobs } from '../../../server/jobs/start-jobs.ts'
import { jobTasks } from '../../../server/jobs/tasks.ts'
import { openJobQueue } from '../../../server/store/dialect/job-queue.ts'
import { createWake, type Wake } from '../../../server/store/dialect/wake.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { openTestEmulator, type TestEmulator, type TestRepository } from '../../support/emulator.ts'
import { needs } from '../../support/left-out.ts'
import {
  insertIntegrationOf,
  insertStack,
  listRunLines,
  pushBody,
  storeDelivery,
  testProcessing,
} from '../../support/processing.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'

let emulator: TestEmulator
let project = 0

beforeAll(async () => {
  emulator = await openTestEmulator()
  return () => emulator.close()
})

interface World {
  readonly db: Database
  readonly url: string
  readonly wake: Wake
  readonly repository: TestRepository
  readonly integration: Awaited<ReturnType<typeof insertIntegrationOf>>
  readonly first: string
}

async function setUp(database: TestDatabase): Promise<World> {
  const url = await openTestDatabaseUrl(database)
  const db = connectTestDatabase(url)
  const repository = await emulator.createRepository(`JOB${++project}`, 'infra')
  // No commit of another test, whose statuses would be the same.
  const first = await repository.push({ files: { x: `1 of ${repository.key}` } })
  const integration = await insertIntegrationOf(db, 'bitbucket', emulator.url)
  await insertStack(db, { slug: 'all', integrationId: integration.id, repository })
  return { db, url, wake: createWake(), repository, integration, first }
}

/** Starts the jobs of one process; stopped when the test ends. */
function start(world: World, db: Database = world.db): Jobs & { readonly logged: Record<string, unknown>[] } {
  const { bitbucketClient, clock, log, logged } = testProcessing(db, emulator.adminToken)
  const installation = {
    db,
    clock,
    publicUrl: () => 'https://mooring.test',
    bitbucket: {
      checkHost: () => undefined,
      bitbucketClient,
      webhooksClient: () => undefined,
      visitingClient: () => {
        throw new Error('The jobs use stored tokens alone.')
      },
    },
  }
  const queue = openJobQueue(db, { tasks: jobTasks, clock, log })
  const jobs = startJobs({ installation, wake: world.wake, queue, log })
  onTestFinished(() => jobs.stop())
  return { ...jobs, logged }
}

function deliver(world: World, to: string, date?: string): Promise<string> {
  const body = pushBody(world.repository, [{ branch: 'main', from: null, to }], date)
  return storeDelivery(world.db, { integration: world.integration, body })
}

async function statusesOf(commit: string) {
  const { body } = await emulator.rest('GET', `/rest/build-status/latest/commits/${commit}`)
  return body.values
}

async function queued(db: Database): Promise<number> {
  return (await db.selectFrom('delivery').select('id').where('state', '=', 'queued').execute()).length
}

needs('git', 'git-http-backend')('jobs', () => {
  for (const database of databases) describe(database.name, () => suite(database))
})

function suite(database: TestDatabase): void {
  test('R90 a stored push becomes a run whose commit says that it waits for a worker', async () => {
    const world = await setUp(database)
    start(world)
    await deliver(world, world.first)
    world.wake.wake('deliveryStored')

    await vi.waitFor(async () => expect(await statusesOf(world.first)).toHaveLength(1), 8_000)

    const run = await world.db.selectFrom('run').select('id').executeTakeFirstOrThrow()
    expect(await statusesOf(world.first)).toMatchObject([
      {
        key: 'mooring/all/tracked',
        state: 'INPROGRESS',
        description: 'waiting for a worker',
        url: `https://mooring.test/runs/${run.id}`,
        ref: 'refs/heads/main',
      },
    ])
  })

  test('R46 Bitbucket is away and comes back: the run and its status appear once', async () => {
    const world = await setUp(database)
    await emulator.addFault({ kind: 'reset', path: `*/${world.repository.key}/*` })
    onTestFinished(() => emulator.clearFaults())
    const { logged } = start(world)
    await deliver(world, world.first)
    world.wake.wake('deliveryStored')
    await vi.waitFor(() => expect(logged.map(({ msg }) => msg)).toContain('delivery waits for Bitbucket'), 8_000)
    const during = await listRunLines(world.db)

    await emulator.clearFaults()
    await vi.waitFor(async () => expect(await statusesOf(world.first)).toHaveLength(1), 15_000)

    expect(during).toEqual([])
    expect(await listRunLines(world.db)).toEqual([`TRACKED all READY ${world.first}`])
  })

  test('R95 a status that Bitbucket refuses at first is sent later, and blocks no run', async () => {
    const world = await setUp(database)
    await emulator.addFault({ kind: 'status', status: 500, method: 'POST', path: '*/builds', times: 1 })
    onTestFinished(() => emulator.clearFaults())
    start(world)
    await deliver(world, world.first)
    world.wake.wake('deliveryStored')

    await vi.waitFor(async () => expect(await listRunLines(world.db)).toHaveLength(1), 8_000)
    await vi.waitFor(async () => expect(await statusesOf(world.first)).toHaveLength(1), 15_000)

    await vi.waitFor(async () => {
      const row = await world.db.selectFrom('build_status').selectAll().executeTakeFirst()
      expect(row).toMatchObject({ sent_revision: 1, error: null })
    }, 5_000)
  })

  test('L7 without being woken a delivery is processed within two seconds', async () => {
    const world = await setUp(database)
    start(world)
    await new Promise((resolve) => setTimeout(resolve, 300))
    await deliver(world, world.first)

    await vi.waitFor(async () => expect(await queued(world.db)).toBe(0), 2_500)
  })

  test('R208 stopping finishes what is in flight, and leaves the rest for others', async () => {
    const world = await setUp(database)
    await emulator.addFault({ kind: 'latency', ms: 400, path: `*/${world.repository.key}/*` })
    onTestFinished(() => emulator.clearFaults())
    const before = emulator.requests().length
    const jobs = start(world)
    await deliver(world, world.first)
    world.wake.wake('deliveryStored')
    await vi.waitFor(async () => {
      const row = await world.db.selectFrom('delivery').select('attempts').executeTakeFirst()
      expect(row?.attempts).toBe(1)
    }, 5_000)

    await jobs.stop()
    await deliver(world, world.first, 'later')

    expect(emulator.requests().length).toBeGreaterThanOrEqual(before)
    expect(await listRunLines(world.db)).toEqual([`TRACKED all READY ${world.first}`])
    expect(await queued(world.db)).toBe(1)
    const leases = await world.db.selectFrom('delivery').select('lease_until').execute()
    expect(leases.map(({ lease_until }) => lease_until)).toEqual([null, null])
  })

  test('L12 request ids are forgotten after 48 hours', async () => {
    const world = await setUp(database)
    const key = { integration_id: world.integration.id, body_digest: 'digest', duplicates: 0, last_duplicate_at: null }
    const hourMs = 3_600_000
    const old = Date.now() - 48 * hourMs - 60_000
    const oldId = `${old
      .toString(16)
      .padStart(12, '0')
      .replace(/^(.{8})/, '$1-')}-7000-8000-000000000000`
    await world.db
      .insertInto('delivery_key')
      .values([
        { ...key, request_id: 'old', delivery_id: oldId, created_at: old },
        { ...key, request_id: 'new', delivery_id: uuidv7(Date.now()), created_at: Date.now() },
      ])
      .execute()

    start(world)

    await vi.waitFor(async () => {
      const rows = await world.db.selectFrom('delivery_key').select('request_id').execute()
      expect(rows).toEqual([{ request_id: 'new' }])
    }, 5_000)
  })

  // SQLite has one process (R210).
  if (database.name === 'sqlite') return
  test('L1 two processes make each run once', { timeout: 60_000 }, async () => {
    const world = await setUp(database)
    const commits = [world.first]
    for (let count = 2; count <= 5; count++) commits.push(await world.repository.push({ files: { x: `${count}` } }))
    for (let copy = 0; copy < 40; copy++) {
      for (const commit of commits) await deliver(world, commit, `copy ${copy}`)
    }
    await emulator.addFault({ kind: 'latency', ms: 10 })
    onTestFinished(() => emulator.clearFaults())

    start(world, connectTestDatabase(world.url))
    start(world, connectTestDatabase(world.url))
    await vi.waitFor(async () => expect(await queued(world.db)).toBe(0), 40_000)

    const rows = await world.db.selectFrom('run').select(['commit_sha', 'run_key', 'state']).orderBy('id').execute()
    const order = rows.map(({ commit_sha }) => commits.indexOf(commit_sha))
    expect(new Set(order).size).toBe(order.length)
    // A late, older push is passed over: the head only ever moves forward, to the newest.
    expect(order).toEqual([...order].sort((one, other) => one - other))
    expect(order.at(-1)).toBe(commits.length - 1)
    expect(rows.filter(({ state }) => state === 'READY')).toHaveLength(1)
  })
}
