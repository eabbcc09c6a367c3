import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type OperationId, operations } from '../../schemas/api.ts'
import type { Database } from '../../server/store/tables.ts'
import { databases, type TestDatabase } from '../support/databases.ts'
import { findSecrets, readFolder } from '../support/secret-search.ts'
import { connectTestDatabase } from '../support/server-database.ts'
import { startServerProcess } from '../support/server-process.ts'

/** What each of these answers is there to show; every other answer shows none of the secrets. */
const revealing: Partial<Record<OperationId, readonly string[]>> = {
  createToken: ['token of root'],
  createApiKey: ['API key secret'],
  readWebhookCredentials: ['webhook secret'],
  listWebhookTargets: ['webhook secret'],
}

const odd = () => `${randomBytes(12).toString('hex')} "planted"/+é&<`
/** The same, of what an HTTP header may carry: an access token must be of that. */
const oddAscii = () => `${randomBytes(12).toString('hex')}"planted"/+&<`

for (const database of databases) {
  describe(database.name, () => {
    test('S46 R10 no sink holds a secret, in any form, after every operation and failure', async () => {
      const scene = await openScene(database)
      await scene.playEverything()

      const files = await scene.close()

      const { secrets, answers, server } = scene
      expect([...scene.played].sort()).toEqual(Object.keys(operations).sort())
      expect(Object.keys(secrets).sort()).toEqual(
        [
          'API key secret',
          'access token',
          'bootstrap key',
          'brought API key secret',
          'new access token',
          'sealing key',
          'signed body’s secret',
          'token of root',
          'webhook secret',
          'wrong access token',
          'wrong API key secret',
          'wrong token',
        ].sort(),
      )
      expect(findSecrets(secrets, { stdout: server.stdout(), stderr: server.stderr(), ...files })).toEqual([])
      for (const { operation, text } of answers) {
        const shown = findSecrets(secrets, { answer: text }).filter(
          ({ secret }) => !revealing[operation as OperationId]?.includes(secret),
        )
        expect(shown, `${operation}: ${text.slice(0, 200)}`).toEqual([])
      }
      // The control: the same search finds what is there.
      expect(findSecrets(secrets, { bitbucket: scene.bitbucketSaw() }).map(({ secret }) => secret)).toContain(
        'access token',
      )
      expect(server.stdout()).toContain('request failed')
      expect(answers.filter(({ operation }) => revealing[operation as OperationId]).length).toBeGreaterThan(4)
    })
  })
}

