import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { operations } from '../../../schemas/api.ts'
import { ProblemDocument } from '../../../schemas/problem.ts'
import { anonymous, type Caller } from '../../../server/core/authorise.ts'
import { systemClock } from '../../../server/core/clock.ts'
import { createLogger } from '../../../server/core/logger.ts'
import { type Answer, createAnswerOnce, type RepeatableRequest } from '../../../server/http/idempotency.ts'
import { deleteExpiredKeys } from '../../../server/store/idempotency.ts'
import { databases } from '../../support/databases.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

const hour = 3_600_000

for (const database of databases) {
  describe(database.name, () => {
    test('R202 a write that is repeated with its key happens once, and is answered as the first time', async () => {
      const server = await startTestServer(database)
      const key = randomUUID()

      const first = await post(server, '/api/v1/spaces', { name: 'Platform' }, key)
      const again = await post(server, '/api/v1/spaces', { name: 'Platform' }, key)

      expect([first.status, again.status]).toEqual([201, 201])
      expect(again.body).toEqual(first.body)
      expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
      expect([first.headers.get('idempotency-replayed'), again.headers.get('idempotency-replayed')]).toEqual([
        null,
        'true',
      ])
      expect((await server.root.call('listSpaces', { query: {} })).items).toHaveLength(2)
    })

    test('R202 the order of fields is no other request; another body, path, query or operation is', async () => {
      const server = await startTestServer(database)
      const key = 'one key'
      await post(server, '/api/v1/spaces', { name: 'Platform', description: 'd' }, key)

      const reordered = await post(server, '/api/v1/spaces', { description: 'd', name: 'Platform' }, key)
      const others = [
        await post(server, '/api/v1/spaces', { name: 'Platform', description: 'e' }, key),
        await send(server, 'PATCH', '/api/v1/spaces/platform', { name: 'Platform' }, key),
        await send(server, 'DELETE', '/api/v1/spaces/platform', undefined, key),
        await post(server, '/api/v1/stacks?skipVerification=true', { name: 'Platform', branch: 'main' }, key),
      ]

      expect(reordered.status).toBe(201)
      for (const { status, body } of others) {
        expect([status, body.code]).toEqual([422, 'idempotency_key_reused'])
      }
      expect((await server.root.call('listSpaces', { query: {} })).items).toHaveLength(2)
    })

    test('R202 of fifty repetitions at once one happens; the others are told to wait, or what became of it', async () => {
      const server = await startTestServer(database)
      const key = randomUUID()

      const answers = await Promise.all(
        Array.from({ length: 50 }, () => post(server, '/api/v1/spaces', { name: 'Platform' }, key)),
      )

      const fresh = answers.filter(({ status, headers }) => status === 201 && !headers.has('idempotency-replayed'))
      const waiting = answers.filter(({ status }) => status === 409)
      expect(fresh).toHaveLength(1)
      for (const { body, headers } of waiting) {
        expect(body.code).toBe('request_in_progress')
        expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
      }
      expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
      expect((await post(server, '/api/v1/spaces', { name: 'Platform' }, key)).status).toBe(201)
    })

    test('R202 a problem of the first request is repeated, too; one of its form is not kept', async () => {
      const server = await startTestServer(database)
      const child = { name: 'Child', parentId: 'parent' }

      const unreadable = await post(server, '/api/v1/spaces', { nme: 'Child' }, 'k')
      const missing = await post(server, '/api/v1/spaces', child, 'k')
      await server.root.call('createSpace', { body: { name: 'Parent' } })
      const repeated = await post(server, '/api/v1/spaces', child, 'k')

      expect([unreadable.status, missing.body.code]).toEqual([422, 'space_not_found'])
      expect(repeated.headers.get('idempotency-replayed')).toBe('true')
      expect(repeated.headers.get('content-type')).toMatch(/^application\/problem\+json/)
      expect(ProblemDocument.parse(repeated.body)).toEqual(missing.body)
      expect((await post(server, '/api/v1/spaces', child, 'another')).status).toBe(201)
    })

    test('R202 a deletion is repeated without a body', async () => {
      const server = await startTestServer(database)
      await server.root.call('createSpace', { body: { name: 'Platform' } })

      const first = await send(server, 'DELETE', '/api/v1/spaces/platform', undefined, 'k')
      const again = await send(server, 'DELETE', '/api/v1/spaces/platform', undefined, 'k')

      expect([first.status, again.status]).toEqual([204, 204])
      expect(again.headers.get('idempotency-replayed')).toBe('true')
    })

    test('R202 a key belongs to its caller, and lives for a day', async () => {
      let now = Date.now()
      const server = await startTestServer(database, { clock: { now: () => now } })
      const other = await server.root.call('createApiKey', { body: { name: 'other', role: 'admin' } })
      const bearer = { authorization: `Bearer ${await server.token({ keyId: other.id, keySecret: other.secret })}` }
      const create = (headers = {}) => send(server, 'POST', '/api/v1/spaces', { name: 'Platform' }, 'k', headers)

      expect((await create()).status).toBe(201)
      expect((await create(bearer)).body.code).toBe('name_taken')
      now += 23 * hour
      const renewed = { authorization: `Bearer ${await server.token()}` }
      expect((await create(renewed)).status).toBe(201)
      now += 2 * hour
      const later = { authorization: `Bearer ${await server.token()}` }
      expect((await create(later)).body.code).toBe('name_taken')
      now += 25 * hour
      expect(await deleteExpiredKeys(server.db, now, 1)).toBeGreaterThan(0)
      await deleteExpiredKeys(server.db, now)
      expect(await server.db.selectFrom('idempotency_key').selectAll().execute()).toEqual([])
    })

    test.for([
      { key: '', reason: 'empty' },
      { key: 'a'.repeat(65), reason: 'too long' },
      { key: 'ä', reason: 'not ASCII' },
      { key: 'a\tb', reason: 'not printable' },
    ])('R202 R204 a key that is $reason is refused by name', async ({ key }) => {
      const server = await startTestServer(database)

      const { status, body } = await post(server, '/api/v1/spaces', { name: 'Platform' }, key)

      expect([status, body.errors?.[0]?.pointer]).toEqual([422, 'Idempotency-Key:'])
    })

    test('S22 a secret is shown once: the repetition has none, and no table has it', async () => {
      const server = await startTestServer(database)
      const body = { name: 'CI', role: 'reader' }
      const own = randomBytes(32).toString('base64url')

      const drawn = await post(server, '/api/v1/api-keys', body, 'drawn')
      const brought = await post(server, '/api/v1/api-keys', { ...body, secret: own }, 'brought')
      const again = await post(server, '/api/v1/api-keys', body, 'drawn')
      const rows = JSON.stringify(await server.db.selectFrom('idempotency_key').selectAll().execute())

      expect([drawn.status, brought.status, again.status]).toEqual([201, 201, 201])
      expect(drawn.headers.get('etag')).toBeNull()
      const { secret, ...shown } = drawn.body
      expect(again.body).toEqual({ ...shown, secretShown: true })
      expect(again.headers.get('etag')).toBeNull()
      expect(rows).toContain(String(shown.id))
      for (const hidden of [String(secret), own]) expect(rows).not.toContain(hidden)
    })

    test('S22 what was answered under other roles is not shown, and the write does not happen again', async () => {
      let now = Date.now()
      const server = await startTestServer(database, { clock: { now: () => now } })
      const key = await server.root.call('createApiKey', { body: { name: 'a', role: 'admin' } })
      const mine = async () => ({
        authorization: `Bearer ${await server.token({ keyId: key.id, keySecret: key.secret })}`,
      })
      await server.root.call('createSpace', { body: { name: 'Small' } })
      await send(server, 'POST', '/api/v1/stacks', { name: 'S', branch: 'main', spaceId: 'small' }, 'k', await mine())

      await server.db.updateTable('api_key').set({ space_id: 'small' }).where('id', '=', key.id).execute()
      const again = async () =>
        send(server, 'POST', '/api/v1/stacks', { name: 'S', branch: 'main', spaceId: 'small' }, 'k', await mine())
      now += 5_000
      expect((await again()).body.code).toBe('idempotency_roles_changed')
      await server.db.updateTable('api_key').set({ role: 'reader' }).where('id', '=', key.id).execute()
      now += 5_000
      expect((await again()).body.code).toBe('forbidden')
    })

    test('S22 a caller has a thousand live keys at most', async () => {
      const server = await startTestServer(database)
      const now = Date.now()
      const rows = Array.from({ length: 999 }, (_, number) => ({
        api_key_id: server.rootKey.keyId,
        key: `key ${number}`,
        request_digest: 'x',
        grants_digest: 'x',
        lease: null,
        lease_until: null,
        status: 204,
        answer: null,
        expires_at: now + hour,
      }))
      for (let from = 0; from < rows.length; from += 100) {
        await server.db
          .insertInto('idempotency_key')
          .values(rows.slice(from, from + 100))
          .execute()
      }

      const last = await post(server, '/api/v1/spaces', { name: 'Last' }, 'the thousandth')
      const beyond = await post(server, '/api/v1/spaces', { name: 'Beyond' }, 'one more')

      expect(last.status).toBe(201)
      expect([beyond.status, beyond.body.code]).toEqual([429, 'too_many_idempotency_keys'])
      expect(beyond.headers.get('retry-after')).toBe('600')
      expect((await post(server, '/api/v1/spaces', { name: 'Last' }, 'the thousandth')).status).toBe(201)
    })

    test('R202 a failure of the server is not kept, and a key is free again a minute after its process fell silent', async () => {
      const server = await startTestServer(database)
      let now = Date.now()
      const answerOnce = createAnswerOnce(server.db, { now: () => now }, [randomBytes(32)])
      const caller: Caller = { ...anonymous, kind: 'account', keyId: server.rootKey.keyId }
      const answer = answerOf('x')
      const ask = (key: string, act: () => Promise<Answer>) => answerOnce(key, requestOf(caller), act)

      await expect(ask('broken', () => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug')
      expect(await ask('broken', async () => answer)).toEqual(answer)

      let speak = (_answer: Answer) => {}
      const silence = new Promise<Answer>((resolve) => {
        speak = resolve
      })
      const silent = ask('silent', () => silence)
      await expect
        .poll(() => ask('silent', async () => answer).catch((error) => error.code))
        .toBe('request_in_progress')
      now += 61_000
      expect(await ask('silent', async () => answerOf('second'))).toEqual(answerOf('second'))
      speak(answerOf('late'))
      await silent
      expect((await ask('silent', async () => answer)).body).toEqual({ id: 'second' })
    })

    test('R202 with a new encryption key the first answer still comes, as long as the old one is given', async () => {
      const server = await startTestServer(database)
      const [old, fresh] = [randomBytes(32), randomBytes(32)]
      const caller: Caller = { ...anonymous, kind: 'account', keyId: server.rootKey.keyId }
      const ask = (keys: readonly [Uint8Array, ...Uint8Array[]], id: string) =>
        createAnswerOnce(server.db, systemClock, keys)('k', requestOf(caller), async () => answerOf(id))

      await ask([old], 'first')

      expect((await ask([fresh, old], 'second')).body).toEqual({ id: 'first' })
      await expect(ask([fresh], 'third')).rejects.toMatchObject({ code: 'idempotency_key_reused' })
    })
  })
}

function requestOf(caller: Caller): RepeatableRequest {
  return {
    id: 'createSpace',
    operation: operations.createSpace,
    caller,
    params: {},
    query: {},
    body: {},
    log: createLogger('silent', process.stderr),
  }
}

function answerOf(id: string): Answer {
  return { status: 201, body: { id }, isReplay: false }
}

interface Answered {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what is in it is for the test to say.
  readonly body: any
}

function post(server: TestServer, path: string, body: unknown, key: string): Promise<Answered> {
  return send(server, 'POST', path, body, key)
}

async function send(
  server: TestServer,
  method: string,
  path: string,
  body: unknown,
  key: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const answer = await server.request(method, path, {
    ...(body === undefined ? {} : { body }),
    ...(headers.authorization === undefined ? {} : { token: null }),
    headers: { 'idempotency-key': key, ...headers },
  })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) }
}
