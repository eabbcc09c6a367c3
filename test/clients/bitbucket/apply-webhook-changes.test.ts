import { describe, expect, test } from 'vitest'
import {
  applyWebhookChanges,
  observeWebhooks,
  removeWebhooks,
} from '../../../clients/bitbucket/apply-webhook-changes.ts'
import type { BitbucketClient } from '../../../clients/bitbucket/client.ts'
import type { DesiredWebhook } from '../../../clients/bitbucket/desired-webhook.ts'
import { webhookDrift } from '../../../clients/bitbucket/webhook-drift.ts'
import { listWebhooks } from '../../../clients/bitbucket/webhooks.ts'
import { startTestEmulator, type TestEmulator, type TestRepository } from '../../support/emulator.ts'
import { openClient } from './client-under-test.ts'
import { endpoint, events, instanceId, secret, wanted } from './webhook-samples.ts'

const scope = { projectKey: 'PRJ', repositorySlug: 'infra' }
const own = {
  name: 'Mooring Prod',
  url: `${endpoint}?r=7`,
  events,
  configuration: { secret, createdBy: `mooring/${instanceId}/int1`, mooringSecretVersion: '3' },
}
const foreign = {
  name: 'CI',
  url: 'https://ci.example.com/hook',
  events: ['pr:opened'],
  configuration: { secret: 'theirs' },
}

interface World {
  readonly emulator: TestEmulator
  readonly repository: TestRepository
  readonly client: BitbucketClient
}

async function setUp(webhooks: readonly Readonly<Record<string, unknown>>[] = []): Promise<World> {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  for (const webhook of webhooks) await emulator.createWebhook(repository, webhook)
  return { emulator, repository, client: openClient(emulator.url, emulator.adminToken) }
}

async function planAndApply({ client }: World, desired: DesiredWebhook = wanted(), listedJustNow = true) {
  const changes = webhookDrift(desired, await observeWebhooks(client, scope, desired))
  return applyWebhookChanges(client, scope, desired, changes, { listedJustNow })
}

/** What the client sent, as `POST webhooks`, `PUT webhooks/3`. */
function sent({ emulator }: World): string[] {
  return emulator.requests().map(({ method, path }) => `${method} ${path.replace(/^.*\/infra\/|\?.*$/g, '')}`)
}

async function present({ client }: World) {
  return (await listWebhooks(client, scope)).map(({ id, url, active }) => ({ id, url, active }))
}

describe('converges', () => {
  test('B1 B57 makes a missing webhook with two requests', async () => {
    const world = await setUp([foreign])

    const applied = await planAndApply(world)

    expect(applied).toMatchObject({
      done: [{ kind: 'created' }],
      error: undefined,
      left: [],
      webhook: { url: own.url },
    })
    expect(sent(world)).toEqual(['GET webhooks', 'POST webhooks'])
  })

  test('B31 a second run writes nothing', async () => {
    const world = await setUp([{ ...own, active: false }, foreign, own, { ...own, configuration: {} }])
    const first = await planAndApply(world)
    const requests = sent(world).length

    const second = await planAndApply(world)

    expect(first.done.map(({ kind }) => kind)).toEqual(['updated', 'deleted', 'deleted'])
    expect(second).toEqual({ done: [], webhook: undefined, error: undefined, left: [] })
    expect(sent(world).slice(requests)).toEqual(['GET webhooks'])
  })

  test('B6 updates the oldest, then deletes the duplicates', async () => {
    const world = await setUp([{ ...own, active: false }, own, own])
    const [kept, second, third] = await present(world)

    await planAndApply(world)

    expect(await present(world)).toEqual([{ ...kept, active: true }])
    // This test looked, the plan looked, and before anything is overwritten there is another look (B30).
    expect(sent(world).slice(0, -1)).toEqual([
      ...['GET webhooks', 'GET webhooks', 'GET webhooks'],
      `PUT webhooks/${kept?.id}`,
      `DELETE webhooks/${second?.id}`,
      `DELETE webhooks/${third?.id}`,
    ])
  })

  test('B5 leaves what others configured, byte for byte', async () => {
    const configuration = { ...own.configuration, theirs: { deep: ['x', 1.5, null, true], text: 'größe "\\' } }
    const world = await setUp([
      { ...own, active: false, configuration, credentials: { username: 'jdoe', password: 'p' } },
      foreign,
    ])

    await planAndApply(world)

    const [ours, theirs] = await listWebhooks(world.client, scope)
    expect(ours).toMatchObject({ active: true, configuration, credentials: { username: 'jdoe' } })
    expect(theirs).toMatchObject(foreign)
  })

  test('B37 moves a registered webhook in place', async () => {
    const former = 'https://old.example.com/hooks'
    const world = await setUp([{ ...own, url: `${former}?r=7` }])
    const [before] = await present(world)

    const applied = await planAndApply(world, wanted({ formerEndpoints: [former], registeredIds: [before?.id ?? 0] }))

    expect(applied.done).toEqual([{ kind: 'updated', id: before?.id, drift: ['url'] }])
    expect(await present(world)).toEqual([{ ...before, url: own.url }])
  })

  test('B14 keep_repository makes the repository’s webhook before it deletes the project’s', async () => {
    const world = await setUp()
    await world.emulator.createWebhook('PRJ', { ...own, url: `${endpoint}?p=1` })

    const applied = await planAndApply(world, wanted({ policy: { scopeOverlap: 'keep_repository' } }))

    expect(applied.done).toMatchObject([{ kind: 'created' }, { kind: 'deleted', drift: ['scope-overlap'] }])
    expect(await listWebhooks(world.client, { projectKey: 'PRJ' })).toEqual([])
    expect(await present(world)).toMatchObject([{ url: own.url }])
  })

  test('B14 keep_project deletes the repository’s webhook', async () => {
    const world = await setUp([own])
    await world.emulator.createWebhook('PRJ', { ...own, url: `${endpoint}?p=1` })

    await planAndApply(world, wanted({ policy: { scopeOverlap: 'keep_project' } }))

    expect(await present(world)).toEqual([])
    expect((await listWebhooks(world.client, { projectKey: 'PRJ' })).length).toBe(1)
  })
})