test('S46 a database that cannot be reached is named without its password', async () => {
  const password = randomBytes(16).toString('hex')
  const folder = mkdtempSync(join(tmpdir(), 'mooring-sinks-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const url = `postgres://mooring:${password}@127.0.0.1:1/mooring`
  const key = randomBytes(32).toString('base64')

  const server = startServerProcess({ MOORING_DATABASE_URL: url, MOORING_ENCRYPTION_KEY: key }, folder)

  expect(await server.ended()).toBe(1)
  expect(server.stderr()).not.toBe('')
  const sinks = { stdout: server.stdout(), stderr: server.stderr() }
  expect(findSecrets({ 'database password': password, 'sealing key': key }, sinks)).toEqual([])
})

async function openScene(database: TestDatabase) {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-sinks-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const bitbucket = await startEchoingBitbucket()
  const databaseUrl = database.name === 'sqlite' ? `sqlite:${join(folder, 'mooring.db')}` : await database.open()
  const bootstrap = { id: randomUUID(), secret: randomBytes(40).toString('base64url') }
  const secrets: Record<string, string> = {
    'bootstrap key': bootstrap.secret,
    'sealing key': randomBytes(32).toString('base64'),
    'access token': oddAscii(),
    'new access token': oddAscii(),
    'wrong access token': oddAscii(),
    'brought API key secret': odd() + randomBytes(32).toString('base64url'),
    'wrong API key secret': odd(),
    'wrong token': randomBytes(40).toString('base64url'),
  }
  const server = startServerProcess(
    {
      MOORING_DATABASE_URL: databaseUrl,
      MOORING_ENCRYPTION_KEY: secrets['sealing key'] ?? '',
      MOORING_BOOTSTRAP_KEY: `${bootstrap.id}:${bootstrap.secret}`,
      MOORING_ALLOWED_LOOPBACK: new URL(bitbucket.url).host,
      MOORING_LOG_LEVEL: 'debug',
      MOORING_METRICS: 'open',
    },
    folder,
  )
  const url = await server.listening()
  const answers: { readonly operation: string; readonly text: string }[] = []
  const played = new Set<string>()

  /** Sends one request as it is, and keeps its answer. */
  async function send(operation: string, method: string, path: string, token: string | null, body?: unknown) {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    answers.push({ operation, text: `${JSON.stringify([...answer.headers])}${text}` })
    const isJson = answer.headers.get('content-type')?.includes('json')
    return { status: answer.status, body: isJson ? parse(text) : {} }
  }

  async function play(operation: OperationId, id: string, token: string | null, body?: unknown, query = '') {
    const { method, path, status } = operations[operation]
    const answer = await send(operation, method, path.replace('{id}', id) + query, token, body)
    if (answer.status === status) played.add(operation)
    return answer.body
  }

  async function tokenOf(keyId: string, keySecret: string): Promise<string> {
    return (await play('createToken', '', null, { keyId, keySecret })).token
  }

  async function playEverything(): Promise<void> {
    const first = await tokenOf(bootstrap.id, bootstrap.secret)
    const rootKey = await play('createApiKey', '', first, { name: 'root', role: 'root-admin' })
    secrets['API key secret'] = rootKey.secret
    const root = await tokenOf(rootKey.id, rootKey.secret)
    secrets['token of root'] = root
    const brought = secrets['brought API key secret']
    const other = await send('createApiKey own secret', 'POST', '/api/v1/api-keys', root, {
      name: 'brought',
      role: 'webhook-registrar',
      secret: brought,
    })
    // This one answer shows what the caller brought, as any new key's does.
    answers.pop()
    await play('getMeta', '', null)
    await play('createSpace', '', root, { name: 'Team', inheritEntities: true })
    await play('updateSpace', 'team', root, { description: 'x' })
    await play('createIntegration', '', root, {
      name: 'VCS',
      apiHost: bitbucket.url,
      accessToken: secrets['access token'],
    })
    await play('updateIntegration', 'vcs', root, { accessToken: secrets['new access token'] })
    await play('updateIntegration', 'vcs', root, { accessToken: secrets['access token'] })
    const credentials = await play('readWebhookCredentials', 'vcs', root)
    secrets['webhook secret'] = credentials.secret
    const repository = { integrationId: 'vcs', projectKey: 'INFRA', repositorySlug: 'network' }
    await play('createStack', '', root, { name: 'S', branch: 'main', spaceId: 'team' })
    await play('attachStack', 's', root, repository)
    await play('getAttachment', 's', root)
    await play('replaceAttachment', 's', root, repository)
    await play('updateStack', 's', root, { labels: ['a'] })
    await play('listWebhookTargets', '', root)
    const registration = await play('reportRegistration', '', root, {
      ...repository,
      repositoryId: 7,
      webhookId: 1,
      secretVersion: 1,
      observed: 'in_sync',
      managedBy: 'service',
    })
    const delivery = await playDeliveries(credentials.secret)
    await insertRun(connectTestDatabase(databaseUrl))
    for (const list of ['listApiKeys', 'listSpaces', 'listIntegrations', 'listStacks', 'listRegistrations'] as const) {
      await play(list, '', root)
    }
    const { items: runs } = await play('listRuns', '', root)
    await play('getRun', runs[0].id, root)
    await play('listDeliveries', 'vcs', root)
    await play('getDelivery', delivery, root)
    await play('getSpace', 'team', root)
    await play('getIntegration', 'vcs', root)
    await play('getStack', 's', root)
    await playFailures(root, rootKey.id)
    await play('forgetRegistration', registration.id, root)
    await play('detachStack', 's', root)
    await play('deleteStack', 's', root)
    await play('deleteIntegration', 'vcs', root)
    await play('deleteSpace', 'team', root)
    await play('revokeApiKey', other.body.id, root)
    await send('metrics', 'GET', '/metrics', null)
  }

  async function playDeliveries(secret: string): Promise<string> {
    secrets['signed body’s secret'] = odd()
    const body = JSON.stringify({ eventKey: 'repo:refs_changed', changes: [] })
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
    const deliver = async (headers: Record<string, string>, text = body) => {
      const answer = await fetch(`${url}/webhooks/bitbucket-datacenter/vcs`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-event-key': 'repo:refs_changed',
          'x-request-id': 'a',
          ...headers,
        },
        body: text,
      })
      const answered = await answer.text()
      answers.push({ operation: 'webhook', text: answered })
      return parse(answered)
    }
    const { id } = await deliver({ 'x-hub-signature': signature })
    await deliver({ 'x-hub-signature': `sha256=${'0'.repeat(64)}` })
    await deliver({ authorization: `Bearer ${secrets['signed body’s secret']}`.replace(/[^\x20-\x7e]/g, '') })
    return id
  }

  async function playFailures(root: string, rootKeyId: string): Promise<void> {
    const wrong = secrets['wrong access token']
    await send('failure', 'POST', '/api/v1/token', null, {
      keyId: rootKeyId,
      keySecret: secrets['wrong API key secret'],
    })
    await send('failure', 'POST', '/api/v1/token', null, { keyId: secrets['wrong API key secret'], keySecret: 'x' })
    await send('failure', 'GET', '/api/v1/spaces', secrets['wrong token'] ?? '')
    await send('failure', 'POST', '/api/v1/integrations', root, { name: 'X', apiHost: 'nonsense', accessToken: wrong })
    await send('failure', 'POST', '/api/v1/integrations', root, {
      name: 'VCS',
      apiHost: bitbucket.url,
      accessToken: wrong,
    })
    await send('failure', 'POST', '/api/v1/integrations', root, { name: 'X', accessToken: [wrong] })
    await send('failure', 'POST', '/api/v1/integrations', root, `{"accessToken": ${JSON.stringify(wrong)}, oops`)
    await send('failure', 'POST', '/api/v1/integrations', root, {
      name: 'Y',
      accessToken: `${wrong}${'x'.repeat(5_000)}`,
    })
    await send('failure', 'PATCH', '/api/v1/integrations/vcs', root, {
      apiHost: bitbucket.url,
      accessToken: wrong,
      name: 'Z',
    })
    for (const way of ['login-page', 'html', 'broken', 'refused', 'redirect', 'silent']) {
      const body = {
        name: way,
        branch: 'main',
        repository: { integrationId: 'vcs', projectKey: 'INFRA', repositorySlug: way },
      }
      await send('failure', 'POST', '/api/v1/stacks', root, body)
    }
    const db = connectTestDatabase(databaseUrl)
    await db.schema.alterTable('audit').renameTo('audit_away').execute()
    await send('failure', 'GET', '/api/v1/integrations/vcs/webhook-credentials', root)
    await send('failure', 'POST', '/api/v1/integrations', root, {
      name: 'N',
      apiHost: bitbucket.url,
      accessToken: wrong,
    })
    await send('failure', 'PATCH', '/api/v1/integrations/vcs', root, { accessToken: wrong })
    await db.schema.alterTable('audit_away').renameTo('audit').execute()
  }

  /** Reads the database while the server still holds it, its log included, and again after it has stopped. */
  async function close(): Promise<Record<string, string | Uint8Array>> {
    const running = prefixed('running', readFolder(folder))
    const rows = await readAllRows(connectTestDatabase(databaseUrl))
    server.child.kill('SIGTERM')
    expect(await server.ended()).toBe(0)
    return { ...running, ...prefixed('stopped', readFolder(folder)), rows }
  }

  return { secrets, answers, played, server, playEverything, close, bitbucketSaw: bitbucket.saw }
}

