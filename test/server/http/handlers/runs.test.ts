import { beforeAll, describe, expect, test, vi } from 'vitest'
import { databases, type TestDatabase } from '../../../support/databases.ts'
import { openTestEmulator, type TestEmulator } from '../../../support/emulator.ts'
import { needs } from '../../../support/left-out.ts'
import { startTestServer } from '../../../support/server.ts'

let emulator: TestEmulator
let project = 0

beforeAll(async () => {
  emulator = await openTestEmulator({ contextPath: '/bitbucket' })
  return () => emulator.close()
})

/** A server with an integration of the emulator, a stack, and its repository's webhook. */
async function setUp(database: TestDatabase) {
  const server = await startTestServer(database, { allowedLoopback: [new URL(emulator.url).host] })
  const repository = await emulator.createRepository(`API${++project}`, 'infra')
  const first = await repository.push({ files: { 'infra/main.tf': `1 of ${repository.key}` } })
  const integration = await server.root.call('createIntegration', {
    body: { name: 'bitbucket', apiHost: emulator.url, accessToken: emulator.adminToken },
  })
  const stack = await server.root.call('createStack', {
    query: {},
    body: {
      name: 'network',
      branch: 'main',
      projectRoot: 'infra',
      repository: { integrationId: integration.id, projectKey: repository.key, repositorySlug: repository.slug },
    },
  })
  const { secret } = await server.root.call('readWebhookCredentials', { params: { id: integration.id } })
  const { pathname } = new URL(integration.webhookUrl)
  await emulator.createWebhook(repository, { url: `${server.url}${pathname}`, configuration: { secret } })
  return { server, repository, first, integration, stack }
}

needs('git', 'git-http-backend')('runs and deliveries in the API', () => {
  for (const database of databases) describe(database.name, () => suite(database))
})

function suite(database: TestDatabase): void {
  test('R34 R61 R90 a git push becomes a delivery, a run and a build status', async () => {
    const { server, repository, integration, stack } = await setUp(database)

    const commit = await repository.push({ files: { 'infra/main.tf': '2' } })

    const run = await vi.waitFor(async () => {
      const { items } = await server.root.call('listRuns', { query: { stackId: stack.id } })
      expect(items).toHaveLength(1)
      return items[0]
    }, 10_000)
    expect(run).toMatchObject({
      stackId: 'network',
      type: 'TRACKED',
      state: 'READY',
      commitSha: commit,
      branch: 'main',
    })
    expect(await server.root.call('getRun', { params: { id: run?.id ?? '' } })).toEqual(run)
    expect(await server.root.call('getStack', { params: { id: stack.id } })).toMatchObject({ headCommit: commit })

    const { items } = await server.root.call('listDeliveries', { params: { id: integration.id }, query: {} })
    expect(items).toMatchObject([
      { integrationId: 'bitbucket', state: 'processed', verdict: 'accepted', reason: null, runIds: [run?.id] },
    ])
    const [delivery] = items
    expect(delivery?.id).toBe(run?.deliveryId)
    expect(await server.root.call('getDelivery', { params: { id: delivery?.id ?? '' } })).toEqual(delivery)

    await vi.waitFor(async () => {
      const { body } = await emulator.rest('GET', `/rest/build-status/latest/commits/${commit}`)
      expect(body.values).toMatchObject([{ key: 'mooring/network/tracked', state: 'INPROGRESS' }])
    }, 10_000)
  })

  test('R82 deleting the integration fails the runs that wait, with the reason', async () => {
    const { server, repository, integration, stack } = await setUp(database)
    await repository.push({ files: { 'infra/main.tf': '2' } })
    await vi.waitFor(async () => {
      const { items } = await server.root.call('listRuns', { query: { stackId: stack.id } })
      expect(items).toHaveLength(1)
    }, 10_000)

    await server.root.call('deleteIntegration', { params: { id: integration.id }, query: {} })

    const { items } = await server.root.call('listRuns', { query: { stackId: stack.id } })
    expect(items).toMatchObject([{ state: 'FAILED', stateReason: 'Detached from its integration.' }])
  })

  test('R82 when only the stack is detached, its commit is told that the run failed', async () => {
    const { server, repository, stack } = await setUp(database)
    const commit = await repository.push({ files: { 'infra/main.tf': '2' } })
    const statusIs = (state: string) =>
      vi.waitFor(async () => {
        const { body } = await emulator.rest('GET', `/rest/build-status/latest/commits/${commit}`)
        expect(body.values).toMatchObject([{ key: 'mooring/network/tracked', state }])
      }, 10_000)
    await statusIs('INPROGRESS')

    await server.root.call('updateStack', { params: { id: stack.id }, query: {}, body: { repository: null } })

    await statusIs('FAILED')
  })

  test('R201 lists go newest first, page by page, and give those of the ids that exist', async () => {
    const { server, repository, integration, stack } = await setUp(database)
    for (let count = 2; count <= 4; count++) await repository.push({ files: { 'infra/main.tf': String(count) } })
    const all = await vi.waitFor(async () => {
      const { items } = await server.root.call('listRuns', { query: { stackId: stack.id } })
      expect(items).toHaveLength(3)
      return items
    }, 10_000)

    const ids = all.map(({ id }) => id)
    const page = await server.root.call('listRuns', { query: { limit: 2 } })
    const next = await server.root.call('listRuns', { query: { limit: 2, cursor: page.nextCursor ?? '' } })
    const some = await server.root.call('listRuns', { query: { ids: `${ids[1]},nonsense` } })
    const none = await server.root.call('listRuns', { query: { ids: 'nonsense' } })
    const deliveries = await server.root.call('listDeliveries', {
      params: { id: integration.id },
      query: { state: 'processed', limit: 2 },
    })

    expect(ids).toEqual([...ids].sort().reverse())
    expect(page.items.map(({ id }) => id)).toEqual(ids.slice(0, 2))
    expect(next).toMatchObject({ items: [{ id: ids[2] }], nextCursor: null })
    expect(some.items.map(({ id }) => id)).toEqual([ids[1]])
    expect(none.items).toEqual([])
    expect(deliveries.items.map(({ runIds }) => runIds)).toEqual([[ids[0]], [ids[1]]])
  })

  test('R204 what is not there is a problem with its code', async () => {
    const server = await startTestServer(database)
    const id = '01890000-0000-7000-8000-000000000000'

    const problems = await Promise.all(
      [`/runs/${id}`, '/runs?stackId=nope', `/deliveries/${id}`, '/integrations/nope/deliveries'].map(async (path) => {
        const response = await server.request('GET', `/api/v1${path}`)
        return [response.status, ((await response.json()) as { code: string }).code]
      }),
    )

    expect(problems).toEqual([
      [404, 'run_not_found'],
      [404, 'stack_not_found'],
      [404, 'delivery_not_found'],
      [404, 'integration_not_found'],
    ])
  })
}
