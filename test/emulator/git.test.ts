import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { startReceiver, startTestEmulator } from '../support/emulator.ts'
import { runGit } from './support/real-git.ts'

test('a push with real git is delivered, signed over the exact bytes, to the repository’s webhook', async () => {
  const emulator = await startTestEmulator({ contextPath: '/bitbucket' })
  const repository = await emulator.createRepository('PRJ', 'Infrastructure Code')
  const receiver = await startReceiver()
  await emulator.createWebhook(repository, { url: `${receiver.url}/hook`, configuration: { secret: 'a secret' } })

  const sha = await repository.push({ files: { 'main.tf': 'a\n' } })
  await emulator.waitForDeliveries(1)

  const [delivery] = receiver.received
  const body = JSON.parse(delivery?.body.toString('utf8') ?? '')
  const signature = createHmac('sha256', 'a secret')
    .update(delivery?.body ?? '')
    .digest('hex')
  expect(delivery?.headers).toMatchObject({
    'x-event-key': 'repo:refs_changed',
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'Atlassian HttpClient 4.2.0 / Bitbucket-9.4.2 (9004002) / Default',
    'x-hub-signature': `sha256=${signature}`,
  })
  expect(delivery?.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
  expect(body).toMatchObject({
    eventKey: 'repo:refs_changed',
    actor: { name: 'admin' },
    repository: { slug: 'infrastructure-code', id: repository.id, project: { key: 'PRJ' } },
    changes: [{ refId: 'refs/heads/main', fromHash: '0'.repeat(40), toHash: sha, type: 'ADD' }],
    toCommit: { id: sha },
  })
  expect(body.date).toMatch(/\+0000$/)
})

test('one push of several refs is one delivery that names branches and tags, added, updated and deleted', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  const first = await repository.push()
  await repository.push({ branch: 'old' })
  const receiver = await startReceiver()
  await emulator.createWebhook('PRJ', { url: receiver.url })

  await repository.git('checkout', '--quiet', 'main')
  await repository.git('commit', '--quiet', '--allow-empty', '-m', 'second')
  await repository.git('tag', '-a', 'v1', '-m', 'one')
  await repository.git('push', '--quiet', 'origin', 'main', 'v1', ':old')
  await emulator.waitForDeliveries(1)

  const second = (await repository.git('rev-parse', 'HEAD')).trim()
  const body = JSON.parse(receiver.received[0]?.body.toString('utf8') ?? '')
  expect(receiver.received).toHaveLength(1)
  expect(body.changes).toMatchObject([
    {
      ref: { id: 'refs/heads/main', displayId: 'main', type: 'BRANCH' },
      fromHash: first,
      toHash: second,
      type: 'UPDATE',
    },
    { ref: { id: 'refs/heads/old', displayId: 'old', type: 'BRANCH' }, toHash: '0'.repeat(40), type: 'DELETE' },
    {
      ref: { id: 'refs/tags/v1', displayId: 'v1', type: 'TAG' },
      fromHash: '0'.repeat(40),
      toHash: second,
      type: 'ADD',
    },
  ])
  expect(receiver.received[0]?.headers['x-hub-signature']).toBeUndefined()
})

test('git asks for credentials, refuses a reader’s push, and a project’s token works as Bearer alone', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  await repository.push()
  await emulator.createUser('reader')
  await emulator.grant('reader', 'REPO_READ', repository)
  const reader = await emulator.createToken('reader', ['REPO_READ', 'PROJECT_READ'])
  const ofProject = await emulator.createToken({ project: 'PRJ' }, ['REPO_READ'])
  const basic = (user: string, token: string) =>
    repository.cloneUrl.replace('http://', `http://${user}:${encodeURIComponent(token)}@`)

  await expect(runGit('/', null, ['ls-remote', repository.cloneUrl])).rejects.toThrow(/could not read Username|401/)
  await expect(repository.push({ token: reader })).rejects.toThrow(/403/)
  await expect(runGit('/', null, ['ls-remote', basic('reader', reader)])).resolves.toContain('refs/heads/main')
  await expect(runGit('/', ofProject, ['ls-remote', repository.cloneUrl])).resolves.toContain('refs/heads/main')
  await expect(runGit('/', null, ['ls-remote', basic('x-token-auth', ofProject)])).rejects.toThrow()
  await expect(runGit('/', null, ['ls-remote', basic('reader', ofProject)])).rejects.toThrow()
})

test('an archived repository takes no push', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  await repository.push()
  await emulator.rest('PUT', repository.path, { body: { archived: true } })

  await expect(repository.push()).rejects.toThrow(/403/)
})

test('an inactive webhook, one without the event, and one of another repository get nothing', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  const other = await emulator.createRepository('PRJ', 'other')
  const receiver = await startReceiver()
  await emulator.createWebhook(repository, { url: receiver.url, active: false })
  await emulator.createWebhook(repository, { url: receiver.url, events: ['pr:opened'] })
  await emulator.createWebhook(other, { url: receiver.url })

  await repository.push()
  await other.push()
  await emulator.waitForDeliveries(1)
  await emulator.idle()

  expect(receiver.received.map(({ body }) => JSON.parse(body.toString('utf8')).repository.slug)).toEqual(['other'])
})

test('a failed delivery is not repeated', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  const receiver = await startReceiver(503)
  await emulator.createWebhook(repository, { url: receiver.url })

  await repository.push()
  const [delivery] = await emulator.waitForDeliveries(1)
  await emulator.idle()

  expect(delivery).toMatchObject({ outcome: 'FAILURE', status: 503 })
  expect(receiver.received).toHaveLength(1)
})
