import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { matchesPattern } from '../../emulator/faults.ts'
import { pageOf } from '../../emulator/paging.ts'
import { startEmulator } from '../../emulator/server.ts'
import { startReceiver, startTestEmulator } from '../support/emulator.ts'

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'emulator-data-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

test('following nextPageStart reads every value once, whatever the cap and the stride', () => {
  const sizes = fc.record({
    count: fc.nat({ max: 200 }),
    pageCap: fc.integer({ min: 1, max: 50 }),
    pageStride: fc.integer({ min: 1, max: 7 }),
    limit: fc.integer({ min: 1, max: 100 }),
  })
  fc.assert(
    fc.property(sizes, ({ count, pageCap, pageStride, limit }) => {
      const all = Array.from({ length: count }, (_, index) => index)
      const read: number[] = []
      let start: number | null | undefined = 0
      while (typeof start === 'number') {
        const query = new URLSearchParams({ start: String(start), limit: String(limit) })
        const page: ReturnType<typeof pageOf<number>> = pageOf(all, query, { pageCap, pageStride })
        expect(page.size).toBeLessThanOrEqual(Math.min(pageCap, limit))
        read.push(...page.values)
        start = page.isLastPage ? null : page.nextPageStart
      }
      expect(read).toEqual(all)
    }),
  )
})

test('a server cap is smaller than the limit that was asked for, and the next page does not start where one ended', async () => {
  const emulator = await startTestEmulator({ pageCap: 2, pageStride: 5 })
  for (const name of ['a', 'b', 'c']) await emulator.createRepository('PRJ', name)

  const first = (await emulator.rest('GET', '/rest/api/1.0/repos?limit=1000')).body
  const second = (await emulator.rest('GET', `/rest/api/1.0/repos?limit=1000&start=${first.nextPageStart}`)).body

  expect(first).toMatchObject({ size: 2, limit: 2, isLastPage: false, start: 0, nextPageStart: 10 })
  expect(second).toMatchObject({ size: 1, isLastPage: true, values: [{ slug: 'c' }] })
  expect((await emulator.rest('GET', '/rest/api/1.0/repos?limit=x')).status).toBe(400)
})

test('an empty bucket answers 429 with Retry-After in seconds, for that user alone, and fills again', async () => {
  let now = 1_000_000
  const emulator = await startTestEmulator({ now: () => now, rateLimit: { capacity: 2, fillRate: 0.5 } })
  const ask = (token?: string) => emulator.rest('GET', '/rest/api/1.0/projects', token === undefined ? {} : { token })

  const statuses = [(await ask()).status, (await ask()).status]
  const limited = await ask()
  const anonymous = await emulator.rest('GET', '/rest/api/1.0/projects', { token: null })
  now += 2_000
  const later = await ask()

  expect(statuses).toEqual([200, 200])
  expect(limited.status).toBe(429)
  expect(limited.headers.get('retry-after')).toBe('2')
  expect(limited.body.errors).toHaveLength(1)
  expect([anonymous.status, later.status]).toEqual([200, 200])
})

test('faults answer, delay, drop and reset the requests they name, as often as they say', async () => {
  const emulator = await startTestEmulator()
  const { path } = await emulator.createRepository('PRJ', 'infra')
  const webhook = { name: 'w', url: 'http://127.0.0.1:9/', events: ['pr:opened'] }

  await emulator.addFault({ kind: 'status', status: 503, path: '*/webhooks', method: 'GET', times: 1 })
  expect((await emulator.rest('GET', `${path}/webhooks`)).status).toBe(503)
  expect((await emulator.rest('GET', `${path}/webhooks`)).status).toBe(200)

  await emulator.addFault({ kind: 'status', status: 401, body: '<html>log in</html>' })
  expect((await emulator.rest('GET', path)).text).toBe('<html>log in</html>')
  await emulator.clearFaults()

  await emulator.addFault({ kind: 'drop-answer', method: 'POST', times: 1 })
  await expect(emulator.rest('POST', `${path}/webhooks`, { body: webhook })).rejects.toThrow()
  expect((await emulator.rest('GET', `${path}/webhooks`)).body.size).toBe(1)

  await emulator.addFault({ kind: 'reset', method: 'POST', times: 1 })
  await expect(emulator.rest('POST', `${path}/webhooks`, { body: webhook })).rejects.toThrow()
  expect((await emulator.rest('GET', `${path}/webhooks`)).body.size).toBe(1)

  await emulator.addFault({ kind: 'latency', ms: 200, times: 1 })
  const before = Date.now()
  await emulator.rest('GET', path)
  expect(Date.now() - before).toBeGreaterThanOrEqual(195)
})

