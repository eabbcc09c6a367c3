import { describe, expect, test } from 'vitest'
import {
  createWebhook,
  deleteWebhook,
  findWebhook,
  listWebhooks,
  replaceWebhook,
  searchWebhooks,
  testWebhook,
  type WebhookBody,
} from '../../../clients/bitbucket/webhooks.ts'
import { startReceiver, startTestEmulator } from '../../support/emulator.ts'
import { answering, openClient } from './client-under-test.ts'
import { seen } from './webhook-samples.ts'

const url = 'https://mooring.example.com/webhooks/bitbucket-datacenter/prod?r=1'
const body: WebhookBody = {
  name: 'Mooring Prod',
  url,
  events: ['repo:refs_changed', 'pr:opened'],
  active: true,
  sslVerificationRequired: true,
  configuration: { secret: 'planted', createdBy: 'mooring/i/1' },
}

async function setUp(version = '9.4.2') {
  const emulator = await startTestEmulator({ version, contextPath: '/bitbucket' })
  await emulator.createRepository('PRJ', 'infra')
  return { emulator, client: openClient(emulator.url, emulator.adminToken) }
}

describe.for([
  { level: 'repository', scope: { projectKey: 'PRJ', repositorySlug: 'infra' } },
  { level: 'project', scope: { projectKey: 'PRJ' } },
])('of a $level', ({ level, scope }) => {
  test('are created, found, listed, replaced whole and deleted', async () => {
    const { client } = await setUp()

    const created = await createWebhook(client, scope, body, url)
    expect(created).toMatchObject({ ...body, scopeType: level })
    expect(await findWebhook(client, scope, created.id)).toMatchObject(body)
    expect(await listWebhooks(client, scope)).toMatchObject([{ id: created.id }])

    const changed = await replaceWebhook(client, scope, created.id, { ...body, active: false, configuration: {} }, url)
    expect(changed).toMatchObject({ id: created.id, active: false })
    expect((await findWebhook(client, scope, created.id))?.configuration ?? {}).not.toHaveProperty('secret')

    await deleteWebhook(client, scope, created.id)
    expect(await findWebhook(client, scope, created.id)).toBeUndefined()
    await deleteWebhook(client, scope, created.id)
    expect(await listWebhooks(client, scope)).toEqual([])
  })

  test('are tested by a ping to their address', async () => {
    const { client } = await setUp()
    const receiver = await startReceiver(202)
    const own = { ...body, url: receiver.url }
    const webhook = await createWebhook(client, scope, own, receiver.url)

    const outcome = await testWebhook(client, scope, webhook)

    expect(outcome).toEqual({ endpointStatus: 202 })
    expect(receiver.received.map(({ headers }) => headers['x-event-key'])).toEqual(['diagnostics:ping'])
  })
})

test('of a repository can be searched together with the project’s', async () => {
  const { client } = await setUp()
  const inProject = await createWebhook(client, { projectKey: 'PRJ' }, body, url)
  const inRepository = await createWebhook(client, { projectKey: 'PRJ', repositorySlug: 'infra' }, body, url)

  const found = await searchWebhooks(client, { projectKey: 'PRJ', repositorySlug: 'infra' })

  expect(found.map(({ id, scopeType }) => [id, scopeType]).sort()).toEqual(
    [
      [inProject.id, 'project'],
      [inRepository.id, 'repository'],
    ].sort(),
  )
})

test('of a newer Bitbucket may have dates as text', async () => {
  const { client } = await setUp('10.4.0')
  const scope = { projectKey: 'PRJ', repositorySlug: 'infra' }

  await createWebhook(client, scope, body, url)

  expect((await listWebhooks(client, scope))[0]?.createdDate).toBeTypeOf('string')
})

test('B22 whoever may only read a repository lacks the permission', async () => {
  const { emulator } = await setUp()
  await emulator.createUser('reader')
  await emulator.grant('reader', 'PROJECT_READ', 'PRJ')
  const reader = openClient(emulator.url, await emulator.createToken('reader', ['REPO_READ']))

  await expect(listWebhooks(reader, { projectKey: 'PRJ', repositorySlug: 'infra' })).rejects.toMatchObject({
    code: 'missing_permission',
  })
})

describe('S68', () => {
  test.for(['https://evil.example.com/hook?r=1', url.replace('?r=1', ''), url.replace('?r=1', '?r=2')])(
    'S68 a secret is not sent in a body with the address %s',
    async (foreign) => {
      const { client, requests } = answering(200, seen())
      const scope = { projectKey: 'PRJ', repositorySlug: 'infra' }

      await expect(createWebhook(client, scope, { ...body, url: foreign }, url)).rejects.toThrow('S68')
      await expect(replaceWebhook(client, scope, 1, { ...body, url: foreign }, url)).rejects.toThrow('S68')
      expect(requests).toEqual([])
    },
  )

  test('S68 a body without a secret may go anywhere', async () => {
    const { client, requests } = answering(200, seen())

    await createWebhook(client, { projectKey: 'PRJ' }, { ...body, configuration: {} }, 'https://other.example.com')

    expect(requests.length).toBe(1)
  })
})
