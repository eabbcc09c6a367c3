import { createHmac, randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import type { ServerClient } from '../../../clients/server/client.ts'
import { openTestEmulator, type TestEmulator, type TestRepository } from '../emulator.ts'
import { pushBody } from '../processing.ts'
import { type FuzzCallers, makeCallers } from './callers.ts'
import { type FuzzServer, newIdentity, startFuzzServer } from './server.ts'

/** A server with a Bitbucket behind it, callers, and objects that stay: their names begin with `pillar`. */
export interface FuzzWorld {
  readonly server: FuzzServer
  readonly emulator: TestEmulator
  readonly root: ServerClient
  readonly callers: FuzzCallers
  /** Bitbucket's token that reads everything. */
  readonly bitbucketToken: string
  readonly random: () => number
  /** Gives each user of Bitbucket his calls back: they are counted by user name, and here it changes (L20). */
  refreshCalls(): Promise<void>
  close(): Promise<void>
}

/** Those whose calls reach the emulator. */
const reaching = ['pillar-default', 'pillar-team-vcs', 'pillar-narrow', 'pillar-proof', 'pillar-guarded-vcs']

/** Builds the world on the empty database. */
export async function openFuzzWorld(databaseUrl: string, random: () => number): Promise<FuzzWorld> {
  const emulator = await openTestEmulator({ observe: () => undefined })
  try {
    const repository = await fillBitbucket(emulator)
    const closed = await closedPort()
    const server = await startFuzzServer(newIdentity(databaseUrl), {
      MOORING_ALLOWED_LOOPBACK: [new URL(emulator.url).host, closed].join(','),
    })
    try {
      const bootstrap = server.client(server.bootstrapKey)
      const { id, secret } = await bootstrap.call('createApiKey', { body: { name: 'pillar root', role: 'admin' } })
      const rootKey = { keyId: id, keySecret: secret }
      const root = server.client(rootKey)
      await makePillars(root, emulator, closed)
      await makeTraffic(server, root, repository)
      return {
        server,
        emulator,
        root,
        callers: await makeCallers(server, rootKey, random),
        bitbucketToken: emulator.adminToken,
        random,
        refreshCalls: async () => {
          for (const integration of reaching) {
            const body = { username: `bot-${Math.floor(random() * 1e9)}` }
            await root.call('updateIntegration', { params: { id: integration }, query: {}, body })
          }
        },
        close: async () => {
          await server.close()
          await emulator.close()
        },
      }
    } catch (error) {
      await server.close()
      throw error
    }
  } catch (error) {
    await emulator.close()
    throw error
  }
}

/** The repositories that made-up requests are about. */
async function fillBitbucket(emulator: TestEmulator): Promise<TestRepository> {
  await emulator.createUser('ada')
  const files = { 'live/network/main.tf': '# network\n', 'README.md': 'a readme\n' }
  const network = await emulator.createRepository('INFRA', 'network')
  for (const repository of [
    network,
    await emulator.createRepository('INFRA', 'dns'),
    await emulator.createRepository('~ada', 'network'),
    await emulator.createRepository('~ada', 'dns'),
  ]) {
    await repository.push({ files })
    await repository.push({ branch: 'topic/one' })
  }
  await emulator.createRepository('INFRA', 'empty')
  return network
}

async function makePillars(root: ServerClient, emulator: TestEmulator, closed: string): Promise<void> {
  const space = (slug: string, parentId: string, inheritEntities: boolean) =>
    root.call('createSpace', { body: { name: slug, slug, parentId, inheritEntities } })
  await space('pillar-team', 'root', true)
  await space('pillar-below', 'pillar-team', true)
  await space('pillar-apart', 'root', false)
  for (const name of ['pillar-pool', 'pillar-idle-pool']) await root.call('createVcsAgentPool', { body: { name } })

  const reachable = { apiHost: emulator.url, accessToken: emulator.adminToken }
  const integration = (name: string, fields: object = {}) =>
    root.call('createIntegration', { body: { name, ...reachable, ...fields } })
  await integration('pillar-default', { isDefault: true })
  await integration('pillar-team-vcs', { spaceId: 'pillar-team', administrationToken: emulator.adminToken })
  await integration('pillar-closed', { apiHost: `http://${closed}` })
  await integration('pillar-private', {
    apiHost: 'private://pillar-pool',
    userFacingHost: 'https://bitbucket.example.com',
  })
  await integration('pillar-refused', { accessToken: 'a-token-that-nobody-made' })
  await integration('pillar-narrow', { repositoryAccess: [] })
  await integration('pillar-proof', { requireBitbucketAccess: true })
  await integration('pillar-guarded-vcs', { allowDetachOnDestroy: false })

  const attached = (name: string, integrationId: string, fields: object = {}) => ({
    query: {},
    body: {
      name,
      branch: 'main',
      ...fields,
      repository: { integrationId, projectKey: 'INFRA', repositorySlug: 'network' },
    },
  })
  await root.call('createStack', attached('pillar-stack', 'pillar-default'))
  await root.call('createModule', attached('pillar-module', 'pillar-default'))
  await root.call('createStack', attached('pillar-team-stack', 'pillar-team-vcs', { spaceId: 'pillar-below' }))
  await root.call('createStack', attached('pillar-guarded', 'pillar-guarded-vcs'))
  await root.call('reportRegistration', {
    body: {
      integrationId: 'pillar-team-vcs',
      projectKey: 'INFRA',
      repositorySlug: 'network',
      repositoryId: 1,
      webhookId: null,
      secretVersion: 1,
      observed: 'missing',
      managedBy: 'service',
    },
  })
}

/** A push whose delivery makes a run of the stack, and one of the module. */
async function makeTraffic({ url, db }: FuzzServer, root: ServerClient, repository: TestRepository): Promise<void> {
  const from = (await repository.git('rev-parse', 'HEAD')).trim()
  const to = await repository.push({ files: { 'live/network/main.tf': '# changed\n' } })
  const { secret } = await root.call('readWebhookCredentials', { params: { id: 'pillar-default' } })
  const body = pushBody(repository, [{ branch: 'main', from, to }])
  await fetch(`${url}/webhooks/bitbucket-datacenter/pillar-default`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'x-event-key': 'repo:refs_changed',
      'x-request-id': randomUUID(),
      'x-hub-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    body,
  })
  const deadline = Date.now() + 20_000
  while ((await db.selectFrom('run').select('id').execute()).length < 2) {
    if (Date.now() > deadline) throw new Error('The push made no runs.')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** `127.0.0.1:<port>` where nobody listens. */
async function closedPort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `127.0.0.1:${port}`
}