describe('stops', () => {
  test('B6 a failed update deletes nothing', async () => {
    const world = await setUp([{ ...own, active: false }, own, own])
    await world.emulator.addFault({ kind: 'status', status: 409, method: 'PUT' })

    const applied = await planAndApply(world)

    expect(applied).toMatchObject({
      done: [],
      error: { code: 'conflict' },
      left: [{ kind: 'update' }, { kind: 'delete' }, { kind: 'delete' }],
    })
    expect((await present(world)).length).toBe(3)
  })

  test('a failed deletion says what was done and what is left', async () => {
    const world = await setUp([{ ...own, active: false }, own, own])
    await world.emulator.addFault({ kind: 'status', status: 503, method: 'DELETE' })

    const applied = await planAndApply(world)

    expect(applied).toMatchObject({
      done: [{ kind: 'updated' }],
      error: { code: 'unavailable' },
      left: [{ kind: 'delete' }, { kind: 'delete' }],
    })
  })

  test('B22 a missing permission is the error, and no secret is in it', async () => {
    const world = await setUp()
    await world.emulator.createUser('reader')
    await world.emulator.grant('reader', 'REPO_READ', world.repository)
    const reader = openClient(world.emulator.url, await world.emulator.createToken('reader', ['REPO_READ']))
    const changes = webhookDrift(wanted(), [])

    const applied = await applyWebhookChanges(reader, scope, wanted(), changes, { listedJustNow: true })

    expect(applied).toMatchObject({ done: [], error: { code: 'missing_permission' }, left: changes })
    expect(JSON.stringify(applied)).not.toContain('planted')
  })
})

describe('B28 a POST whose answer is lost', () => {
  const webhooks = { method: 'POST', path: '*/webhooks' } as const

  test('B28 is not repeated where it arrived', async () => {
    const world = await setUp()
    await world.emulator.addFault({ kind: 'drop-answer', times: 1, ...webhooks })

    const applied = await planAndApply(world)

    expect(sent(world)).toEqual(['GET webhooks', 'POST webhooks', 'GET webhooks'])
    expect(applied).toMatchObject({ error: undefined, left: [], webhook: { url: own.url } })
    expect((await present(world)).length).toBe(1)
  })

  test('B28 is repeated where it did not arrive', async () => {
    const world = await setUp()
    await world.emulator.addFault({ kind: 'reset', times: 1, ...webhooks })

    const applied = await planAndApply(world)

    expect(sent(world)).toEqual(['GET webhooks', 'POST webhooks', 'GET webhooks', 'POST webhooks'])
    expect(applied).toMatchObject({ done: [{ kind: 'created' }], error: undefined })
    expect((await present(world)).length).toBe(1)
  })

  test('B28 that a gateway gave up on is looked for as well', async () => {
    const world = await setUp()
    await world.emulator.addFault({
      kind: 'status',
      status: 504,
      times: 1,
      body: '<html>',
      contentType: 'text/html',
      ...webhooks,
    })

    expect(await planAndApply(world)).toMatchObject({ done: [{ kind: 'created' }], error: undefined })
    expect((await present(world)).length).toBe(1)
  })

  test('B28 is given up after three tries', async () => {
    const world = await setUp()
    await world.emulator.addFault({ kind: 'reset', ...webhooks })

    const applied = await planAndApply(world)

    expect(sent(world).filter((request) => request === 'POST webhooks').length).toBe(3)
    expect(applied).toMatchObject({ done: [], error: { code: 'reset' }, left: [{ kind: 'create' }] })
  })

  test('B24 is not repeated where Bitbucket refused it', async () => {
    const world = await setUp()
    await world.emulator.addFault({ kind: 'status', status: 400, ...webhooks })

    expect(await planAndApply(world)).toMatchObject({ error: { code: 'invalid' } })
    expect(sent(world)).toEqual(['GET webhooks', 'POST webhooks'])
  })
})

