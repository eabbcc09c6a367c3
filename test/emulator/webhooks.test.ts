import { expect, test } from 'vitest'
import { startReceiver, startTestEmulator } from '../support/emulator.ts'

const complete = {
  name: 'Mooring',
  url: 'http://127.0.0.1:9/hook',
  events: ['repo:refs_changed', 'pr:opened'],
  configuration: { secret: 'plain', createdBy: 'someone' },
  active: true,
  sslVerificationRequired: false,
}

test('a webhook is created with 200, read with its secret in plain text, replaced, and deleted with 204', async () => {
  const emulator = await startTestEmulator()
  const { path } = await emulator.createRepository('PRJ', 'infra')

  const created = await emulator.rest('POST', `${path}/webhooks`, { body: complete })
  const address = `${path}/webhooks/${created.body.id}`
  const read = await emulator.rest('GET', address)
  const { configuration: _, ...withoutConfiguration } = complete
  const replaced = await emulator.rest('PUT', address, { body: withoutConfiguration })
  const deleted = await emulator.rest('DELETE', address)
  const gone = await emulator.rest('GET', address)

  expect([created.status, read.status, replaced.status, deleted.status, gone.status]).toEqual([200, 200, 200, 204, 404])
  expect(created.headers.get('content-type')).toBe('application/json;charset=UTF-8')
  expect(read.body).toMatchObject({ ...complete, scopeType: 'repository' })
  expect(read.body.createdDate).toBeTypeOf('number')
  expect(replaced.body.configuration).toEqual({})
  expect(deleted.text).toBe('')
})

test('a PUT without url and events is refused, and names both', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  const { id } = await emulator.createWebhook(repository, complete)

  const answer = await emulator.rest('PUT', `${repository.path}/webhooks/${id}`, { body: { name: 'only' } })

  expect(answer.status).toBe(400)
  expect(answer.body.errors.map(({ context }: { context: string }) => context)).toEqual(['url', 'events'])
})

test('names and URLs are not unique', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')

  await emulator.createWebhook(repository, complete)
  await emulator.createWebhook(repository, complete)

  expect((await emulator.rest('GET', `${repository.path}/webhooks`)).body.size).toBe(2)
})

test('an empty secret fails with 500, and an unknown event with a template that is not filled in', async () => {
  const emulator = await startTestEmulator()
  const { path } = await emulator.createRepository('PRJ', 'infra')

  const empty = await emulator.rest('POST', `${path}/webhooks`, {
    body: { ...complete, configuration: { secret: '' } },
  })
  const unknown = await emulator.rest('POST', `${path}/webhooks`, {
    body: { ...complete, events: ['pr:to_ref_updated'] },
  })

  expect(empty.status).toBe(500)
  expect(unknown.status).toBe(400)
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is what Bitbucket answers.
  expect(unknown.body.errors[0].message).toBe('the event ${validatedValue} is unknown')
})

test('the password is never returned, a user name alone keeps it, and no credentials clear it', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  const receiver = await startReceiver()
  const webhook = { ...complete, url: receiver.url, credentials: { username: 'ci', password: 'canary' } }
  const { id } = await emulator.createWebhook(repository, webhook)
  const address = `${repository.path}/webhooks/${id}`

  const read = await emulator.rest('GET', address)
  await emulator.rest('PUT', address, { body: { ...webhook, credentials: { username: 'ci' } } })
  await repository.push()
  await emulator.waitForDeliveries(1)
  await emulator.rest('PUT', address, { body: { ...webhook, credentials: undefined } })
  await repository.push()
  await emulator.waitForDeliveries(2)

  expect(read.body.credentials).toEqual({ username: 'ci' })
  expect(receiver.received.map(({ headers }) => headers.authorization)).toEqual([
    `Basic ${Buffer.from('ci:canary').toString('base64')}`,
    undefined,
  ])
})

