import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { ServerClient } from '../../../clients/server/client.ts'
import type { ConnectionTest } from '../../../schemas/connection-test.ts'
import { listen, listenTls } from '../../clients/listening.ts'
import { makeSelfSigned } from '../../clients/self-signed.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { openTestEmulator, type TestEmulator, type TestRepository } from '../../support/emulator.ts'
import { failureOf } from '../../support/failure-of.ts'
import { needs } from '../../support/left-out.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

const [sqlite] = databases
if (!sqlite) throw new Error('There is no database to test with.')
const database: TestDatabase = sqlite

let bitbucket: TestEmulator
let repository: TestRepository
let readToken: string
let administrationToken: string
const address = { projectKey: 'INFRA', repositorySlug: 'network' }

/** Lines of `<name> <outcome> <code>`. */
function linesOf({ checks }: ConnectionTest): string[] {
  return checks.map(({ name, outcome, code }) => [name, outcome, code].filter((word) => word !== null).join(' '))
}

needs('git', 'git-http-backend')('connection tests against a Bitbucket', () => {
  for (const each of databases) describe(each.name, () => againstBitbucket(each))
  describe('what each step finds', () => findings())

  beforeAll(async () => {
    bitbucket = await openTestEmulator({ contextPath: '/bitbucket' })
    repository = await bitbucket.createRepository('INFRA', 'network')
    await bitbucket.createUser('mooring-svc')
    await bitbucket.grant('mooring-svc', 'PROJECT_READ', 'INFRA')
    readToken = await bitbucket.createToken('mooring-svc', ['PROJECT_READ', 'REPO_READ'])
    administrationToken = await bitbucket.createToken(repository, ['REPO_ADMIN'])
  })
  afterAll(() => bitbucket.close())
})

function againstBitbucket(database: TestDatabase) {
  test('R18 it says that it is Bitbucket, which version, whose token, and what each token may do', async () => {
    const { root } = await startBeside(database)
    await create(root, { administrationToken })

    const found = await root.call('testIntegration', { params: { id: 'vcs' }, body: { repository: address } })

    expect(linesOf(found)).toEqual([
      'reachable ok',
      'tls warning',
      'bitbucket ok',
      'token ok',
      'projects ok',
      'repositories ok',
      'repository ok',
      'administration_token ok',
    ])
    expect(found.version).toMatch(/^\d+\.\d+\.\d+$/)
    expect(found.outcome).toBe('warning')
    expect(found.checks.find(({ name }) => name === 'bitbucket')?.detail).toContain(found.version)
    expect(found.checks.find(({ name }) => name === 'token')?.detail).toContain('"mooring-svc"')
  })

  test('S28 what is not saved is tested with the tokens of the request', async () => {
    const { root } = await startBeside(database)
    const body = { apiHost: bitbucket.url, accessToken: readToken, administrationToken, repository: address }

    const found = await root.call('testConnection', { body })

    expect(linesOf(found)).toContain('administration_token ok')
    expect(await failureOf(root.call('testConnection', { body: { apiHost: bitbucket.url } as never }))).toMatchObject({
      status: 422,
      errors: [{ pointer: '/accessToken' }],
    })
  })

  test('S29 the administration token is used for webhooks alone, the access token never for those', async () => {
    const { root } = await startBeside(database)
    const before = bitbucket.requests().length

    await root.call('testConnection', {
      body: { apiHost: bitbucket.url, accessToken: readToken, administrationToken, repository: address },
    })

    const calls = bitbucket.requests().slice(before)
    const byToken = (isMine: (scope: string) => boolean) => calls.filter(({ scope }) => isMine(scope))
    const administration = byToken((scope) => scope === 'repository')
    const reading = byToken((scope) => scope === 'user')
    expect(administration.map(({ method, path }) => `${method} ${path.split('?')[0]}`)).toEqual([
      'GET /rest/api/latest/projects/INFRA/repos/network/webhooks',
    ])
    expect(reading.length).toBeGreaterThan(2)
    expect(reading.filter(({ path }) => path.includes('webhooks'))).toEqual([])
    expect(calls.filter(({ path }) => path.includes('/users'))).toEqual([])
  })

  test('S26 a test is recorded with the person and the repository, before it is made', async () => {
    const server = await startBeside(database)
    await create(server.root, {})
    await server.root.call('testIntegration', { params: { id: 'vcs' }, body: { repository: address } })
    await server.root.call('testConnection', { body: { apiHost: bitbucket.url, accessToken: readToken } })

    const rows = await server.db
      .selectFrom('audit')
      .selectAll()
      .where('action', 'like', '%.test')
      .orderBy('id')
      .execute()

    expect(rows.map(({ actor, action, object }) => `${actor} ${action} ${object}`)).toEqual([
      `key:${server.rootKey.keyId} integration.test integration:vcs`,
      `key:${server.rootKey.keyId} connection.test space:root`,
    ])
    expect(JSON.parse(rows[0]?.details ?? '')).toEqual({ repository: address })
    expect(JSON.stringify(rows)).not.toContain(readToken)
  })

  test('S26 a caller makes sixty tests a minute, and others are not held up by it', async () => {
    const server = await startBeside(database)
    await create(server.root, { apiHost: `http://127.0.0.1:1` })
    const other = await clientOf(server, 'admin', 'root')
    const run = (client: ServerClient) => client.call('testIntegration', { params: { id: 'vcs' }, body: {} })

    await Promise.all(Array.from({ length: 60 }, () => run(server.root)))

    expect(await failureOf(run(server.root))).toMatchObject({ code: 'too_many_requests', status: 429 })
    expect((await run(other)).outcome).toBe('failed')
  })

  test('R26 S26 testing is for Admins of the space, what is hidden does not exist', async () => {
    const server = await startBeside(database)
    for (const name of ['Team', 'Other']) await server.root.call('createSpace', { body: { name } })
    for (const spaceId of ['team', 'other']) await create(server.root, { name: spaceId, spaceId })
    const admin = await clientOf(server, 'admin', 'team')
    const writer = await clientOf(server, 'writer', 'team')
    const stored = (client: ServerClient, id: string) => client.call('testIntegration', { params: { id }, body: {} })
    const unsaved = (client: ServerClient, spaceId: string) =>
      client.call('testConnection', { body: { spaceId, apiHost: bitbucket.url, accessToken: readToken } })

    expect((await stored(admin, 'team')).version).not.toBeNull()
    expect((await unsaved(admin, 'team')).version).not.toBeNull()
    expect(await failureOf(stored(writer, 'team'))).toMatchObject({ status: 403 })
    expect(await failureOf(unsaved(writer, 'team'))).toMatchObject({ status: 403 })
    expect(await failureOf(stored(admin, 'other'))).toMatchObject({ code: 'integration_not_found' })
    expect(await failureOf(unsaved(admin, 'other'))).toMatchObject({ code: 'space_not_found' })
  })
}