describe('B30 a world that changed after the plan', () => {
  /** Plans, lets somebody else act, and applies. */
  async function applyAfter(world: World, act: (world: World, ids: readonly number[]) => Promise<unknown>) {
    const observed = await listWebhooks(world.client, scope)
    const changes = webhookDrift(wanted(), observed)
    await act(
      world,
      observed.map(({ id }) => id),
    )
    return applyWebhookChanges(world.client, scope, wanted(), changes, { listedJustNow: false })
  }
  const write = ({ emulator, repository }: World, method: string, id: number, body?: unknown) =>
    emulator.rest(method, `${repository.path}/webhooks/${id}`, body === undefined ? {} : { body })

  test('B30 keeps what somebody added to the webhook in between', async () => {
    const world = await setUp([{ ...own, active: false }])

    await applyAfter(world, (_, [id = 0]) =>
      write(world, 'PUT', id, {
        ...own,
        active: false,
        events: [...events, 'pr:declined'],
        configuration: { ...own.configuration, theirs: 1 },
      }),
    )

    expect(await listWebhooks(world.client, scope)).toMatchObject([
      { active: true, events: expect.arrayContaining(['pr:declined']), configuration: { theirs: 1 } },
    ])
  })

  test('B30 writes nothing where somebody put it right', async () => {
    const world = await setUp([{ ...own, active: false }])

    const applied = await applyAfter(world, (_, [id = 0]) => write(world, 'PUT', id, own))

    expect(applied).toMatchObject({ done: [], error: undefined, left: [], webhook: { active: true } })
    expect(sent(world).some((request) => request.startsWith('PUT'))).toBe(false)
  })

  test('B30 S68 leaves a webhook alone that was turned to another address, and makes a new one', async () => {
    const world = await setUp([{ ...own, active: false }])
    const elsewhere = { ...own, url: 'https://evil.example.com/hook?r=7' }

    await applyAfter(world, (_, [id = 0]) => write(world, 'PUT', id, elsewhere))

    expect((await present(world)).map(({ url }) => url)).toEqual([elsewhere.url, own.url])
  })

  test('B30 does not delete the last webhook where the kept one vanished', async () => {
    const world = await setUp([own, own])

    await applyAfter(world, (_, [id = 0]) => write(world, 'DELETE', id))

    expect(await present(world)).toMatchObject([{ url: own.url, active: true }])
  })

  test('B30 deletes nothing that was not planned', async () => {
    const world = await setUp([{ ...own, active: false }])

    const applied = await applyAfter(world, () => world.emulator.createWebhook(world.repository, own))

    expect(applied.done.map(({ kind }) => kind)).toEqual(['updated'])
    expect((await present(world)).length).toBe(2)
  })

  test('B30 makes no second webhook where somebody made it first', async () => {
    const world = await setUp()

    const applied = await applyAfter(world, () => world.emulator.createWebhook(world.repository, own))

    expect(applied).toMatchObject({ done: [], error: undefined, left: [], webhook: { url: own.url } })
    expect((await present(world)).length).toBe(1)
  })
})

describe('B34 removes', () => {
  test('B34 every webhook that is ours and only those', async () => {
    const world = await setUp([
      own,
      foreign,
      { ...own, configuration: {} },
      { ...own, configuration: { createdBy: 'jenkins' } },
    ])

    const removed = await removeWebhooks(world.client, scope, wanted().ownership, { adopt: true })

    expect(removed).toMatchObject({ error: undefined, left: [] })
    expect(removed.done.map(({ kind }) => kind)).toEqual(['deleted', 'deleted'])
    expect((await listWebhooks(world.client, scope)).map(({ name, configuration }) => [name, configuration])).toEqual([
      ['CI', foreign.configuration],
      ['Mooring Prod', { createdBy: 'jenkins' }],
    ])
  })

  test('B34 and says what is left when it fails', async () => {
    const world = await setUp([own, own])
    await world.emulator.addFault({ kind: 'status', status: 503, method: 'DELETE' })

    const removed = await removeWebhooks(world.client, scope, wanted().ownership, { adopt: true })

    expect(removed).toMatchObject({ done: [], error: { code: 'unavailable' }, left: [{ id: expect.any(Number) }, {}] })
  })

  test('B21 from a repository that vanished: nothing, with an error that says so', async () => {
    const world = await setUp()

    const removed = await removeWebhooks(world.client, { ...scope, repositorySlug: 'gone' }, wanted().ownership, {
      adopt: true,
    })

    expect(removed).toMatchObject({ done: [], error: { code: 'not_found' } })
  })
})
