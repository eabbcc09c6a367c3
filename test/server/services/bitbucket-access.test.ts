import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { sendToBitbucket } from '../../../clients/bitbucket/client.ts'
import { restPath } from '../../../clients/bitbucket/paths.ts'
import { getApplicationProperties, getRepository } from '../../../clients/bitbucket/repositories.ts'
import { listWebhooks } from '../../../clients/bitbucket/webhooks.ts'
import { createCallScheduler } from '../../../clients/call-scheduler.ts'
import { systemClock } from '../../../clients/system-clock.ts'
import { openTrustingTransports } from '../../../clients/transport-undici.ts'
import { createOutboundGuard } from '../../../server/core/outbound-guard.ts'
import { createSealer } from '../../../server/core/sealer.ts'
import { createBitbucketAccess } from '../../../server/services/bitbucket-access.ts'
import type { IntegrationRow } from '../../../server/store/integrations.ts'
import { listenTls } from '../../clients/listening.ts'
import { makeSelfSigned } from '../../clients/self-signed.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { openTestEmulator, type TestEmulator, type TestRepository } from '../../support/emulator.ts'
import { needs } from '../../support/left-out.ts'
import { startTestServer } from '../../support/server.ts'
import { deliverPush } from '../../support/signed-push.ts'

const sealer = createSealer({ current: randomBytes(32), old: [] })

function openAccess(host: string) {
  const guard = createOutboundGuard({ allowedLoopback: [host], allowedHosts: undefined, publicUrl: undefined })
  const transports = openTrustingTransports({ checkAddress: guard.checkAddress })
  onTestFinished(() => transports.close())
  const clock = systemClock()
  const scheduler = createCallScheduler({ clock, callsPerSecond: 100, burst: 1_000, maxInFlight: 4 })
  return createBitbucketAccess(transports, scheduler, clock, guard, sealer)
}

function rowOf(fields: Partial<IntegrationRow>): IntegrationRow {
  const id = '0190f3a0-1000-7000-8000-000000000001'
  const seal = (column: string, token: string) => sealer.seal({ table: 'integration', id, column }, token)
  return {
    id,
    slug: 'vcs',
    name: 'VCS',
    is_default: 0,
    space_id: 'root',
    api_host: '',
    user_facing_host: null,
    username: '',
    access_token: seal('access_token', 'reading-token'),
    administration_token: seal('administration_token', 'administration-token'),
    ca_cert_pem: null,
    vcs_agent_pool_id: null,
    labels: '[]',
    description: '',
    vcs_checks: 'INDIVIDUAL',
    use_git_checkout: 0,
    repository_access: null,
    require_bitbucket_access: 0,
    allow_detach_on_destroy: 1,
    created_at: 0,
    updated_at: 0,
    ...fields,
  }
}

