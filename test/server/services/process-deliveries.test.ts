import fc from 'fast-check'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { ComparedFiles } from '../../../server/services/ask-bitbucket.ts'
import { processBatch } from '../../../server/services/process-batch.ts'
import { claimDeliveries } from '../../../server/store/delivery-queue.ts'
import type { TestDatabase } from '../../support/databases.ts'
import { databases } from '../../support/databases.ts'
import { openTestEmulator, startReceiver, type TestEmulator, type TestRepository } from '../../support/emulator.ts'
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

let emulator: TestEmulator
let token: string
let project = 0

beforeAll(async () => {
  emulator = await openTestEmulator()
  await emulator.createUser('reader')
  return () => emulator.close()
})

/** A repository with one commit, an integration of the emulator, and what processing needs. */
async function setUp(database: TestDatabase) {
  const db = await openTestDatabase(database)
  const repository = await emulator.createRepository(`PR${++project}`, 'infra')
  const first = await repository.push({ files: { 'README.md': 'hello', 'infra/main.tf': '1', 'infra2/main.tf': '1' } })
  await emulator.grant('reader', 'PROJECT_READ', repository.key)
  // Exactly the two permissions that the integration's token is promised to need (R18b).
  token ??= await emulator.createToken('reader', ['PROJECT_READ', 'REPO_READ'])
  const integration = await insertIntegrationOf(db, 'bitbucket', emulator.url)
  const deps = testProcessing(db, token)
  const deliver = (changes: Parameters<typeof pushBody>[1], date?: string) =>
    storeDelivery(db, { integration, body: pushBody(repository, changes, date) })
  const attach = (slug: string, fields: { branch?: string; projectRoot?: string } = {}) =>
    insertStack(db, { slug, integrationId: integration.id, repository, ...fields })
  return { db, repository, first, integration, deps, deliver, attach }
}

async function headOf(db: Awaited<ReturnType<typeof openTestDatabase>>, slug: string) {
  const row = await db.selectFrom('stack').select('head_commit').where('slug', '=', slug).executeTakeFirst()
  return row?.head_commit
}

/** What processing asked Bitbucket while `act` ran, as `<operation path without the prefix>`. */
async function questionsDuring(repository: TestRepository, act: () => Promise<unknown>): Promise<string[]> {
  const before = emulator.requests().length
  await act()
  return emulator
    .requests()
    .slice(before)
    .map(({ method, path }) => `${method} ${path.split('?')[0]?.replace(repository.path, '')}`)
}

needs('git', 'git-http-backend')('processing deliveries', () => {
  for (const database of databases) describe(database.name, () => suite(database))
})

