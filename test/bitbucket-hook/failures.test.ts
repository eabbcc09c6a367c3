import { describe, expect, test } from 'vitest'
import { exitCodeOf } from '../../bitbucket-hook/cli/run-once.ts'
import { createCaretaker } from '../../bitbucket-hook/controller/caretaker.ts'
import { createPass } from '../../bitbucket-hook/controller/pass.ts'
import { startHookWorld } from './hook-world.ts'
import { startProxy } from './proxy.ts'

const ten = Array.from({ length: 10 }, (_, index) => `repo-${index}`)

describe('the credential', () => {
  test('B22 a wrong token costs one request, whatever the number of repositories, and one alert', async () => {
    const world = await startHookWorld({ repositories: ten })
    await world.run('apply')
    const before = world.emulator.requests().length

    const report = await world.run('apply', { BITBUCKET_TOKEN: 'wrong' })

    expect(report).toMatchObject({ result: 'failed', counts: { reasons: { credential_refused: 10 } } })
    expect(exitCodeOf(report)).toBe(1)
    expect(world.emulator.requests().slice(before)).toMatchObject([{ status: 401 }])
    expect(world.log().match(/refuses the access token:/g)).toHaveLength(1)
  })

  test('B22 a token that is refused in the middle stops the rest', async () => {
    const world = await startHookWorld({ repositories: ten })
    const refusal = {
      errors: [{ exceptionName: 'com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException', message: '' }],
    }
    await world.emulator.addFault({
      kind: 'status',
      status: 401,
      path: '*/webhooks',
      body: JSON.stringify(refusal),
      contentType: 'application/json',
    })

    const report = await world.run('apply')

    expect(report).toMatchObject({
      result: 'failed',
      counts: { reasons: { bad_credential: 1, credential_refused: 9 } },
    })
    expect(world.sent()).toHaveLength(1)
  })

  test('B22 a missing permission is the repository’s alone: it says what is needed, and the rest goes on', async () => {
    const world = await startHookWorld({ repositories: ['infra', 'app', 'net'] })
    await world.emulator.createUser('hook')
    for (const repository of world.repositories) {
      await world.emulator.grant('hook', repository.slug === 'app' ? 'REPO_READ' : 'REPO_ADMIN', repository)
    }
    const token = await world.emulator.createToken('hook', ['REPO_ADMIN'])

    const report = await world.run('apply', { BITBUCKET_TOKEN: token })

    expect(report).toMatchObject({ result: 'partial', counts: { states: { repaired: 2, failed: 1 } } })
    expect(report.repositories.find(({ state }) => state === 'failed')).toMatchObject({
      repositorySlug: 'app',
      reason: { code: 'needs_repo_admin', message: expect.stringContaining('needs REPO_ADMIN') },
    })
    expect(exitCodeOf(report)).toBe(1)
  })

  test('B22 unexplained refusals count for the credential after three in a row', async () => {
    const world = await startHookWorld({ repositories: ten })
    const page = { body: '<html>Log in</html>', contentType: 'text/html' }
    await world.emulator.addFault({ kind: 'status', status: 401, path: '*/webhooks', ...page })

    const report = await world.run('apply')

    expect(report).toMatchObject({ result: 'failed', counts: { reasons: { unauthorised: 3, credential_refused: 7 } } })
    expect(world.sent()).toHaveLength(3)
  })

  test('B22 one unexplained refusal is the repository’s', async () => {
    const world = await startHookWorld({ repositories: ten })
    const page = { body: '<html>Log in</html>', contentType: 'text/html' }
    await world.emulator.addFault({ kind: 'status', status: 401, path: '*/repo-4/webhooks', ...page })

    const report = await world.run('apply')

    expect(report).toMatchObject({ result: 'partial', counts: { states: { repaired: 9, failed: 1 } } })
  })
})

