import { describe, expect, test } from 'vitest'
import { exitCodeOf } from '../../bitbucket-hook/cli/run-once.ts'
import { webhookEvents } from '../../schemas/webhook.ts'
import { databases } from '../support/databases.ts'
import { startHookWorld } from './hook-world.ts'

const foreign = {
  name: 'CI',
  url: 'https://ci.example.com/hook',
  events: ['pr:opened'],
  configuration: { secret: 'theirs', color: 'blue' },
  active: false,
}

describe('a missing webhook', () => {
  for (const database of databases) {
    test(`B1 is created with the eight events and a secret that the server accepts (${database.name})`, async () => {
      const world = await startHookWorld({ database })

      const report = await world.run('apply')
      await world.repository.push({ files: { 'main.tf': 'one' } })
      const [delivery] = await world.emulator.waitForDeliveries(1, { event: 'repo:refs_changed' })

      const webhook = await world.onlyWebhook()
      expect(report).toMatchObject({ result: 'complete', counts: { writes: { created: 1, updated: 0, deleted: 0 } } })
      expect(webhook).toMatchObject({
        name: 'Mooring main',
        url: world.credentials.url,
        active: true,
        sslVerificationRequired: true,
      })
      expect([...webhook.events].sort()).toEqual(webhookEvents.map(({ key }) => key).sort())
      expect(delivery).toMatchObject({ status: 202, webhookId: webhook.id })
    })
  }

  test('B57 costs two requests, and is reported to the server', async () => {
    const world = await startHookWorld()

    await world.run('apply')

    const webhook = await world.onlyWebhook()
    expect(world.sent()).toEqual(['GET infra', 'POST infra'])
    expect(await world.registrations()).toMatchObject([
      {
        integrationId: 'main',
        repositoryId: world.repository.id,
        webhookId: webhook.id,
        secretVersion: world.credentials.version,
        observed: 'in_sync',
        drift: [],
        managedBy: 'service',
      },
    ])
  })

  test('B31 is not made again: a second apply costs one GET and writes nothing', async () => {
    const world = await startHookWorld({ repositories: ['infra', 'app', 'net'] })
    await world.run('apply')
    world.sent()

    const second = await world.run('apply')

    expect(second.counts).toMatchObject({ states: { in_sync: 3 }, writes: { created: 0, updated: 0, deleted: 0 } })
    expect(world.sent().sort()).toEqual(['GET app', 'GET infra', 'GET net'])
  })

  test('B1 is created where the server does not know the repository’s id yet', async () => {
    const world = await startHookWorld({ repositories: [] })
    const repository = await world.emulator.createRepository('PRJ', 'infra')
    await world.attach(repository, 'unverified', true)

    await world.run('apply')
    world.sent()
    await world.run('apply')

    expect(await world.registrations()).toMatchObject([{ repositoryId: repository.id, observed: 'in_sync' }])
    expect(world.sent()).toEqual(['GET infra'])
    expect(world.emulator.requests().filter(({ path }) => path.endsWith('/repos/infra'))).toHaveLength(1)
  })
})

describe('drift', () => {
  test('B3 B4 B56 several differences are repaired by one PUT, with before and after on record', async () => {
    const world = await startHookWorld()
    await world.run('apply')
    const webhook = await world.onlyWebhook()
    await world.edit(webhook, { active: false, events: ['pr:opened'], configuration: { secret: 'wrong', theirs: 1 } })
    world.sent()

    const report = await world.run('apply')

    const repaired = await world.onlyWebhook()
    expect(report.repositories).toMatchObject([
      { state: 'repaired', drift: ['inactive', 'events-missing', 'secret', 'adopt'], done: [{ kind: 'updated' }] },
    ])
    expect(world.sent().filter((request) => !request.startsWith('GET'))).toEqual([`PUT infra/${webhook.id}`])
    expect(repaired).toMatchObject({
      id: webhook.id,
      active: true,
      configuration: { secret: world.credentials.secret, theirs: 1 },
    })
    expect(world.log()).toMatch(/"before":\{[^}]*"active":false[^}]*\},"after":\{[^}]*"active":true/)
    expect((await world.registrations())[0]).toMatchObject({ observed: 'in_sync', webhookId: webhook.id })
  })

  test('B6 duplicates are deleted once the oldest is right', async () => {
    const world = await startHookWorld()
    await world.run('apply')
    const kept = await world.onlyWebhook()
    for (const name of ['a copy', 'another']) {
      await world.emulator.createWebhook(world.repository, {
        name,
        url: world.credentials.url,
        configuration: { secret: world.credentials.secret },
      })
    }
    await world.edit(kept, { active: false })

    await world.run('apply')

    expect(await world.webhooks()).toMatchObject([{ id: kept.id, active: true }])
  })

  test('B6 duplicates stay while the repair fails', async () => {
    const world = await startHookWorld()
    await world.run('apply')
    const kept = await world.onlyWebhook()
    await world.edit(kept, { active: false })
    await world.emulator.createWebhook(world.repository, { name: 'a copy', url: world.credentials.url })
    await world.emulator.addFault({ kind: 'status', status: 400, method: 'PUT', path: '*/webhooks/*' })

    const report = await world.run('apply')

    expect(report.repositories).toMatchObject([{ state: 'failed', done: [], reason: { code: 'invalid' } }])
    expect(exitCodeOf(report)).toBe(1)
    expect(await world.webhooks()).toHaveLength(2)
    expect((await world.registrations())[0]).toMatchObject({
      observed: 'drifted',
      drift: ['inactive', 'duplicate'],
      webhookId: kept.id,
    })
  })

  test('B8 a webhook that somebody made by hand at our address is adopted, or only reported', async () => {
    const world = await startHookWorld({ repositories: ['infra', 'app'] })
    const [infra, app] = world.repositories
    if (!infra || !app) throw new Error('unreachable')
    const byHand = { name: 'by hand', url: world.credentials.url, events: ['pr:opened'] }
    const made = await world.emulator.createWebhook(infra, byHand)

    const left = await world.run('apply', { MOORING_HOOK_ADOPT: 'false' })
    expect(await world.webhooks(infra)).toMatchObject([{ id: made.id, name: 'by hand' }])
    expect(left.repositories.find(({ repositorySlug }) => repositorySlug === 'infra')).toMatchObject({
      state: 'in_sync',
      findings: [{ id: made.id, kind: 'adopt' }],
    })
    await world.run('apply')

    expect(await world.webhooks(infra)).toMatchObject([{ id: made.id, name: 'Mooring main' }])
  })

  test('B58 events that somebody added stay, and go where the policy is exact', async () => {
    const world = await startHookWorld()
    await world.run('apply')
    const webhook = await world.onlyWebhook()
    await world.edit(webhook, { events: [...webhook.events, 'pr:declined'], active: false })

    await world.run('apply')
    const atLeast = (await world.onlyWebhook()).events
    await world.run('apply', { MOORING_HOOK_EVENTS_POLICY: 'exact' })

    expect(atLeast).toContain('pr:declined')
    expect((await world.onlyWebhook()).events).toHaveLength(8)
  })
})

