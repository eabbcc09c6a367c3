import { beforeAll, describe, expect, test } from 'vitest'
import { sendBuildStatuses } from '../../../server/services/send-build-statuses.ts'
import { claimBuildStatuses, putBuildStatuses } from '../../../server/store/build-statuses.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { openTestEmulator, type TestEmulator, type TestRepository } from '../../support/emulator.ts'
import { needs } from '../../support/left-out.ts'
import {
  insertIntegrationOf,
  insertStack,
  listRunLines,
  listVerdictLines,
  processDue,
  pushBody,
  storeDelivery,
  testProcessing,
} from '../../support/processing.ts'
import { openTestDatabase } from '../../support/server-database.ts'
import { watchDatabase } from '../../support/watched-database.ts'

let emulator: TestEmulator
let repository: TestRepository
let commits: readonly string[]

beforeAll(async () => {
  emulator = await openTestEmulator()
  repository = await emulator.createRepository('CRASH', 'infra')
  const first = await repository.push({ files: { 'a/x': '1' } })
  const second = await repository.push({ files: { 'a/x': '2' } })
  const topic = await repository.push({ branch: 'topic', files: { 'a/x': '3' } })
  commits = [first, second, topic]
  return () => emulator.close()
})

class Crash extends Error {}

needs('git', 'git-http-backend')('crashes', () => {
  for (const database of databases) describe(database.name, () => suite(database))
})

function suite(database: TestDatabase): void {
  test('L3 a crash before any one statement loses no run and makes none twice', { timeout: 120_000 }, async () => {
    const [first, second, topic] = commits as [string, string, string]
    let crashed = true
    for (let at = 1; crashed; at++) {
      let now = Date.now()
      const db = await openTestDatabase(database)
      const integration = await insertIntegrationOf(db, 'bitbucket', emulator.url)
      // Without its id: that it is learned and stored is one of the steps.
      await insertStack(db, { slug: 'whole', integrationId: integration.id, repository: { ...repository, id: null } })
      await insertStack(db, { slug: 'part', integrationId: integration.id, repository, projectRoot: 'a' })
      const changes = [
        [{ branch: 'main', from: null, to: first }],
        [{ branch: 'main', from: first, to: second }],
        [{ branch: 'topic', from: null, to: topic }],
      ]
      for (const change of changes) await storeDelivery(db, { integration, body: pushBody(repository, change) })
      const deps = testProcessing(db, emulator.adminToken, { now: () => now })
      const watched = watchDatabase(db, (statement) => {
        if (statement === at) throw new Crash()
      })

      const outcome = await processDue({ ...deps, db: watched.db }).catch((error: unknown) => error)
      // The lease of the process that died ends; another one goes on.
      now += 120_000
      while ((await processDue(deps)) > 0);

      crashed = watched.statements() >= at
      if (crashed) expect(outcome).toBeInstanceOf(Crash)
      expect((await listRunLines(db)).sort()).toEqual([
        `PROPOSED part READY ${topic}`,
        `PROPOSED whole READY ${topic}`,
        `TRACKED part QUEUED ${second}`,
        `TRACKED part READY ${first}`,
        `TRACKED whole QUEUED ${second}`,
        `TRACKED whole READY ${first}`,
      ])
      expect(await listVerdictLines(db)).toEqual(['processed accepted', 'processed accepted', 'processed accepted'])
      const statuses = await db.selectFrom('build_status').select(['status_key', 'commit_sha', 'revision']).execute()
      expect(statuses.map(({ revision }) => revision)).toEqual([1, 1, 1, 1, 1, 1])
      await db.destroy()
    }
  })

  test('F21 a crash around the sending of a status repeats it at most, and the newest state wins', async () => {
    const [first] = commits as [string, string, string]
    const place = `/rest/build-status/latest/commits/${first}`
    let crashed = true
    for (let at = 1; crashed; at++) {
      let now = Date.now()
      const db = await openTestDatabase(database)
      const integration = await insertIntegrationOf(db, 'bitbucket', emulator.url)
      const deps = testProcessing(db, emulator.adminToken, { now: () => now })
      const key = `mooring/${database.name}-${at}/tracked`
      const status = {
        integration_id: integration.id,
        project_key: repository.key,
        repository_slug: repository.slug,
        repository_id: repository.id,
        commit_sha: first,
        status_key: key,
        url: 'https://mooring.test/runs/1',
        name: 'a run',
        ref: 'refs/heads/main',
      }
      await putBuildStatuses(db, [{ ...status, state: 'INPROGRESS', description: 'waiting for a worker' }], now)
      const watched = watchDatabase(db, (statement) => {
        if (statement === at) throw new Crash()
      })
      const send = async (with_: typeof db) => {
        const claimed = await claimBuildStatuses(with_, { now, leaseUntil: now + 60_000, limit: 16, except: [] })
        await sendBuildStatuses({ ...deps, db: with_ }, integration.id, claimed)
        return claimed.length
      }

      await send(watched.db).catch((error: unknown) => expect(error).toBeInstanceOf(Crash))
      await putBuildStatuses(db, [{ ...status, state: 'SUCCESSFUL', description: 'done' }], now)
      now += 60_000
      while ((await send(db)) > 0);

      crashed = watched.statements() >= at
      const { body } = await emulator.rest('GET', place)
      const values = body.values.filter((value: { key: string }) => value.key === key)
      expect(values).toMatchObject([{ state: 'SUCCESSFUL', description: 'done' }])
      expect(await db.selectFrom('build_status').select(['revision', 'sent_revision']).execute()).toEqual([
        { revision: 2, sent_revision: 2 },
      ])
      await db.destroy()
    }
  })

  test('L1 a thousand deliveries cost at most 250 statements, receipt included', { timeout: 120_000 }, async () => {
    const [first, second] = commits as [string, string, string]
    const db = await openTestDatabase(database)
    const integration = await insertIntegrationOf(db, 'bitbucket', emulator.url)
    await insertStack(db, { slug: 'part', integrationId: integration.id, repository, projectRoot: 'a' })
    await insertStack(db, { slug: 'elsewhere', integrationId: integration.id, repository, projectRoot: 'b' })
    for (let count = 0; count < 1000; count++) {
      const body = pushBody(repository, [{ branch: 'main', from: first, to: second }], `date ${count}`)
      await storeDelivery(db, { integration, body })
    }
    const watched = watchDatabase(db, () => undefined)
    const deps = testProcessing(db, emulator.adminToken)
    let batches = 0

    while ((await processDue({ ...deps, db: watched.db })) > 0) batches += 1

    // Each batch is one transaction; the receiver stores sixteen or more in one statement under such a load.
    const statements = watched.statements() + 2 * batches + Math.ceil(1000 / 16)
    const distinctBranches = 1
    expect(statements).toBeLessThanOrEqual(250 + distinctBranches)
    expect(await listRunLines(db)).toEqual([`TRACKED part READY ${second}`])
  })
}
