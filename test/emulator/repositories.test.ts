import { expect, test } from 'vitest'
import { startReceiver, startTestEmulator } from '../support/emulator.ts'

test('a rename and a move keep the id, the webhooks and the commits, answer 201, and send old and new', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'Old Name')
  await emulator.createProject('OTHER')
  const head = await repository.push()
  const receiver = await startReceiver()
  await emulator.createWebhook(repository, { url: receiver.url, events: ['repo:modified'] })

  const answer = await emulator.rest('PUT', repository.path, { body: { name: 'New Name', project: { key: 'OTHER' } } })
  await emulator.idle()

  expect(answer.status).toBe(201)
  expect(answer.body).toMatchObject({ id: repository.id, slug: 'new-name', project: { key: 'OTHER' } })
  const moved = '/rest/api/latest/projects/OTHER/repos/new-name'
  expect((await emulator.rest('GET', `${moved}/webhooks`)).body.size).toBe(1)
  expect((await emulator.rest('GET', `${moved}/branches`)).body.values[0].latestCommit).toBe(head)
  expect((await emulator.rest('GET', repository.path)).status).toBe(404)
  const body = JSON.parse(receiver.received[0]?.body.toString('utf8') ?? '')
  expect(body).toMatchObject({ eventKey: 'repo:modified', old: { slug: 'old-name' }, new: { slug: 'new-name' } })
})

test('a description alone is no rename, and sends nothing', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  await emulator.createWebhook(repository, { url: 'http://127.0.0.1:9/', events: ['repo:modified'] })

  await emulator.rest('PUT', repository.path, { body: { description: 'new' } })
  await emulator.idle()

  expect(emulator.deliveries()).toEqual([])
})

test('an archived repository is not listed unless asked for, and neither it nor its webhooks can be changed', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  await emulator.rest('PUT', repository.path, { body: { archived: true } })
  const list = async (query: string) => (await emulator.rest('GET', `/rest/api/1.0/repos?${query}`)).body.size

  expect(await list('')).toBe(0)
  expect(await list('archived=ARCHIVED')).toBe(1)
  expect(await list('archived=ALL')).toBe(1)
  expect((await emulator.rest('PUT', repository.path, { body: { name: 'x' } })).status).toBe(409)
  expect((await emulator.rest('POST', `${repository.path}/webhooks`, { body: {} })).status).toBe(409)
  expect((await emulator.rest('PUT', repository.path, { body: { archived: false } })).status).toBe(201)
})

test('a deleted repository answers 202, is gone with its commits, and its id is never used again', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  await repository.push()

  const deleted = await emulator.rest('DELETE', repository.path)
  const again = await emulator.createRepository('PRJ', 'infra')

  expect(deleted.status).toBe(202)
  expect(again.id).not.toBe(repository.id)
  expect((await emulator.rest('GET', `${again.path}/branches`)).body.values).toEqual([])
})

test('the search filters by project, name and permission, and shows what the caller may read', async () => {
  const emulator = await startTestEmulator()
  const readable = await emulator.createRepository('PRJ', 'readable')
  const administered = await emulator.createRepository('PRJ', 'administered')
  await emulator.createRepository('OTHER', 'hidden')
  await emulator.createUser('jane')
  await emulator.grant('jane', 'REPO_READ', readable)
  await emulator.grant('jane', 'REPO_ADMIN', administered)
  const token = await emulator.createToken('jane', ['REPO_ADMIN'])
  const slugs = async (query: string, asked: string | null = token) =>
    (await emulator.rest('GET', `/rest/api/1.0/repos?${query}`, { token: asked })).body.values.map(
      ({ slug }: { slug: string }) => slug,
    )

  expect(await slugs('')).toEqual(['administered', 'readable'])
  expect(await slugs('permission=REPO_ADMIN')).toEqual(['administered'])
  expect(await slugs('name=READ')).toEqual(['readable'])
  expect(await slugs('projectkey=other')).toEqual([])
  expect(await slugs('', null)).toEqual([])
})