/** A server that may call the emulator, and a port that nobody listens on. */
function startBeside(database: TestDatabase): Promise<TestServer> {
  return startTestServer(database, { allowedLoopback: [new URL(bitbucket.url).host, '127.0.0.1:1'] })
}

function findings() {
  test.for<[name: string, change: () => Promise<Record<string, unknown>>, line: string]>([
    ['a wrong token', async () => ({ accessToken: 'wrong' }), 'token failed unauthorised'],
    [
      'a token that sees nothing',
      async () => {
        await bitbucket.createUser('nobody')
        return { accessToken: await bitbucket.createToken('nobody', ['REPO_READ']) }
      },
      'projects warning',
    ],
    [
      'a token that may write',
      async () => ({ accessToken: await bitbucket.createToken({ project: 'INFRA' }, ['REPO_WRITE']) }),
      'repositories warning',
    ],
    [
      'a repository that is not there',
      async () => ({ repository: { ...address, repositorySlug: 'missing' } }),
      'repository failed unauthorised',
    ],
    [
      'a repository’s name like a way up',
      async () => ({ repository: { ...address, projectKey: '...' } }),
      'repository failed unauthorised',
    ],
    [
      'an administration token without admin permission',
      async () => ({ administrationToken: await bitbucket.createToken(repository, ['REPO_WRITE']) }),
      'administration_token failed unauthorised',
    ],
    [
      'a wrong administration token',
      async () => ({ administrationToken: 'wrong' }),
      'administration_token failed unauthorised',
    ],
    [
      'no repository to try the administration token on',
      async () => ({ repository: undefined }),
      'administration_token warning',
    ],
    ['a wrong context path', async () => ({ apiHost: `${bitbucket.url}x` }), 'bitbucket failed not_bitbucket'],
  ])('R18 S37 %s', async ([, change, line]) => {
    const { root } = await startBeside(database)
    const body = { apiHost: bitbucket.url, accessToken: readToken, administrationToken, repository: address }

    const found = await root.call('testConnection', { body: { ...body, ...(await change()) } })

    expect(linesOf(found)).toContain(line)
  })

  test('S37 Bitbucket that answers 503 is unavailable', async () => {
    const { root } = await startBeside(database)
    await bitbucket.addFault({ kind: 'status', status: 503, path: '*application-properties' })
    onTestFinished(() => bitbucket.clearFaults())

    const found = await root.call('testConnection', { body: { apiHost: bitbucket.url, accessToken: readToken } })

    expect(linesOf(found)).toEqual(['reachable ok', 'tls warning', 'bitbucket failed unavailable'])
  })
}