/** Answers as Bitbucket does for the repository `network`, and gives the caller's own headers back in each failure. */
async function startEchoingBitbucket() {
  let seen = ''
  const server = createServer((request, response) => {
    const echo = JSON.stringify(request.headers)
    seen += echo
    const json = (status: number, body: unknown, headers = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    const way = request.url?.split('/').at(-1)
    if (way === 'network') return json(200, { id: 7, slug: 'network', name: 'network', project: { key: 'INFRA' } })
    if (way === 'login-page') return response.writeHead(200, { 'content-type': 'text/html' }).end(echo)
    if (way === 'html') return response.writeHead(500, { 'content-type': 'text/html' }).end(echo)
    if (way === 'broken')
      return response.writeHead(200, { 'content-length': '9999' }).write(echo, () => response.destroy())
    if (way === 'redirect') return json(302, {}, { location: `/${encodeURIComponent(echo)}` })
    if (way === 'silent') return request.socket.destroy()
    return json(401, { errors: [{ context: echo, message: echo, exceptionName: echo }] })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, saw: () => seen }
}

async function insertRun(db: Database): Promise<void> {
  const stack = await db.selectFrom('stack').selectAll().executeTakeFirstOrThrow()
  const run = {
    id: randomUUID(),
    integration_id: stack.integration_id ?? '',
    stack_id: stack.id,
    type: 'TRACKED' as const,
  }
  const rest = { state: 'READY', state_reason: null, commit_sha: 'a'.repeat(40), branch: 'main', run_key: null }
  await db
    .insertInto('run')
    .values({ ...run, ...rest, delivery_id: null, created_at: 1, updated_at: 1 })
    .execute()
}

async function readAllRows(db: Database): Promise<string> {
  const tables = await db.introspection.getTables()
  const rows: unknown[] = []
  for (const { name } of tables)
    rows.push(
      await db
        .selectFrom(name as 'setting')
        .selectAll()
        .execute(),
    )
  return JSON.stringify(rows)
}

function prefixed<Content>(prefix: string, files: Record<string, Content>): Record<string, Content> {
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [`${prefix} ${name}`, content]))
}

// biome-ignore lint/suspicious/noExplicitAny: each answer has another shape, and the test takes what it needs
function parse(text: string): any {
  return JSON.parse(text)
}
