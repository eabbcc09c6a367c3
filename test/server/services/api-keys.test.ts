import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ServerProblem } from '../../../clients/server/problem.ts'
import { databases } from '../../support/databases.ts'
import { startTestServer } from '../../support/server.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('R205 a key shows its secret once, and is stored as its hash', async () => {
      const server = await startTestServer(database)

      const { secret, ...key } = await server.root.call('createApiKey', { body: { name: 'CI', role: 'admin' } })

      const { items } = await server.root.call('listApiKeys', { query: {} })
      const rows = await server.db.selectFrom('api_key').selectAll().execute()
      expect(secret).toMatch(/^mrg_/)
      expect(items.map(({ id }) => id)).toContain(key.id)
      expect(JSON.stringify([items, rows])).not.toContain(secret)
    })

    test('R205 a caller may bring a secret of 32 random bytes, and no shorter one', async () => {
      const server = await startTestServer(database)
      const secret = randomBytes(32).toString('base64url')
      const create = (brought: string) =>
        server.root.call('createApiKey', { body: { name: 'CI', role: 'admin', secret: brought } })

      const { id } = await create(secret)

      expect(await server.token({ keyId: id, keySecret: secret })).toMatch(/^ey/)
      expect(await failureOf(create('x'.repeat(42)))).toMatchObject({ status: 422, errors: [{ pointer: '/secret' }] })
    })

    test('R205 S16 revoking a key ends its tokens', async () => {
      const server = await startTestServer(database)
      const { id, secret } = await server.root.call('createApiKey', { body: { name: 'CI', role: 'admin' } })
      const token = await server.token({ keyId: id, keySecret: secret })
      const ask = async () => (await server.request('GET', '/api/v1/spaces', { token })).status

      const before = await ask()
      await server.root.call('revokeApiKey', { params: { id } })

      expect(before).toBe(200)
      expect(await ask()).toBe(401)
      expect(
        (await failureOf(server.client().call('createToken', { body: { keyId: id, keySecret: secret } }))).code,
      ).toBe('invalid_api_key')
    })

    test('S16 another process’s revocation is seen within five seconds', async () => {
      let now = Date.now()
      const server = await startTestServer(database, { clock: { now: () => now } })
      const { id, secret } = await server.root.call('createApiKey', { body: { name: 'CI', role: 'admin' } })
      const token = await server.token({ keyId: id, keySecret: secret })
      const ask = async () => (await server.request('GET', '/api/v1/spaces', { token })).status
      await ask()

      await server.db.updateTable('api_key').set({ revoked_at: now }).where('id', '=', id).execute()
      now += 5_000

      expect(await ask()).toBe(401)
    })

    test('R205 an expired key gives no token, and a token ends with its key', async () => {
      let now = Date.now()
      const server = await startTestServer(database, { clock: { now: () => now } })
      const expiresAt = new Date(now + 60_000).toISOString()
      const { id, secret } = await server.root.call('createApiKey', {
        body: { name: 'CI', role: 'admin', expiresAt },
      })
      const token = await server.token({ keyId: id, keySecret: secret })

      now += 61_000

      expect((await server.request('GET', '/api/v1/spaces', { token })).status).toBe(401)
      expect(
        (await failureOf(server.client().call('createToken', { body: { keyId: id, keySecret: secret } }))).code,
      ).toBe('invalid_api_key')
    })

    test('S17 unknown, malformed and wrong keys are answered alike', async () => {
      const server = await startTestServer(database)
      const keys = [
        { keyId: randomUUID(), keySecret: 'x' },
        { keyId: 'no uuid', keySecret: 'x' },
        { keyId: server.rootKey.keyId, keySecret: 'x' },
        { keyId: server.rootKey.keyId, keySecret: `${server.rootKey.keySecret}x` },
      ]

      const failures = await Promise.all(keys.map((body) => failureOf(server.client().call('createToken', { body }))))

      expect(new Set(failures.map(({ status, code, detail }) => `${status} ${code} ${detail}`)).size).toBe(1)
      expect(failures[0]).toMatchObject({ status: 401, code: 'invalid_api_key' })
    })

    test('S17 after ten failures for a key come 429s, and the right secret still passes', async () => {
      const server = await startTestServer(database)
      const guess = () =>
        failureOf(server.client().call('createToken', { body: { keyId: server.rootKey.keyId, keySecret: 'wrong' } }))

      const codes: string[] = []
      for (let tries = 0; tries < 12; tries++) codes.push((await guess()).code)

      expect(codes).toEqual([...Array(10).fill('invalid_api_key'), 'too_many_requests', 'too_many_requests'])
      expect(await server.token()).toMatch(/^ey/)
    })

    test('S18 the bootstrap key makes one root admin, and is of no use for anything else or again', async () => {
      const bootstrapKey = { id: randomUUID(), secret: `mrg_${randomBytes(32).toString('base64url')}` }
      const server = await startTestServer(database, { bootstrapKey })
      const client = server.client({ keyId: bootstrapKey.id, keySecret: bootstrapKey.secret })

      const again = await failureOf(client.call('createApiKey', { body: { name: 'x', role: 'admin' } }))

      expect(again.code).toBe('invalid_api_key')
      expect((await server.root.call('listApiKeys', { query: {} })).items).toHaveLength(1)
    })

    test('S18 of many who use one bootstrap key at once, one becomes root admin', async () => {
      const server = await startTestServer(database)
      await server.db.deleteFrom('api_key').execute()
      const key = { id: randomUUID(), secret: `mrg_${randomBytes(32).toString('base64url')}` }
      const { hashApiKeySecret } = await import('../../../server/core/api-key-secret.ts')
      await server.db
        .insertInto('api_key')
        .values({
          id: key.id,
          name: 'bootstrap',
          role: 'bootstrap',
          space_id: 'root',
          secret_sha256: hashApiKeySecret(key.secret),
          created_at: 1,
          expires_at: null,
          last_used_at: null,
          revoked_at: null,
        })
        .execute()
      const client = server.client({ keyId: key.id, keySecret: key.secret })
      expect((await failureOf(client.call('listSpaces', { query: {} }))).code).toBe('forbidden')
      const registrar = { name: 'r', role: 'webhook-registrar' as const }
      expect(await failureOf(client.call('createApiKey', { body: registrar }))).toMatchObject({
        errors: [{ pointer: '/role' }],
      })

      const results = await Promise.allSettled(
        Array.from({ length: 10 }, () => client.call('createApiKey', { body: { name: 'root', role: 'admin' } })),
      )

      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const rows = await server.db.selectFrom('api_key').select('id').where('role', '=', 'admin').execute()
      expect(rows).toHaveLength(1)
    })

    test('R27a a registrar’s key creates no keys and writes nothing but registrations', async () => {
      const server = await startTestServer(database)
      const registrar = await server.registrar('root')

      const failures = await Promise.all([
        failureOf(registrar.call('createApiKey', { body: { name: 'x', role: 'webhook-registrar' } })),
        failureOf(registrar.call('listApiKeys', { query: {} })),
        failureOf(registrar.call('createSpace', { body: { name: 'x' } })),
        failureOf(registrar.call('listStacks', { query: {} })),
        failureOf(registrar.call('listRuns', { query: {} })),
      ])

      for (const failure of failures) expect(failure).toMatchObject({ code: 'forbidden', status: 403 })
    })
  })
}

async function failureOf(call: Promise<unknown>): Promise<ServerProblem> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof ServerProblem) return error
  throw error ?? new Error('The call succeeded.')
}