describe('the way out', () => {
  test('S38 one integration’s certificate opens nothing for another, also where a connection is open', async () => {
    const identity = makeSelfSigned()
    const port = await listenTls(identity, (_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"version":"9.4.0"}'),
    )
    const access = openAccess(`127.0.0.1:${port}`)
    const api_host = `https://127.0.0.1:${port}`
    const trusting = access.bitbucketClient(rowOf({ api_host, ca_cert_pem: identity.cert }))
    const other = access.bitbucketClient(rowOf({ api_host }))
    const wrong = access.bitbucketClient(rowOf({ api_host, ca_cert_pem: makeSelfSigned().cert }))

    expect((await getApplicationProperties(trusting)).version).toBe('9.4.0')
    await expect(getApplicationProperties(other)).rejects.toMatchObject({ code: 'tls' })
    await expect(getApplicationProperties(wrong)).rejects.toMatchObject({ code: 'tls' })
    expect((await getApplicationProperties(trusting)).version).toBe('9.4.0')
  })

  test('S29 neither token can be used for the other’s calls, wherever the mistake is made', async () => {
    const access = openAccess('127.0.0.1:1')
    const row = rowOf({ api_host: 'http://127.0.0.1:1/context/rest' })
    const reading = access.bitbucketClient(row)
    const webhooks = access.webhooksClient(row)
    const repository = { projectKey: 'P', repositorySlug: 'webhooks' }

    expect(reading.token).toBe('reading-token')
    expect(webhooks?.token).toBe('administration-token')
    await expect(listWebhooks(reading, repository)).rejects.toThrow('S29')
    await expect(listWebhooks(reading, { projectKey: 'P' })).rejects.toThrow('S29')
    if (!webhooks) throw new Error('There is an administration token.')
    await expect(getRepository(webhooks, repository)).rejects.toThrow('S29')
    const search = restPath('/api/latest/projects/{projectKey}/repos/{repositorySlug}/webhooks/search', repository)
    await expect(sendToBitbucket(reading, { method: 'GET', path: search })).rejects.toThrow('S29')
    await expect(sendToBitbucket(webhooks, { method: 'GET', path: search })).rejects.toMatchObject({ code: 'refused' })
    await expect(getRepository(reading, repository)).rejects.toMatchObject({ code: 'refused' })
    expect(access.webhooksClient(rowOf({ administration_token: null }))).toBeUndefined()
  })

  test('R102 through a pool nothing is sent anywhere', async () => {
    const access = openAccess('127.0.0.1:1')
    const client = access.bitbucketClient(rowOf({ api_host: 'private://berlin/context' }))

    await expect(getApplicationProperties(client)).rejects.toMatchObject({
      code: 'agent_unavailable',
      nothingSent: true,
    })
  })
})

let bitbucket: TestEmulator
let repository: TestRepository

needs('git', 'git-http-backend')('a token that may read, and nothing else', () => {
  beforeAll(async () => {
    bitbucket = await openTestEmulator({ contextPath: '/bitbucket' })
    repository = await bitbucket.createRepository('INFRA', 'network')
    await bitbucket.createUser('reader')
    await bitbucket.grant('reader', 'PROJECT_READ', 'INFRA')
  })
  afterAll(() => bitbucket.close())

  for (const database of databases) describe(database.name, () => suite(database))
})

function suite(database: TestDatabase): void {
  test('R18b R18a PROJECT_READ and REPO_READ are enough from attaching to the status', async () => {
    const accessToken = await bitbucket.createToken('reader', ['PROJECT_READ', 'REPO_READ'])
    const server = await startTestServer(database, { allowedLoopback: [new URL(bitbucket.url).host] })
    const { root } = server
    const address = { projectKey: 'INFRA', repositorySlug: 'network' }
    const first = await repository.push({ files: { 'main.tf': `${Math.random()}` } })
    await root.call('createIntegration', {
      body: { name: 'VCS', isDefault: true, apiHost: bitbucket.url, accessToken },
    })
    const before = bitbucket.requests().length

    const found = await root.call('testIntegration', { params: { id: 'vcs' }, body: { repository: address } })
    await root.call('createStack', {
      query: {},
      body: { name: `On ${database.name}`, branch: 'main', projectRoot: '', repository: address },
    })
    const commit = await repository.push({ files: { 'main.tf': `${Math.random()}` } })
    const verdict = await deliverPush(server, 'vcs', repository, [{ branch: 'main', from: first, to: commit }])

    expect(found.checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    expect(verdict.verdict).toBe('accepted')
    await expect
      .poll(
        async () => (await bitbucket.rest('GET', `/rest/build-status/latest/commits/${commit}`)).body.values.length,
        {
          timeout: 10_000,
        },
      )
      .toBe(1)
    const calls = bitbucket.requests().slice(before)
    expect(calls.filter(({ status }) => status >= 400)).toEqual([])
    expect(calls.filter(({ path }) => path.includes('/users'))).toEqual([])
  })
}