describe('webhooks of others', () => {
  test('B7 B9 B10 are byte for byte as before', async () => {
    const world = await startHookWorld()
    const { url } = world.credentials
    for (const webhook of [
      foreign,
      { ...foreign, name: 'another integration’s', url, configuration: { createdBy: 'mooring/another/main' } },
      { ...foreign, name: 'another path', url: `${url}/other` },
      { ...foreign, name: 'Mooring main', url: 'https://elsewhere.example.com/' },
    ]) {
      await world.emulator.createWebhook(world.repository, webhook)
    }
    const before = JSON.stringify(await world.webhooks())

    const report = await world.run('apply')

    const after = await world.webhooks()
    const own = report.repositories[0]?.webhookId
    expect(JSON.stringify(after.filter(({ id }) => id !== own))).toBe(before)
    expect(after).toHaveLength(5)
  })

  test('B3 what Terraform declares is reported and left alone', async () => {
    const world = await startHookWorld()
    await world.run('apply')
    const webhook = await world.onlyWebhook()
    const [registration] = await world.registrations()
    if (!registration) throw new Error('nothing was registered')
    const { id: _, reportedAt: __, ...reported } = registration
    await world.server.root.call('reportRegistration', { body: { ...reported, managedBy: 'terraform' } })
    await world.edit(webhook, { active: false })
    const before = JSON.stringify(await world.webhooks())
    world.sent()

    const report = await world.run('apply')

    expect(JSON.stringify(await world.webhooks())).toBe(before)
    expect(world.sent()).toEqual(['GET infra'])
    expect(report.repositories).toMatchObject([{ state: 'drifted', managedBy: 'terraform', drift: ['inactive'] }])
    expect(await world.registrations()).toMatchObject([
      { observed: 'drifted', drift: ['inactive'], managedBy: 'terraform', webhookId: webhook.id },
    ])
    expect(exitCodeOf(await world.run('plan'))).toBe(2)
  })
})

test('B16 odd names are encoded', async () => {
  const world = await startHookWorld({ repositories: [] })
  await world.emulator.createUser('jürgen.o')
  const personal = await world.emulator.createRepository('~jürgen.o', 'My.Infra_2')
  await world.attach(personal, 'personal')

  const report = await world.run('apply')

  expect(report.repositories).toMatchObject([{ state: 'repaired', projectKey: personal.key }])
  expect(await world.webhooks(personal)).toHaveLength(1)
})

test('B20 every page is read, though Bitbucket caps and spaces them', async () => {
  const world = await startHookWorld({ emulator: { pageCap: 2, pageStride: 3 } })
  for (let index = 0; index < 7; index++) {
    await world.emulator.createWebhook(world.repository, { ...foreign, name: `CI ${index}` })
  }
  await world.run('apply')

  const second = await world.run('apply')

  expect(second.counts.states.in_sync).toBe(1)
  const own = world.emulator.requests().filter(({ method }) => method === 'POST')
  expect(own).toHaveLength(1)
})

test('S28 the token goes to its own Bitbucket alone: other integrations are skipped, and say so', async () => {
  const world = await startHookWorld()
  const other = await startHookWorld()

  const report = await world.run('apply', {
    BITBUCKET_URL: other.emulator.url,
    BITBUCKET_TOKEN: other.emulator.adminToken,
  })

  expect(report.repositories).toMatchObject([{ state: 'skipped', reason: { code: 'other_bitbucket' } }])
  expect(world.emulator.requests().filter(({ method }) => method === 'POST')).toEqual([])
  expect(other.sent()).toEqual([])
  expect(exitCodeOf(report)).toBe(0)
})