test('every webhook operation, reading too, answers 401 without REPO_ADMIN, and a bad token another 401', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  await emulator.createUser('writer')
  await emulator.grant('writer', 'REPO_WRITE', repository)
  const writer = await emulator.createToken('writer', ['REPO_WRITE', 'PROJECT_READ'])
  const address = `${repository.path}/webhooks`

  const refused = await emulator.rest('GET', address, { token: writer })
  const wrong = await emulator.rest('GET', address, { token: 'BBDC-wrong' })
  const anonymous = await emulator.rest('GET', address, { token: null })

  expect([refused.status, wrong.status, anonymous.status]).toEqual([401, 401, 401])
  expect(refused.body.errors[0].exceptionName).toBe('com.atlassian.bitbucket.AuthorisationException')
  expect(refused.body.errors[0].message).toBe('You are not permitted to access this resource')
  expect(wrong.body.errors[0].exceptionName).toBe(
    'com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException',
  )
  expect(anonymous.body.errors[0].exceptionName).toBe(
    'com.atlassian.plugins.rest.api.security.exception.AuthenticationRequiredException',
  )
})

test('a test sends an unsigned ping and answers what was sent; without the url it fails with 500', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  const receiver = await startReceiver()
  const { id } = await emulator.createWebhook(repository, { ...complete, url: receiver.url })
  const test = `${repository.path}/webhooks/test?webhookId=${id}`

  const sent = await emulator.rest('POST', `${test}&url=${encodeURIComponent(receiver.url)}`, {
    body: { username: 'ci', password: 'p' },
  })
  const failed = await emulator.rest('POST', test, { body: {} })

  expect([sent.status, failed.status]).toEqual([200, 500])
  expect(receiver.received[0]?.headers['x-event-key']).toBe('diagnostics:ping')
  expect(receiver.received[0]?.headers['x-hub-signature']).toBeUndefined()
  expect(JSON.parse(receiver.received[0]?.body.toString('utf8') ?? '')).toEqual({ test: true })
  expect(sent.body.request.headers.Authorization).toMatch(/^Basic /)
})

test('the search answers the project’s webhooks too, and scopeType chooses', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  await emulator.createWebhook(repository, complete)
  await emulator.createWebhook('PRJ', { ...complete, name: 'of the project' })
  const names = async (query: string) =>
    (await emulator.rest('GET', `${repository.path}/webhooks${query}`)).body.values.map(
      ({ name }: { name: string }) => name,
    )

  expect(await names('')).toEqual(['Mooring'])
  expect(await names('/search')).toEqual(['Mooring', 'of the project'])
  expect(await names('/search?scopeType=project')).toEqual(['of the project'])
  expect(await names('/search?scopeType=project&scopeType=repository')).toHaveLength(2)
})

test('statistics count what was answered, and the latest delivery is told, or 204', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  const receiver = await startReceiver()
  const { id } = await emulator.createWebhook(repository, { ...complete, url: receiver.url })
  const address = `${repository.path}/webhooks/${id}`

  const none = await emulator.rest('GET', `${address}/latest`)
  await repository.push()
  await emulator.waitForDeliveries(1)
  const latest = await emulator.rest('GET', `${address}/latest?outcome=SUCCESS`)
  const statistics = await emulator.rest('GET', `${address}/statistics`)
  const summary = await emulator.rest('GET', `${address}/statistics/summary`)

  expect(none.status).toBe(204)
  expect(latest.body).toMatchObject({ event: 'repo:refs_changed', result: { outcome: 'SUCCESS', description: '200' } })
  expect(statistics.body.counts).toEqual({ success: 1, failure: 0, error: 0 })
  expect(Object.keys(summary.body)).toEqual(['repo:refs_changed'])
})

test('from 10.3 on dates are ISO-8601 text, and before 8.8 a project has no webhooks', async () => {
  const newer = await startTestEmulator({ version: '10.3.0' })
  const older = await startTestEmulator({ version: '7.21.0' })
  const inNewer = await newer.createRepository('PRJ', 'infra')
  const inOlder = await older.createRepository('PRJ', 'infra')

  await newer.createWebhook(inNewer, complete)
  await older.createWebhook(inOlder, complete)
  const [newWebhook] = (await newer.rest('GET', `${inNewer.path}/webhooks`)).body.values
  const [oldWebhook] = (await older.rest('GET', `${inOlder.path}/webhooks`)).body.values
  const ofProject = await older.rest('GET', '/rest/api/1.0/projects/PRJ/webhooks')

  expect(newWebhook.createdDate).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/)
  expect(oldWebhook).not.toHaveProperty('scopeType')
  expect(ofProject.status).toBe(404)
  expect(ofProject.body?.errors).toBeUndefined()
})
