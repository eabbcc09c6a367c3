import { describe, expect, onTestFinished, test } from 'vitest'
import { createAccount, createService, createSpaces } from '../../support/accounts.ts'
import { databases } from '../../support/databases.ts'
import { failureOf } from '../../support/failure-of.ts'
import { openTestServer, startTestServer } from '../../support/server.ts'

const integration = { name: 'VCS', apiHost: 'https://bitbucket.example.com', accessToken: 'x' }

for (const database of databases) {
  describe(database.name, () => {
    test('R205 a user has a name, roles, keys and Bitbucket identities, which a root admin sets', async () => {
      const server = await startTestServer(database)
      await createSpaces(server, 'root/team')
      await server.root.call('createIntegration', { body: { ...integration, isDefault: true } })
      const body = {
        name: 'Ada',
        roles: [{ role: 'writer' as const, spaceId: 'team' }],
        bitbucketIdentities: [{ integrationId: 'vcs', bitbucketUserId: 42 }],
      }

      const made = await server.root.call('createUser', { body })
      const changed = await server.root.call('updateUser', {
        params: { id: made.id },
        body: { name: 'Ada L.', roles: [], bitbucketIdentities: [{ integrationId: 'vcs', bitbucketUserId: 43 }] },
      })

      expect(made).toMatchObject(body)
      expect(changed).toMatchObject({
        id: made.id,
        name: 'Ada L.',
        roles: [],
        bitbucketIdentities: [{ bitbucketUserId: 43 }],
      })
      expect(await server.root.call('getUser', { params: { id: made.id } })).toEqual(changed)
      expect((await server.root.call('listUsers', { query: {} })).items).toEqual([changed])
    })

    test('R205 a Bitbucket user is one of ours at most, in each Bitbucket', async () => {
      const server = await startTestServer(database)
      await server.root.call('createIntegration', { body: { ...integration, isDefault: true } })
      await server.root.call('createIntegration', { body: { ...integration, name: 'Other' } })
      const create = (name: string, integrationId: string, bitbucketUserId: number) =>
        server.root.call('createUser', { body: { name, bitbucketIdentities: [{ integrationId, bitbucketUserId }] } })
      const ada = await create('Ada', 'vcs', 42)

      const taken = await failureOf(create('Bob', 'vcs', 42))
      await create('Carl', 'other', 42)
      const unknown = await failureOf(create('Dora', 'nowhere', 1))

      expect(taken).toMatchObject({
        status: 409,
        code: 'identity_taken',
        errors: [{ pointer: '/bitbucketIdentities' }],
      })
      expect(unknown).toMatchObject({ status: 404, errors: [{ pointer: '/bitbucketIdentities/0/integrationId' }] })
      await server.root.call('deleteUser', { params: { id: ada.id } })
      await create('Bob', 'vcs', 42)
      expect((await server.root.call('listUsers', { query: {} })).items.map(({ name }) => name)).toEqual([
        'Carl',
        'Bob',
      ])
    })

    test('R205 a user sees himself and no other, and changes nobody', async () => {
      const server = await startTestServer(database)
      await createSpaces(server, 'root/team')
      const ada = await createAccount(server, { role: 'admin', spaceId: 'team' })
      const bob = await createAccount(server, { role: 'reader', spaceId: 'team' })
      const asAda = server.client(ada)
      const id = ada.userId ?? ''
      const other = bob.userId ?? ''

      expect((await asAda.call('listUsers', { query: {} })).items.map((user) => user.id)).toEqual([id])
      expect((await asAda.call('listUsers', { query: { ids: `${id},${other}` } })).items).toHaveLength(1)
      expect(await asAda.call('getUser', { params: { id } })).toMatchObject({ id, roles: [{ spaceId: 'team' }] })
      expect(await failureOf(asAda.call('getUser', { params: { id: other } }))).toMatchObject({ status: 404 })
      const promote = { roles: [{ role: 'admin' as const, spaceId: 'root' }] }
      expect(await failureOf(asAda.call('updateUser', { params: { id }, body: promote }))).toMatchObject({
        status: 403,
      })
      expect(await failureOf(asAda.call('updateUser', { params: { id: other }, body: promote }))).toMatchObject({
        status: 404,
      })
      expect(await failureOf(asAda.call('deleteUser', { params: { id: other } }))).toMatchObject({ status: 404 })
      expect(await failureOf(asAda.call('createUser', { body: { name: 'x' } }))).toMatchObject({ status: 403 })
    })

    test('R205 R27a whoever asks is told who he is, his roles, and what his key is good for', async () => {
      const server = await startTestServer(database)
      await createSpaces(server, 'root/team')
      const ada = await createAccount(server, { role: 'writer', spaceId: 'team' })
      const nobody = await createAccount(server)
      const worker = await createService(server, 'worker', 'team')
      const registrar = await createService(server, 'webhook-registrar', 'team')

      expect(await server.root.call('getMe', {})).toMatchObject({
        kind: 'service',
        user: null,
        isRootAdmin: true,
        roles: [{ role: 'admin', spaceId: 'root' }],
      })
      expect(await server.client(ada).call('getMe', {})).toMatchObject({
        kind: 'user',
        user: { id: ada.userId },
        apiKey: { id: ada.keyId },
        roles: [{ role: 'writer', spaceId: 'team' }],
        isRootAdmin: false,
        surface: 'api',
        surfaces: ['api', 'ui'],
      })
      expect(await server.client(nobody).call('getMe', {})).toMatchObject({ kind: 'user', roles: [] })
      expect(await server.client(worker).call('getMe', {})).toMatchObject({ kind: 'service', surfaces: ['worker'] })
      expect(await server.client(registrar).call('getMe', {})).toMatchObject({ surface: 'registrar' })
    })

    test('R205 a user makes keys for himself alone, and a root admin for everybody', async () => {
      const server = await startTestServer(database)
      await createSpaces(server, 'root/team')
      const ada = await createAccount(server, { role: 'admin', spaceId: 'team' })
      const bob = await createAccount(server)
      const asAda = server.client(ada)
      const make = (body: { userId?: string | undefined; role?: 'admin' | 'worker'; spaceId?: string }) =>
        asAda.call('createApiKey', { body: { name: 'k', ...body } })

      const own = await make({ userId: ada.userId })
      const ownWorker = await make({ role: 'worker', spaceId: 'team' })

      expect(own).toMatchObject({ userId: ada.userId, role: null, spaceId: null })
      expect(await failureOf(make({ userId: bob.userId }))).toMatchObject({
        status: 404,
        errors: [{ pointer: '/userId' }],
      })
      expect(await failureOf(make({ role: 'admin', spaceId: 'root' }))).toMatchObject({ status: 404 })
      expect(await failureOf(make({ role: 'worker', spaceId: 'nowhere' }))).toMatchObject({ status: 404 })
      const listed = (await asAda.call('listApiKeys', { query: {} })).items.map(({ id }) => id)
      expect(listed.sort()).toEqual([ada.keyId, own.id, ownWorker.id].sort())
      const bobs = { params: { id: bob.keyId } }
      expect(await failureOf(asAda.call('getApiKey', bobs))).toMatchObject({ status: 404, code: 'api_key_not_found' })
      expect(await failureOf(asAda.call('revokeApiKey', bobs))).toMatchObject({ status: 404 })
      expect(await failureOf(asAda.call('updateApiKey', { ...bobs, body: { name: 'x' } }))).toMatchObject({
        status: 404,
      })
      await server.root.call('revokeApiKey', bobs)
    })

    test('R205 R27a a user has no role of services, and their keys belong to no user', async () => {
      const server = await startTestServer(database)
      const ada = await createAccount(server)
      const send = async (path: string, body: object) => (await server.request('POST', path, { body })).status

      expect(await send('/api/v1/users', { name: 'x', roles: [{ role: 'worker', spaceId: 'root' }] })).toBe(422)
      expect(await send('/api/v1/users', { name: 'x', roles: [{ role: 'webhook-registrar', spaceId: 'root' }] })).toBe(
        422,
      )
      expect(await send('/api/v1/api-keys', { name: 'x', userId: ada.userId, role: 'worker' })).toBe(422)
      expect(await send('/api/v1/api-keys', { name: 'x' })).toBe(422)
    })

    test('R205 S16 with a user end his keys, his tokens and his roles; a role ends with its space no sooner', async () => {
      const server = await startTestServer(database)
      await createSpaces(server, 'root/team')
      const ada = await createAccount(server, { role: 'admin', spaceId: 'team' })
      const token = await server.token(ada)
      const ask = async () => (await server.request('GET', '/api/v1/spaces', { token })).status
      expect(await ask()).toBe(200)

      const refused = await failureOf(server.root.call('deleteSpace', { params: { id: 'team' } }))
      await server.root.call('deleteUser', { params: { id: ada.userId ?? '' } })

      expect(refused.detail).toContain('1 roles of users')
      expect(await ask()).toBe(401)
      expect(await failureOf(server.client().call('createToken', { body: keyOf(ada) }))).toMatchObject({ status: 401 })
      expect(await server.db.selectFrom('user_role').selectAll().execute()).toEqual([])
      await server.root.call('deleteSpace', { params: { id: 'team' } })
    })

    test('S17 a key tells when it was last used', async () => {
      let now = Date.now()
      const server = await startTestServer(database, { clock: { now: () => now } })
      const ada = await createAccount(server)
      const lastUsed = async () => (await server.root.call('getApiKey', { params: { id: ada.keyId } })).lastUsedAt
      const before = await lastUsed()

      now += 1_000
      await server.token(ada)

      expect(before).toBeNull()
      expect(await lastUsed()).toBe(new Date(now).toISOString())
    })

    test('R27a S67 a registrar’s key can be narrowed to integrations, and no other key', async () => {
      const server = await startTestServer(database)
      await server.root.call('createIntegration', { body: integration })
      await server.root.call('createIntegration', { body: { ...integration, name: 'Other' } })
      const registrar = await createService(server, 'webhook-registrar', 'root')
      const narrow = (integrationIds: string[] | null) =>
        server.root.call('updateApiKey', { params: { id: registrar.keyId }, body: { integrationIds } })
      const client = server.client(registrar)
      const seen = async () => (await client.call('listIntegrations', { query: {} })).items.map(({ id }) => id)
      expect(await seen()).toEqual(['other', 'vcs'])

      const narrowed = await narrow(['vcs'])

      expect(narrowed.integrationIds).toEqual(['vcs'])
      expect(await seen()).toEqual(['vcs'])
      const other = { params: { id: 'other' } }
      expect(await failureOf(client.call('readWebhookCredentials', other))).toMatchObject({ status: 404 })
      expect(await failureOf(client.call('getIntegration', other))).toMatchObject({ status: 404 })
      expect((await client.call('readWebhookCredentials', { params: { id: 'vcs' } })).secret).not.toBe('')
      expect(await failureOf(narrow(['nowhere']))).toMatchObject({
        status: 404,
        errors: [{ pointer: '/integrationIds/0' }],
      })
      await narrow(null)
      expect(await seen()).toEqual(['other', 'vcs'])
      const narrowAdmin = { params: { id: server.rootKey.keyId }, body: { integrationIds: ['vcs'] } }
      expect(await failureOf(server.root.call('updateApiKey', narrowAdmin))).toMatchObject({ status: 422 })
    })

    test('S70 every change of users and keys is recorded, without a secret', async () => {
      const server = await startTestServer(database)
      const ada = await createAccount(server, { role: 'reader', spaceId: 'root' })
      await server.root.call('updateUser', { params: { id: ada.userId ?? '' }, body: { roles: [] } })
      await server.root.call('updateApiKey', { params: { id: ada.keyId }, body: { name: 'renamed' } })
      await server.root.call('deleteUser', { params: { id: ada.userId ?? '' } })

      const rows = await server.db.selectFrom('audit').selectAll().orderBy('sequence').execute()

      const about = rows.filter(({ object }) => object.endsWith(ada.userId ?? '?') || object.endsWith(ada.keyId))
      expect(about.map(({ action }) => action)).toEqual([
        'user.create',
        'api_key.create',
        'user.update',
        'api_key.update',
        'user.delete',
      ])
      expect(about.every(({ actor }) => actor === `key:${server.rootKey.keyId}`)).toBe(true)
      expect(JSON.stringify(rows)).not.toContain(ada.keySecret)
    })
  })
}