test('a delivery that a fault swallows is never sent', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  const receiver = await startReceiver()
  await emulator.createWebhook(repository, { url: receiver.url })

  await emulator.addFault({ kind: 'lose-delivery', times: 1 })
  await repository.push()
  await repository.push()
  const deliveries = await emulator.waitForDeliveries(2)

  expect(deliveries.map(({ outcome }) => outcome).sort()).toEqual(['LOST', 'SUCCESS'])
  expect(receiver.received).toHaveLength(1)
})

test('a fault that is misspelled is refused', async () => {
  const emulator = await startTestEmulator()

  for (const fault of [
    { kind: 'explode' },
    { kind: 'latency' },
    { kind: 'reset', paht: '/x' },
    { kind: 'status', status: 200 },
  ]) {
    expect((await emulator.rest('POST', '/emulator/faults', { body: fault })).status).toBe(400)
  }
})

test('a pattern with asterisks matches as long as its parts come in order', () => {
  expect(matchesPattern('/rest/api/latest/repos', '*/repos')).toBe(true)
  expect(matchesPattern('/rest/api/latest/repos/x', '*/repos')).toBe(false)
  expect(matchesPattern('/a/b/c', '/a/*/c')).toBe(true)
  expect(matchesPattern('/a/c', '/a/*/c')).toBe(false)
  expect(matchesPattern('/a', '/a')).toBe(true)
})

test('the request log names user, scope and operation, and holds no credential', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  const ofRepository = await emulator.createToken(repository, ['REPO_READ'])

  await emulator.rest('GET', `${repository.path}/branches?limit=1`, { token: ofRepository })
  await emulator.rest('GET', repository.path, { token: 'BBDC-canary' })
  await emulator.rest('GET', '/rest/api/1.0/projects', { token: null })

  const requests = (await emulator.rest('GET', '/emulator/requests')).body.requests.slice(-3)
  expect(requests).toMatchObject([
    {
      method: 'GET',
      path: `${repository.path}/branches?limit=1`,
      operation: 'GET /rest/api/latest/projects/{projectKey}/repos/{repositorySlug}/branches',
      status: 200,
      user: null,
      scope: 'repository',
    },
    { status: 401, scope: 'rejected', user: null },
    { status: 200, scope: 'anonymous', user: null },
  ])
  expect(JSON.stringify(requests)).not.toContain('BBDC-')
})

test('the control routes need the administrator’s token', async () => {
  const emulator = await startTestEmulator()
  await emulator.createUser('jane')
  const jane = await emulator.createToken('jane', ['REPO_ADMIN'])

  for (const token of [null, jane, 'wrong']) {
    expect((await emulator.rest('GET', '/emulator/deliveries', { token })).status).toBe(401)
    expect((await emulator.rest('POST', '/emulator/faults', { token, body: { kind: 'reset' } })).status).toBe(401)
  }
})

test('a restart keeps everything, and no access token is in the state file', async () => {
  const dataDirectory = await temporaryDirectory()
  const first = await startEmulator({ dataDirectory })
  const call = (url: string, token: string, method: string, path: string, body?: unknown) =>
    fetch(`${url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).then((response) => response.json())
  await call(first.url, first.adminToken, 'POST', '/rest/api/1.0/projects', { key: 'PRJ' })
  await call(first.url, first.adminToken, 'POST', '/rest/api/1.0/projects/PRJ/repos', { name: 'infra' })
  await call(first.url, first.adminToken, 'POST', '/rest/api/1.0/projects/PRJ/repos/infra/branches', {})
  await first.close()

  const second = await startEmulator({ dataDirectory })
  onTestFinished(() => second.close())
  const repository = await call(second.url, first.adminToken, 'GET', '/rest/api/1.0/projects/PRJ/repos/infra')

  expect(second.adminToken).toBe(first.adminToken)
  expect(repository).toMatchObject({ slug: 'infra', id: 1 })
  expect(await readFile(join(dataDirectory, 'state.json'), 'utf8')).not.toContain('BBDC-')
  expect((await readdir(dataDirectory)).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

test('the command prints one JSON line with its address and token, and ends on SIGTERM with its state written', async () => {
  const directory = await temporaryDirectory()
  const script = join(import.meta.dirname, '../../dist/scripts/emulator.js')
  const child = spawn(process.execPath, [script, '--port', '0', '--context-path', '/bitbucket', '--data', directory])
  onTestFinished(() => void child.kill('SIGKILL'))
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString('utf8')))
    child.stderr.once('data', (chunk: Buffer) => reject(new Error(chunk.toString('utf8'))))
  })

  const { url, adminToken } = JSON.parse(line)
  const headers = { Authorization: `Bearer ${adminToken}` }
  const created = await fetch(`${url}/rest/api/1.0/projects`, { method: 'POST', headers, body: '{"key":"PRJ"}' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')

  expect(line.trim().split('\n')).toHaveLength(1)
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/bitbucket$/)
  expect(created.status).toBe(201)
  expect(await ended).toBe(0)
  expect(await readFile(join(directory, 'state.json'), 'utf8')).toContain('"PRJ"')
})