function suite(database: TestDatabase): void {
  test('R61 a push makes a tracked run where its branch is tracked, a proposed one elsewhere', async () => {
    const { db, repository, first, deps, deliver, attach } = await setUp(database)
    await attach('tracks-main')
    await attach('tracks-release', { branch: 'release' })
    const second = await repository.push({ files: { 'infra/main.tf': '2' } })
    await deliver([{ branch: 'main', from: first, to: second }])

    await processDue(deps)

    expect((await listRunLines(db)).sort()).toEqual([
      `PROPOSED tracks-release READY ${second}`,
      `TRACKED tracks-main READY ${second}`,
    ])
    expect(await listVerdictLines(db)).toEqual(['processed accepted'])
    expect(await headOf(db, 'tracks-main')).toBe(second)
    expect(await headOf(db, 'tracks-release')).toBeNull()
  })

  test('R60 only the stacks run whose project root holds a changed file, renamed ones at both places', async () => {
    const { db, repository, deps, deliver, attach } = await setUp(database)
    for (const root of ['', 'infra', 'infra2', 'old', 'new'])
      await attach(`at-${root || 'root'}`, { projectRoot: root })
    const content = Array.from({ length: 50 }, (_, line) => `line ${line}`).join('\n')
    const before = await repository.push({ files: { 'old/a.tf': content } })
    const after = await repository.push({ files: { 'old/a.tf': null, 'new/a.tf': content } })
    await deliver([{ branch: 'main', from: before, to: after }])

    await processDue(deps)

    expect((await listRunLines(db)).sort()).toEqual([
      `TRACKED at-new READY ${after}`,
      `TRACKED at-old READY ${after}`,
      `TRACKED at-root READY ${after}`,
    ])
  })

  test('R51 a forced push also concerns what it undid', async () => {
    const { db, repository, deps, deliver, attach } = await setUp(database)
    await attach('infra', { projectRoot: 'infra' })
    await attach('infra2', { projectRoot: 'infra2' })
    const undone = await repository.push({ files: { 'infra/main.tf': '2' } })
    const forced = await repository.push({ amend: true, files: { 'docs/x': '1' } })
    await deliver([{ branch: 'main', from: undone, to: forced }])

    await processDue(deps)

    expect(await listRunLines(db)).toEqual([`TRACKED infra READY ${forced}`])
  })

  test('R51 a new branch is compared with the tracked one', async () => {
    const { db, repository, deps, deliver, attach } = await setUp(database)
    await attach('infra', { projectRoot: 'infra' })
    await attach('infra2', { projectRoot: 'infra2' })
    const topic = await repository.push({ branch: 'topic', files: { 'infra2/main.tf': '2' } })
    await deliver([{ branch: 'topic', from: null, to: topic }])

    await processDue(deps)

    expect(await listRunLines(db)).toEqual([`PROPOSED infra2 READY ${topic}`])
  })

  test('R51 a refused comparison of a confirmed commit counts as everything, and says so', async () => {
    const { db, repository, deps, deliver, attach } = await setUp(database)
    await attach('far-away', { projectRoot: 'nobody/was/here' })
    const second = await repository.push({ files: { 'infra/main.tf': '2' } })
    await deliver([{ branch: 'main', from: 'd'.repeat(40), to: second }])

    await processDue(deps)

    expect(await listRunLines(db)).toEqual([`TRACKED far-away READY ${second}`])
    const row = await db.selectFrom('delivery').select('detail').executeTakeFirstOrThrow()
    expect(row.detail).toContain('Every stack of the repository counts as affected')
  })

  test('R46 an unmerged commit that is signed as a push to main makes no run', async () => {
    const { db, repository, first, deps, deliver, attach } = await setUp(database)
    await attach('main-stack')
    const unmerged = await repository.push({ branch: 'evil', files: { 'infra/main.tf': 'evil' } })
    await deliver([{ branch: 'main', from: first, to: unmerged }])

    await processDue(deps)

    expect(await listRunLines(db)).toEqual([])
    expect(await headOf(db, 'main-stack')).toBeNull()
    expect(await listVerdictLines(db)).toEqual(['processed ignored not_confirmed'])
    expect(deps.verdicts).toMatchObject([{ reason: 'not_confirmed' }])
    expect(deps.logged).toMatchObject([{ msg: expect.stringContaining('possibly forged'), integration: 'bitbucket' }])
  })

  test('R46 a signed push to a repository of another project makes no run', async () => {
    const { db, repository, deps, integration, attach } = await setUp(database)
    await attach('victim')
    const mine = await emulator.createRepository(`PR${++project}`, 'mine')
    await emulator.grant('reader', 'PROJECT_READ', mine.key)
    const commit = await mine.push({ files: { 'infra/main.tf': 'evil' } })
    const forged = [
      pushBody(mine, [{ branch: 'main', from: null, to: commit }]),
      pushBody({ ...mine, id: repository.id }, [{ branch: 'main', from: null, to: commit }]),
      pushBody({ ...repository, id: mine.id }, [{ branch: 'main', from: null, to: commit }]),
    ]
    for (const body of forged) await storeDelivery(db, { integration, body })

    await processDue(deps)

    expect(await listRunLines(db)).toEqual([])
    expect(await listVerdictLines(db)).toEqual([
      'processed ignored no_match',
      'processed ignored not_confirmed',
      'processed ignored no_match',
    ])
  })

  test('R37 an attached repository of another integration is no match', async () => {
    const { db, repository, first, deps, attach } = await setUp(database)
    await attach('victim')
    const other = await insertIntegrationOf(db, 'other', emulator.url)
    await storeDelivery(db, {
      integration: other,
      body: pushBody(repository, [{ branch: 'main', from: null, to: first }]),
    })

    await processDue(deps)

    expect(await listVerdictLines(db)).toEqual(['processed ignored no_match'])
    expect(await listRunLines(db)).toEqual([])
  })

  test('R80 a push for a detached stack creates nothing', async () => {
    const { db, first, deps, deliver, attach } = await setUp(database)
    const { id } = await attach('detached')
    await db.updateTable('stack').set({ detached: 1, integration_id: null }).where('id', '=', id).execute()
    await deliver([{ branch: 'main', from: null, to: first }])

    await processDue(deps)

    expect(await listVerdictLines(db)).toEqual(['processed ignored no_match'])
    expect(await listRunLines(db)).toEqual([])
  })

  test('S3 an older push never moves the head back, in whatever order it comes', async () => {
    const { db, repository, first, deps, deliver, attach } = await setUp(database)
    await attach('infra', { projectRoot: 'infra' })
    const second = await repository.push({ files: { 'infra/main.tf': '2' } })
    const third = await repository.push({ files: { 'infra/main.tf': '3' } })
    await deliver([{ branch: 'main', from: second, to: third }])
    await deliver([{ branch: 'main', from: first, to: second }])

    await processDue(deps)

    expect(await listRunLines(db)).toEqual([`TRACKED infra READY ${third}`])
    expect(await headOf(db, 'infra')).toBe(third)
    expect(await listVerdictLines(db)).toEqual(['processed accepted', 'processed ignored superseded'])
  })

  test('S3 pushes in any order move the head only forward, to the newest', async () => {
    const { db, repository, first, deps, deliver, attach } = await setUp(database)
    await attach('all')
    const commits = [first]
    for (let count = 2; count <= 8; count++) commits.push(await repository.push({ files: { x: String(count) } }))
    const pushes = commits.map((to, index) => ({ branch: 'main', from: commits[index - 1] ?? null, to }))
    const heads: number[] = []
    for (let round = 0; round < 6; round++) {
      const shuffled = fc.sample(fc.shuffledSubarray(pushes, { minLength: pushes.length }), { numRuns: 1, seed: round })
      for (const push of shuffled[0] ?? []) await deliver([push], `round ${round}`)
      while ((await processDue(deps, 3)) > 0) heads.push(commits.indexOf((await headOf(db, 'all')) ?? ''))
    }

    expect(heads).toEqual([...heads].sort((one, other) => one - other))
    expect(heads.at(-1)).toBe(commits.length - 1)
    const runs = (await listRunLines(db)).map((line) => commits.indexOf(line.split(' ')[3] ?? ''))
    expect(runs).toEqual([...new Set(runs)].sort((one, other) => one - other))
  })

  test('R62 a roll-back and the way forward again make a run each, a repeated push none', async () => {
    const { db, repository, first, deps, deliver, attach } = await setUp(database)
    await attach('all')
    const second = await repository.push({ files: { 'infra/main.tf': '2' } })
    await deliver([{ branch: 'main', from: first, to: second }], 'one')
    await processDue(deps)
    await repository.git('push', '--quiet', '--force', 'origin', `${first}:refs/heads/main`)
    await deliver([{ branch: 'main', from: second, to: first }], 'two')
    await processDue(deps)
    await repository.git('push', '--quiet', '--force', 'origin', `${second}:refs/heads/main`)
    await deliver([{ branch: 'main', from: first, to: second }], 'three')
    await deliver([{ branch: 'main', from: first, to: second }], 'three, told twice')

    await processDue(deps)

    expect(await listRunLines(db)).toEqual([
      `TRACKED all READY ${second}`,
      `TRACKED all QUEUED ${first}`,
      `TRACKED all QUEUED ${second}`,
    ])
    expect((await listVerdictLines(db)).at(-1)).toBe('processed ignored no_change')
  })

  test('R62 a commit pushed under two branch names makes one proposed run', async () => {
    const { db, repository, deps, deliver, attach } = await setUp(database)
    await attach('all')
    const topic = await repository.push({ branch: 'topic', files: { x: '1' } })
    await repository.git('push', '--quiet', 'origin', `${topic}:refs/heads/copy`)
    await deliver([
      { branch: 'topic', from: null, to: topic },
      { branch: 'copy', from: null, to: topic },
    ])

    await processDue(deps)

    expect(await listRunLines(db)).toEqual([`PROPOSED all READY ${topic}`])
  })

  test('R64 of a stack’s tracked runs one is READY and the others wait, each proposed one is READY', async () => {
    const { db, repository, first, deps, deliver, attach } = await setUp(database)
    await attach('all')
    const commits = [first]
    for (let count = 2; count <= 4; count++) commits.push(await repository.push({ files: { x: String(count) } }))
    for (const [index, to] of commits.entries()) {
      await deliver([{ branch: 'main', from: commits[index - 1] ?? null, to }])
      if (index === 1) await processDue(deps)
    }

    await processDue(deps)

    expect((await listRunLines(db)).map((line) => line.split(' ')[2])).toEqual(['READY', 'QUEUED', 'QUEUED', 'QUEUED'])
  })

  test('S2 two hundred captured deliveries replayed under new ids make no run', async () => {
    const { db, repository, first, deps, integration, attach } = await setUp(database)
    await attach('all')
    const captured: string[] = []
    for (let count = 0; count < 200; count++) {
      captured.push(pushBody(repository, [{ branch: 'main', from: null, to: first }], `date ${count}`))
    }
    for (const body of captured) await storeDelivery(db, { integration, body })
    while ((await processDue(deps)) > 0);
    const runs = await listRunLines(db)
    for (const body of captured) await storeDelivery(db, { integration, body })

    const questions = await questionsDuring(repository, async () => {
      while ((await processDue(deps)) > 0);
    })

    expect(questions).toEqual([])
    expect(await listRunLines(db)).toEqual(runs)
    expect(runs).toHaveLength(1)
    expect((await listVerdictLines(db)).filter((line) => line.endsWith('replay'))).toHaveLength(200)
  })

  test('S2 the same body twice in one batch counts once', async () => {
    const { db, first, deps, deliver, attach } = await setUp(database)
    await attach('all')
    await deliver([{ branch: 'main', from: null, to: first }], 'same')
    await deliver([{ branch: 'main', from: null, to: first }], 'same')

    await processDue(deps)

    expect(await listVerdictLines(db)).toEqual(['processed accepted', 'processed ignored replay'])
  })

  test('S2 the same body in two batches at the same time makes one run', async () => {
    const { db, first, deps, integration, deliver, attach } = await setUp(database)
    await attach('all')
    await attach('release', { branch: 'release' })
    for (let copy = 0; copy < 4; copy++) await deliver([{ branch: 'main', from: null, to: first }], 'same')
    const now = Date.now()
    const batches = []
    for (let copy = 0; copy < 4; copy++) {
      batches.push(await claimDeliveries(db, { now, leaseUntil: now + 60_000, limit: 1, except: [] }))
    }

    await Promise.all(batches.map((batch) => processBatch(deps, integration.id, batch)))

    expect((await listRunLines(db)).sort()).toEqual([`PROPOSED release READY ${first}`, `TRACKED all READY ${first}`])
    expect((await listVerdictLines(db)).sort()).toEqual([
      'processed accepted',
      'processed ignored replay',
      'processed ignored replay',
      'processed ignored replay',
    ])
  })

  test('S1 a relabelled or ambiguous body ends as unreadable, with its place', async () => {
    const { db, repository, first, deps, integration, attach } = await setUp(database)
    await attach('all')
    const body = pushBody(repository, [{ branch: 'main', from: null, to: first }])
    await storeDelivery(db, { integration, body, eventKey: 'pr:merged' })
    await storeDelivery(db, { integration, body: body.replace('{', '{"eventKey":"pr:opened",') })
    await storeDelivery(db, { integration, body: body.replace(first, 'HEAD') })
    await storeDelivery(db, { integration, body: '{"\\u0000":1,"\\u0000":2}' })
    await storeDelivery(db, { integration, body: '{"eventKey":"pr:opened"}', eventKey: 'pr:opened' })

    await processDue(deps)

    expect(await listRunLines(db)).toEqual([])
    expect(await listVerdictLines(db)).toEqual([
      'processed unreadable key_mismatch',
      'processed unreadable malformed',
      'processed unreadable malformed',
      'processed unreadable malformed',
      'processed ignored event',
    ])
    const details = await db.selectFrom('delivery').select('detail').orderBy('id').execute()
    expect(details.map(({ detail }) => detail?.split(':')[0])).toEqual([
      '/eventKey',
      '/eventKey',
      '/changes/0/toHash',
      '/\ufffd',
      'The event pr',
    ])
  })

  test('R47 a stack without an id finds its repository by name, and learns the id', async () => {
    const { db, repository, first, deps, integration, deliver } = await setUp(database)
    const unknown = { id: null, key: repository.key.toLowerCase(), slug: repository.slug }
    await insertStack(db, { slug: 'new', integrationId: integration.id, repository: unknown })
    await deliver([{ branch: 'main', from: null, to: first }])

    await processDue(deps)

    expect(await listRunLines(db)).toEqual([`TRACKED new READY ${first}`])
    const row = await db.selectFrom('stack').select('repository_id').executeTakeFirst()
    expect(row?.repository_id).toBe(repository.id)
  })

  test('R47 another repository under a stored name makes no run', async () => {
    const { db, repository, first, deps, integration, deliver } = await setUp(database)
    const gone = { id: repository.id + 100_000, key: repository.key, slug: repository.slug }
    await insertStack(db, { slug: 'follows-the-old', integrationId: integration.id, repository: gone })
    await deliver([{ branch: 'main', from: null, to: first }])

    await processDue(deps)

    expect(await listRunLines(db)).toEqual([])
    expect(await listVerdictLines(db)).toEqual(['processed ignored no_match'])
  })

  test('R47 stored names follow a renamed repository, recorded once', async () => {
    const { db, repository, first, deps, integration, deliver } = await setUp(database)
    const old = { id: repository.id, key: 'OLD', slug: 'old' }
    await insertStack(db, { slug: 'moved', integrationId: integration.id, repository: old })
    await deliver([{ branch: 'main', from: null, to: first }], 'one')
    await processDue(deps)
    await deliver([{ branch: 'main', from: null, to: first }], 'two')

    await processDue(deps)

    expect(await listRunLines(db)).toEqual([`TRACKED moved READY ${first}`])
    const row = await db.selectFrom('stack').select(['project_key', 'repository_slug']).executeTakeFirst()
    expect(row).toEqual({ project_key: repository.key, repository_slug: repository.slug })
    const audit = await db.selectFrom('audit').select(['action', 'object']).execute()
    expect(audit).toEqual([{ action: 'stack.follow_repository', object: 'stack:moved' }])
  })

  test('L21 L22 fifty stacks cost one comparison, stacks at the root none', async () => {
    const { db, repository, first, deps, integration, deliver, attach } = await setUp(database)
    for (let count = 0; count < 50; count++) await attach(`part-${count}`, { projectRoot: `parts/${count}` })
    const second = await repository.push({ files: { 'parts/7/main.tf': '1' } })
    await deliver([{ branch: 'main', from: first, to: second }], 'one')
    await deliver([{ branch: 'main', from: first, to: second }], 'two')
    const plain = await emulator.createRepository(repository.key, 'plain')
    const commit = await plain.push()
    await insertStack(db, { slug: 'at-root', integrationId: integration.id, repository: plain })
    await storeDelivery(db, { integration, body: pushBody(plain, [{ branch: 'main', from: first, to: commit }]) })

    const questions = await questionsDuring(repository, () => processDue(deps))

    expect((await listRunLines(db)).sort()).toEqual([
      `TRACKED at-root READY ${commit}`,
      `TRACKED part-7 READY ${second}`,
    ])
    expect(questions.sort()).toEqual(
      [
        `GET ${plain.path}`,
        `GET ${plain.path}/branches`,
        'GET ',
        'GET /branches',
        'GET /compare/changes',
        'GET /compare/commits',
      ].sort(),
    )
  })

  test('R46 while Bitbucket cannot be reached a push waits, in order, and then runs once', async () => {
    let now = Date.now()
    const { db, repository, first, deliver, attach } = await setUp(database)
    await attach('all')
    const deps = testProcessing(db, token, { now: () => now })
    const second = await repository.push({ files: { x: '2' } })
    const faulty = { path: `*/${repository.key}/repos/infra/*`, kind: 'status', status: 503 } as const
    await emulator.addFault(faulty)
    onTestFinished(() => emulator.clearFaults())
    await deliver([{ branch: 'main', from: null, to: first }])
    await processDue(deps)
    await deliver([{ branch: 'main', from: first, to: second }])
    await emulator.clearFaults()

    const claimedEarly = await processDue(deps)
    const early = await listRunLines(db)
    now += 2_000
    await processDue(deps)

    expect(claimedEarly).toBe(1)
    expect(early).toEqual([])
    expect(await listRunLines(db)).toEqual([`TRACKED all READY ${first}`, `TRACKED all QUEUED ${second}`])
    expect(await processDue(deps)).toBe(0)
  })

  test('R46 a push that Bitbucket answers nothing about for a day is given up', async () => {
    let now = Date.now()
    const { db, repository, first, deliver, attach } = await setUp(database)
    await attach('all')
    const deps = testProcessing(db, token, { now: () => now })
    await emulator.addFault({ path: `*/${repository.key}/*`, kind: 'status', status: 500 })
    onTestFinished(() => emulator.clearFaults())
    await deliver([{ branch: 'main', from: null, to: first }])
    await processDue(deps)
    expect(await listVerdictLines(db)).toEqual(['queued'])
    now += 24 * 3_600_000 + 60_000 // the delivery came later than `now` by what the set-up took

    await processDue(deps)

    expect(await listVerdictLines(db)).toEqual(['processed ignored gave_up'])
    expect(await listRunLines(db)).toEqual([])
  })

  test('R46 a repository that gets no answer keeps no other waiting', async () => {
    const { db, repository, first, deps, integration, deliver, attach } = await setUp(database)
    await attach('stuck')
    const other = await emulator.createRepository(repository.key, 'other')
    const commit = await other.push()
    await insertStack(db, { slug: 'free', integrationId: integration.id, repository: other })
    await emulator.addFault({ path: `*/${repository.key}/repos/infra*`, kind: 'status', status: 500 })
    onTestFinished(() => emulator.clearFaults())
    await deliver([{ branch: 'main', from: null, to: first }])
    await storeDelivery(db, { integration, body: pushBody(other, [{ branch: 'main', from: null, to: commit }]) })

    await processDue(deps)

    expect(await listRunLines(db)).toEqual([`TRACKED free READY ${commit}`])
    expect(await listVerdictLines(db)).toEqual(['queued', 'processed accepted'])
  })

  test('R33 a delivery on which the server fails keeps no other from its run, and is given up after five tries', async () => {
    let now = Date.now()
    const { db, repository, first, deliver, attach } = await setUp(database)
    await attach('part', { projectRoot: 'infra' })
    const second = await repository.push({ files: { 'infra/main.tf': '2' } })
    const processing = testProcessing(db, token, { now: () => now })
    const comparisons = {
      get: (key: string, at: number, ask: () => Promise<ComparedFiles>) => {
        if (key.includes(`"${second}","${second}"`)) throw new Error('a bug')
        return processing.comparisons.get(key, at, ask)
      },
    }
    await deliver([{ branch: 'main', from: second, to: second }])
    await deliver([{ branch: 'main', from: first, to: second }])
    const rounds: string[][] = []
    for (let round = 0; round < 6; round++) {
      const claimed = await claimDeliveries(db, { now, leaseUntil: now + 60_000, limit: 64, except: [] })
      const [delivery] = claimed
      if (delivery) await processBatch({ ...processing, comparisons }, delivery.integration_id, claimed)
      rounds.push(await listVerdictLines(db))
      now += 60_000
    }

    expect(rounds[0]).toEqual(['queued', 'processed accepted'])
    expect(rounds[3]?.[0]).toBe('queued')
    expect(rounds[5]).toEqual(['processed ignored gave_up', 'processed accepted'])
    expect(await listRunLines(db)).toEqual([`TRACKED part READY ${second}`])
  })

  test('R46 a real push’s own delivery makes its run', async () => {
    const { db, repository, first, deps, integration, attach } = await setUp(database)
    await attach('infra', { projectRoot: 'infra' })
    const receiver = await startReceiver()
    await emulator.createWebhook(repository, { url: receiver.url, configuration: { secret: integration.secret } })
    const second = await repository.push({ files: { 'infra/main.tf': '2' } })
    await emulator.idle()
    expect(receiver.received).toHaveLength(1)
    for (const { body } of receiver.received) await storeDelivery(db, { integration, body })

    await processDue(deps)

    expect(first).not.toBe(second)
    expect(await listRunLines(db)).toEqual([`TRACKED infra READY ${second}`])
  })

  test('R90 a run’s build status is in the outbox with the run', async () => {
    const { db, first, deps, deliver, attach } = await setUp(database)
    await attach('all')
    await deliver([{ branch: 'main', from: null, to: first }])

    await processDue(deps)

    const [run] = await db.selectFrom('run').select('id').execute()
    expect(await db.selectFrom('build_status').selectAll().execute()).toMatchObject([
      {
        status_key: 'mooring/all/tracked',
        state: 'INPROGRESS',
        description: 'waiting for a worker',
        url: `https://mooring.test/runs/${run?.id}`,
        ref: 'refs/heads/main',
        commit_sha: first,
        revision: 1,
        sent_revision: 0,
      },
    ])
  })
}