for (const database of databases.filter(({ name }) => name === 'postgres')) {
  test('R205 S16 a role that one server takes away is gone in the other within five seconds', async () => {
    const { first, second, tick } = await twoServers(database)
    await createSpaces(first, 'root/team')
    const ada = await createAccount(first, { role: 'admin', spaceId: 'team' })
    const token = await first.token(ada)
    const ask = async () => (await second.request('GET', '/api/v1/spaces/team', { token })).status
    expect(await ask()).toBe(200)

    await first.root.call('updateUser', { params: { id: ada.userId ?? '' }, body: { roles: [] } })
    const fresh = await first.token(ada)
    tick(4_999)

    expect(await ask()).toBe(401)
    // The new token proves to the second server that what it knows is old.
    expect((await second.request('GET', '/api/v1/spaces/team', { token: fresh })).status).toBe(403)
  })

  test('R27a S16 a narrowing by one server holds in the other within five seconds', async () => {
    const { first, second, tick } = await twoServers(database)
    await first.root.call('createIntegration', { body: integration })
    await first.root.call('createIntegration', { body: { ...integration, name: 'Other' } })
    const registrar = await createService(first, 'webhook-registrar', 'root')
    const token = await first.token(registrar)
    const ask = async (bearer: string) =>
      (await second.request('GET', '/api/v1/integrations/other', { token: bearer })).status
    expect(await ask(token)).toBe(200)

    await first.root.call('updateApiKey', { params: { id: registrar.keyId }, body: { integrationIds: ['vcs'] } })
    const fresh = await first.token(registrar)
    const withFresh = await ask(fresh)
    tick(4_999)

    expect(withFresh).toBe(404)
    expect(await ask(token)).toBe(401)
  })

  test('S16 the second server forgets a revoked key within five seconds of real time', async () => {
    const { first, second } = await twoServers(database, Date.now)
    const ada = await createAccount(first, { role: 'admin', spaceId: 'root' })
    const token = await second.token(ada)
    const ask = async () => (await second.request('GET', '/api/v1/spaces', { token })).status
    expect(await ask()).toBe(200)

    await first.root.call('revokeApiKey', { params: { id: ada.keyId } })
    const revokedAt = performance.now()
    while ((await ask()) === 200) await new Promise((resolve) => setTimeout(resolve, 100))

    expect(performance.now() - revokedAt).toBeLessThan(5_000)
  })

  async function twoServers(on: (typeof databases)[number], clock?: () => number) {
    let now = Date.now()
    const options = { clock: { now: clock ?? (() => now) }, encryptionKey: Buffer.alloc(32, 'two servers') }
    const first = await startTestServer(on, options)
    const second = await openTestServer(first.databaseUrl, { ...options, rootKey: first.rootKey })
    onTestFinished(() => second.close())
    return {
      first,
      second,
      tick: (ms: number) => {
        now += ms
      },
    }
  }
}

function keyOf({ keyId, keySecret }: { readonly keyId: string; readonly keySecret: string }) {
  return { keyId, keySecret }
}