test('a personal repository, and keys and slugs that need encoding, are found', async () => {
  const emulator = await startTestEmulator({ contextPath: '/git/bitbucket' })
  await emulator.createUser('jane.doe')
  const token = await emulator.createToken('jane.doe', ['REPO_ADMIN', 'PROJECT_ADMIN'])
  const repository = await emulator.createRepository('~jane.doe', 'Über Infra.Code')
  await repository.push()

  const answer = await emulator.rest('GET', '/rest/api/latest/projects/%7Ejane%2Edoe/repos/uber-infra.code', { token })

  expect(answer.status).toBe(200)
  expect(answer.body.project).toMatchObject({ key: '~jane.doe', type: 'PERSONAL', owner: { name: 'jane.doe' } })
  expect(answer.body.links.clone[0].href).toBe(`${emulator.url}/scm/~jane.doe/uber-infra.code.git`)
})

test('unknown routes answer 404 without errors[], a wrong method 405, and a path is never normalised', async () => {
  const emulator = await startTestEmulator({ contextPath: '/bitbucket' })

  const unknown = await emulator.rest('GET', '/rest/api/latest/nonsense')
  const wrongMethod = await emulator.rest('PUT', '/rest/api/latest/repos', { body: {} })
  const outside = await fetch(`${emulator.url.replace('/bitbucket', '')}/rest/api/latest/repos`)

  expect([unknown.status, wrongMethod.status, outside.status]).toEqual([404, 405, 404])
  expect(unknown.text).toBe('')
})

test('a token with PROJECT_READ and REPO_READ reads, posts statuses, and administers nothing', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  const head = await repository.push()
  await emulator.createUser('owner')
  await emulator.grant('owner', 'PROJECT_ADMIN', 'PRJ')
  const token = await emulator.createToken('owner', ['PROJECT_READ', 'REPO_READ'])
  const status = async (method: string, path: string, body?: unknown) =>
    (await emulator.rest(method, path, { token, ...(body === undefined ? {} : { body }) })).status

  expect(await status('GET', '/rest/api/1.0/projects/PRJ/repos')).toBe(200)
  expect(await status('GET', `${repository.path}/branches`)).toBe(200)
  const build = { key: 'k', state: 'INPROGRESS', url: 'http://example.com/' }
  expect(await status('POST', `${repository.path}/commits/${head}/builds`, build)).toBe(204)
  expect(await status('GET', `${repository.path}/webhooks`)).toBe(401)
  expect(await status('PUT', repository.path, { name: 'x' })).toBe(401)
  expect(await status('POST', '/rest/api/1.0/projects', { key: 'NEW' })).toBe(401)
  expect(await status('GET', '/emulator/requests')).toBe(401)
})

test('tokens have Bitbucket’s format, expire, are refused when unlicensed, and cannot make others', async () => {
  let now = Date.now()
  const emulator = await startTestEmulator({ now: () => now })
  const repository = await emulator.createRepository('PRJ', 'infra')
  await emulator.createUser('jane')
  await emulator.createUser('unlicensed', { isLicensed: false })
  const token = await emulator.createToken('jane', ['REPO_READ', 'PROJECT_READ'], 1)
  const unlicensed = await emulator.createToken('unlicensed', ['REPO_READ'])
  const more = { name: 'more', permissions: ['REPO_READ'] }

  const made = await emulator.rest('PUT', '/rest/access-tokens/latest/users/jane', { token, body: more })
  const noLicence = await emulator.rest('GET', '/rest/api/latest/users', { token: unlicensed })
  const wrong = await emulator.rest('PUT', '/rest/access-tokens/latest/projects/PRJ/repos/infra', {
    body: { name: 'n', permissions: ['PROJECT_READ'] },
  })
  const lower = await emulator.rest('PUT', '/rest/access-tokens/latest/users/jane', {
    body: { name: 'n', permissions: ['PROJECT_ADMIN', 'REPO_READ'] },
  })
  now += 86_400_001
  const expired = await emulator.rest('GET', repository.path, { token })

  expect(token).toMatch(/^BBDC-[a-zA-Z0-9+]{44}$/)
  expect([made.status, noLicence.status, wrong.status, lower.status, expired.status]).toEqual([403, 401, 400, 400, 401])
  expect(noLicence.body.errors[0].exceptionName).toContain('NoAccessAuthenticationException')
  expect(expired.body.errors[0].exceptionName).toContain('IncorrectPasswordAuthenticationException')
})