describe('connection tests of what is no Bitbucket', () => {
  const secretPage = 'internal page of the payroll'

  test.for<[name: string, apiHost: () => Promise<string>, lines: string[]]>([
    ['a name that does not exist', async () => 'http://bitbucket.invalid', ['reachable failed dns']],
    ['a port that nobody listens on', async () => 'http://127.0.0.1:1', ['reachable failed refused']],
    [
      'a page of something else',
      async () => `http://127.0.0.1:${await listen((_, response) => response.end(secretPage))}`,
      ['reachable ok', 'tls warning', 'bitbucket failed not_bitbucket'],
    ],
    [
      'a redirect',
      async () =>
        `http://127.0.0.1:${await listen((_, response) => response.writeHead(302, { location: secretPage }).end())}`,
      ['reachable ok', 'tls warning', 'bitbucket failed not_bitbucket'],
    ],
    [
      'JSON of something else',
      async () =>
        `http://127.0.0.1:${await listen((_, response) =>
          response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ secretPage })),
        )}`,
      ['reachable ok', 'tls warning', 'bitbucket failed not_bitbucket'],
    ],
    [
      'a page that asks for a login',
      async () =>
        `http://127.0.0.1:${await listen((_, response) => response.writeHead(401, { 'x-page': secretPage }).end(secretPage))}`,
      ['reachable ok', 'tls warning', 'bitbucket failed not_bitbucket'],
    ],
    [
      'a connection that breaks',
      async () => `http://127.0.0.1:${await listen((request) => request.socket.destroy())}`,
      ['reachable failed refused'],
    ],
    [
      'a certificate that nobody vouches for',
      async () => `https://127.0.0.1:${await listenTls(makeSelfSigned(), (_, response) => response.end(secretPage))}`,
      ['reachable ok', 'tls failed tls'],
    ],
    ['TLS below 1.2', async () => `https://127.0.0.1:${await listenOldTls()}`, ['reachable ok', 'tls failed tls']],
  ])('S37 %s is told by a code, without a word of the answer', async ([, hostOf, lines]) => {
    const apiHost = await hostOf()
    const { hostname, host } = new URL(apiHost)
    const loopback = hostname === '127.0.0.1' ? [host] : []
    const { root } = await startTestServer(database, { allowedLoopback: loopback })

    const found = await root.call('testConnection', { body: { apiHost, accessToken: 'a-token' } })

    expect(linesOf(found)).toEqual(lines)
    expect(found).toMatchObject({ outcome: 'failed', version: null })
    const text = JSON.stringify(found)
    expect(text).not.toContain(secretPage)
    expect(text).not.toContain(host)
    expect(text).not.toContain('a-token')
  })

  test('S37 R102 a private host without agents is told at once', async () => {
    const { root } = await startTestServer(database)
    await root.call('createVcsAgentPool', { body: { name: 'berlin' } })
    const startedAt = Date.now()

    const found = await root.call('testConnection', { body: { apiHost: 'private://berlin', accessToken: 'a-token' } })

    expect(linesOf(found)).toEqual(['reachable failed vcs_agent_unavailable'])
    expect(Date.now() - startedAt).toBeLessThan(2_000)
  })

  test('S32 a host that must not be called is refused on its field', async () => {
    const { root } = await startTestServer(database)
    for (const apiHost of ['http://169.254.169.254', 'http://127.0.0.1:80', 'private://nowhere']) {
      const body = { apiHost, accessToken: 'a-token' }
      expect(await failureOf(root.call('testConnection', { body }))).toMatchObject({
        status: 422,
        errors: [{ pointer: '/apiHost' }],
      })
    }
  })

  test('S38 the certificate of the request is trusted for this test, and its host is checked', async () => {
    const identity = makeSelfSigned()
    const port = await listenTls(identity, (_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"version":"9.4.0"}'),
    )
    const { root } = await startTestServer(database, { allowedLoopback: [`127.0.0.1:${port}`] })
    const run = (caCertPem: string | null) =>
      root.call('testConnection', {
        body: { apiHost: `https://127.0.0.1:${port}`, accessToken: 'a-token', caCertPem },
      })

    expect(linesOf(await run(identity.cert)).slice(0, 3)).toEqual(['reachable ok', 'tls ok', 'bitbucket ok'])
    expect(linesOf(await run(null))).toEqual(['reachable ok', 'tls failed tls'])
    expect(linesOf(await run(makeSelfSigned().cert))).toEqual(['reachable ok', 'tls failed tls'])
  })
})

function create(client: ServerClient, fields: Record<string, unknown>) {
  const body = { name: 'VCS', apiHost: bitbucket.url, accessToken: readToken, ...fields }
  return client.call('createIntegration', { body })
}

async function clientOf(server: TestServer, role: 'admin' | 'writer', spaceId: string): Promise<ServerClient> {
  const key = await server.root.call('createApiKey', { body: { name: `${role} ${spaceId}`, role, spaceId } })
  return server.client({ keyId: key.id, keySecret: key.secret })
}

async function listenOldTls(): Promise<number> {
  const server = createTlsServer(
    { ...makeSelfSigned(), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    (_, response) => response.end(),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}