describe('passing failures', () => {
  test('B24 a rate limit is waited out as long as Bitbucket says', async () => {
    const world = await startHookWorld()
    await world.emulator.addFault({ kind: 'status', status: 429, retryAfterSeconds: 1, path: '*/webhooks', times: 1 })
    await world.emulator.addFault({
      kind: 'status',
      status: 429,
      retryAfterSeconds: 1,
      method: 'POST',
      path: '*/webhooks',
      times: 1,
    })

    const report = await world.run('apply')

    expect(report.counts.states.repaired).toBe(1)
    const [first, second, third, fourth] = world.emulator.requests().filter(({ path }) => path.includes('/webhooks'))
    expect([first, second, third, fourth].map((request) => request?.status)).toEqual([429, 200, 429, 200])
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990)
    expect((fourth?.at ?? 0) - (third?.at ?? 0)).toBeGreaterThanOrEqual(990)
    expect(await world.webhooks()).toHaveLength(1)
  })

  test.for([
    { name: 'B24 a 503 is tried again', fault: { kind: 'status', status: 503, times: 2 } },
    { name: 'B24 a connection that breaks is tried again', fault: { kind: 'reset', times: 2 } },
    { name: 'B24 an answer that gets lost is asked for again', fault: { kind: 'drop-answer', times: 2 } },
  ] as const)('$name', async ({ fault }) => {
    const world = await startHookWorld()
    await world.emulator.addFault({ ...fault, path: '*/webhooks' })

    const report = await world.run('apply')

    expect(report.counts.states.repaired).toBe(1)
    expect(await world.webhooks()).toHaveLength(1)
  })

  test('B24 a 400 is not repeated', async () => {
    const world = await startHookWorld()
    await world.emulator.addFault({ kind: 'status', status: 400, method: 'POST', path: '*/webhooks' })

    const report = await world.run('apply')

    expect(report.repositories).toMatchObject([{ state: 'failed', reason: { code: 'invalid' } }])
    expect(world.sent()).toEqual(['GET infra', 'POST infra'])
  })

  test.for([
    { name: 'B28 a POST that was applied and not answered is looked up, not repeated', kind: 'drop-answer' },
    { name: 'B28 a POST that was not applied is sent again after a look', kind: 'reset' },
  ] as const)('$name', async ({ kind }) => {
    const world = await startHookWorld()
    await world.emulator.addFault({ kind, method: 'POST', path: '*/webhooks', times: 1 })

    const report = await world.run('apply')

    const webhook = await world.onlyWebhook()
    expect(report.repositories).toMatchObject([{ state: 'repaired', webhookId: webhook.id }])
    expect(await world.registrations()).toMatchObject([{ webhookId: webhook.id, observed: 'in_sync' }])
    expect(world.sent()).toEqual(
      kind === 'reset'
        ? ['GET infra', 'POST infra', 'GET infra', 'POST infra']
        : ['GET infra', 'POST infra', 'GET infra'],
    )
  })

  test('B26 one failing repository of 50 leaves 49 done, and is the only one with work left', async () => {
    const world = await startHookWorld({ repositories: Array.from({ length: 50 }, (_, index) => `repo-${index}`) })
    await world.emulator.addFault({ kind: 'status', status: 500, path: '*/repo-7/webhooks' })

    const first = await world.run('apply')
    await world.emulator.clearFaults()
    const second = await world.run('apply')

    expect(first).toMatchObject({ result: 'partial', counts: { states: { repaired: 49, failed: 1 } } })
    expect(exitCodeOf(first)).toBe(1)
    expect(first.repositories.find(({ state }) => state === 'failed')).toMatchObject({
      repositorySlug: 'repo-7',
      reason: { code: 'unavailable' },
    })
    expect(second).toMatchObject({ result: 'complete', counts: { states: { repaired: 1, in_sync: 49 } } })
    expect(exitCodeOf(second)).toBe(0)
  })
})

describe('repositories in an unusual state', () => {
  test('B21 one that is gone is done', async () => {
    const world = await startHookWorld({ repositories: ['infra', 'app'] })
    await world.emulator.rest('DELETE', world.repository.path)

    const report = await world.run('apply')

    expect(report).toMatchObject({ result: 'complete', counts: { states: { gone: 1, repaired: 1 } } })
  })

  test.for([409, 423])('B23 one that answers %i to a write is skipped and not hurried', async (status) => {
    const world = await startHookWorld()
    await world.emulator.addFault({ kind: 'status', status, method: 'POST', path: '*/webhooks' })

    const report = await world.run('apply')

    expect(report.repositories).toMatchObject([{ state: 'skipped', reason: { code: 'read_only' } }])
    expect(world.sent()).toEqual(['GET infra', 'POST infra'])
  })

  test('B23 one that was read-only is left in peace by the following sweeps', async () => {
    const world = await startHookWorld()
    await world.emulator.addFault({ kind: 'status', status: 409, method: 'POST', path: '*/webhooks' })
    const opened = world.open('apply')
    const caretaker = createCaretaker(opened, { workers: 1, tries: 9, firstBackOffMs: 1, longestBackOffMs: 1 })
    const pass = createPass(opened, caretaker)

    await pass.run({ untilSettled: false })
    await pass.run({ untilSettled: false })

    expect(world.sent()).toEqual(['GET infra', 'POST infra'])
    await caretaker.stop()
  })

  test('B30 a fight with somebody else ends after five writes, and says so once', async () => {
    const world = await startHookWorld()
    const opened = world.open('apply')
    const caretaker = createCaretaker(opened, { workers: 1, tries: 9, firstBackOffMs: 1, longestBackOffMs: 1 })
    const pass = createPass(opened, caretaker)

    const states: unknown[] = []
    for (let round = 0; round < 8; round++) {
      const report = await pass.run({ untilSettled: false })
      states.push(report.repositories[0]?.state)
      await world.edit(await world.onlyWebhook(), { active: false })
    }

    expect(states).toEqual([...Array(5).fill('repaired'), ...Array(3).fill('flapping')])
    expect(world.sent().filter((request) => !request.startsWith('GET'))).toHaveLength(5)
    expect(world.log().match(/somebody else keeps changing/g)).toHaveLength(1)
    expect(await world.registrations()).toMatchObject([{ observed: 'drifted', drift: ['inactive'] }])
  })
})

describe('the Mooring server', () => {
  test('B27 that cannot be told of a new webhook is told by the next pass, and there is no second one', async () => {
    const world = await startHookWorld()
    const proxy = await startProxy(world.server.url, {
      interferes: (method, path) => (method === 'PUT' && path.endsWith('/registrations') ? 'refuse' : undefined),
    })

    const first = await world.run('apply', { MOORING_ENDPOINT: proxy.url })
    const registered = await world.registrations()
    const second = await world.run('apply')

    expect(first.repositories).toMatchObject([
      { state: 'failed', done: [{ kind: 'created' }], reason: { code: 'server_unexpected_answer' } },
    ])
    expect(registered).toEqual([])
    expect(second.counts).toMatchObject({ states: { in_sync: 1 }, writes: { created: 0 } })
    expect(await world.registrations()).toMatchObject([{ webhookId: (await world.onlyWebhook()).id }])
  })

  test('B39 that does not answer leaves Bitbucket alone', async () => {
    const world = await startHookWorld()
    const proxy = await startProxy(world.server.url, { interferes: () => 'refuse' })

    await expect(world.run('apply', { MOORING_ENDPOINT: proxy.url })).rejects.toThrow(
      /Check that the address is Mooring/,
    )

    expect(world.sent()).toEqual([])
  })
})
