import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { type OperationId, operations } from '../../schemas/api.ts'
import type { Database } from '../../server/store/tables.ts'
import type { TestDatabase } from '../support/databases.ts'
import { readFolder } from '../support/secret-search.ts'
import { connectTestDatabase } from '../support/server-database.ts'
import { startServerProcess } from '../support/server-process.ts'
import { startEchoingBitbucket } from './echoing-bitbucket.ts'
import { readAllRows, runCommands } from './sinks-outputs.ts'

const odd = () => `${randomBytes(12).toString('hex')} "planted"/+é&<`
/** The same, of what an HTTP header may carry: an access token must be of that. */
const oddAscii = () => `${randomBytes(12).toString('hex')}"planted"/+&<`

/** Starts a server process with planted secrets, plays every operation and many failures, and keeps what it answered. */
export async function openScene(database: TestDatabase) {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-sinks-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const bitbucket = await startEchoingBitbucket()
  const databaseUrl = database.name === 'sqlite' ? `sqlite:${join(folder, 'mooring.db')}` : await database.open()
  const bootstrap = { id: randomUUID(), secret: randomBytes(40).toString('base64url') }
  const secrets: Record<string, string> = {
    'bootstrap key': bootstrap.secret,
    'sealing key': randomBytes(32).toString('base64'),
    'old sealing key': randomBytes(32).toString('base64'),
    'access token': oddAscii(),
    'new access token': oddAscii(),
    'administration token': oddAscii(),
    'token of a person': oddAscii(),
    'wrong access token': oddAscii(),
    'brought API key secret': odd() + randomBytes(32).toString('base64url'),
    'wrong API key secret': odd(),
    'wrong token': randomBytes(40).toString('base64url'),
  }
  const env = {
    MOORING_DATABASE_URL: databaseUrl,
    MOORING_ENCRYPTION_KEY: secrets['sealing key'] ?? '',
    MOORING_OLD_ENCRYPTION_KEYS: secrets['old sealing key'] ?? '',
    MOORING_BOOTSTRAP_KEY: `${bootstrap.id}:${bootstrap.secret}`,
    MOORING_ALLOWED_LOOPBACK: new URL(bitbucket.url).host,
    MOORING_LOG_LEVEL: 'debug',
    MOORING_METRICS: 'open',
  }
  const server = startServerProcess(env, folder)
  const url = await server.listening()
  const answers: { readonly operation: string; readonly text: string }[] = []
  const played = new Set<string>()

  /** Sends one request as it is, and keeps its answer. */
  async function send(
    operation: string,
    method: string,
    path: string,
    token: string | null,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    answers.push({ operation, text: `${JSON.stringify([...answer.headers])}${text}` })
    const isJson = answer.headers.get('content-type')?.includes('json')
    return { status: answer.status, headers: answer.headers, body: isJson ? parse(text) : {} }
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
    const rootKey = await play('createApiKey', '', first, { name: 'root', role: 'admin' })
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
      administrationToken: secrets['administration token'],
    })
    await play('testIntegration', 'vcs', root, { repository: { projectKey: 'INFRA', repositorySlug: 'network' } })
    await play('testConnection', '', root, {
      apiHost: bitbucket.url,
      accessToken: secrets['access token'],
      administrationToken: secrets['administration token'],
      repository: { projectKey: 'INFRA', repositorySlug: 'html' },
    })
    await play('updateIntegration', 'vcs', root, { accessToken: secrets['new access token'] })
    await play('updateIntegration', 'vcs', root, { accessToken: secrets['access token'] })
    const credentials = await play('readWebhookCredentials', 'vcs', root)
    secrets['webhook secret'] = credentials.secret
    await play('readIntegrationDetails', 'vcs', root)
    await playPeople(root)
    const repository = { integrationId: 'vcs', projectKey: 'INFRA', repositorySlug: 'network' }
    await play('createStack', '', root, { name: 'S', branch: 'main', spaceId: 'team' })
    await play('attachStack', 's', root, { ...repository, bitbucketToken: secrets['token of a person'] })
    await play('getAttachment', 's', root)
    await play('replaceAttachment', 's', root, repository)
    await play('updateStack', 's', root, { labels: ['a'] })
    await play('listWebhookTargets', '', root)
    await playModules(root, repository)
    await playBrowsing(root)
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
    await playSession(rootKey)
    await play('listAudit', '', root, undefined, '?limit=500')
    await play('revokeApiKey', other.body.id, root)
    await send('metrics', 'GET', '/metrics', null)
  }

  async function playModules(root: string, repository: object): Promise<void> {
    await play('createModule', '', root, { name: 'M', branch: 'main', spaceId: 'team' })
    await play('attachModule', 'm', root, { ...repository, bitbucketToken: secrets['token of a person'] })
    await play('getModuleAttachment', 'm', root)
    await play('replaceModuleAttachment', 'm', root, repository)
    await play('updateModule', 'm', root, { labels: ['a'] })
    await play('getModule', 'm', root)
    await play('listModules', '', root)
    await play('detachModule', 'm', root)
    await play('deleteModule', 'm', root)
  }

  async function playBrowsing(root: string): Promise<void> {
    await play('listUsableIntegrations', 'team', root)
    await play('listBitbucketProjects', 'vcs', root, undefined, '?spaceId=team')
    await play('listBitbucketRepositories', 'vcs', root, undefined, '?spaceId=team')
    await play('listBitbucketBranches', 'vcs', root, undefined, '?spaceId=team&repository=INFRA/network')
    await play('listBitbucketTree', 'vcs', root, undefined, '?spaceId=team&repository=INFRA/network&branch=main')
    await send('failure', 'GET', '/api/v1/integrations/vcs/branches?spaceId=team&repository=INFRA/html', root)
  }

  async function playPeople(root: string): Promise<void> {
    const user = await play('createUser', '', root, { name: 'Ada', roles: [{ role: 'reader', spaceId: 'root' }] })
    await play('updateUser', user.id, root, { name: 'Ada L.' })
    await play('getUser', user.id, root)
    await play('listUsers', '', root)
    await play('getMe', '', root)
    const key = await send('a user’s key', 'POST', '/api/v1/api-keys', root, { name: 'hers', userId: user.id })
    secrets['secret of a user’s key'] = key.body.secret
    answers.pop() // shows it, as any new key's answer does
    await play('getApiKey', key.body.id, root)
    await play('updateApiKey', key.body.id, root, { name: 'Hers' })
    await play('deleteUser', user.id, root)
    await play('createVcsAgentPool', '', root, { name: 'inside' })
    await play('updateVcsAgentPool', 'inside', root, { description: 'x' })
    await play('getVcsAgentPool', 'inside', root)
    await play('listVcsAgentPools', '', root)
    await play('deleteVcsAgentPool', 'inside', root)
  }

  /** A browser's session: its cookie and its CSRF token are secrets, too. */
  async function playSession(rootKey: { readonly id: string; readonly secret: string }): Promise<void> {
    const sign = async (operation: OperationId, method: string, body?: unknown, headers = {}) => {
      const answer = await send(operation, method, '/api/v1/session', null, body, { origin: url, ...headers })
      if (answer.status === operations[operation].status) played.add(operation)
      return answer
    }
    const signedIn = await sign('createSession', 'POST', { keyId: rootKey.id, keySecret: rootKey.secret })
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
    secrets['session cookie'] = cookie.slice(cookie.indexOf('=') + 1)
    secrets['CSRF token'] = signedIn.body.csrfToken
    await sign('getSession', 'GET', undefined, { cookie })
    await sign('createSession', 'POST', { keyId: rootKey.id, keySecret: secrets['wrong API key secret'] })
    const csrf = { cookie, 'x-csrf-token': secrets['CSRF token'] ?? '', 'content-type': 'application/json' }
    await sign('deleteSession', 'DELETE', undefined, { ...csrf, 'x-csrf-token': 'wrong' })
    await sign('deleteSession', 'DELETE', undefined, csrf)
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
    const commands = await runCommands(env, join(folder, 'backup'))
    const running = prefixed('running', readFolder(folder))
    const rows = await readAllRows(connectTestDatabase(databaseUrl))
    server.child.kill('SIGTERM')
    expect(await server.ended()).toBe(0)
    return { ...commands, ...running, ...prefixed('stopped', readFolder(folder)), rows }
  }

  return { secrets, answers, played, server, playEverything, close, bitbucketSaw: bitbucket.saw }
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

function prefixed<Content>(prefix: string, files: Record<string, Content>): Record<string, Content> {
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [`${prefix} ${name}`, content]))
}

// biome-ignore lint/suspicious/noExplicitAny: each answer has another shape, and the test takes what it needs
function parse(text: string): any {
  return JSON.parse(text)
}
