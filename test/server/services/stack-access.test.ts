import { describe, expect, test } from 'vitest'
import type { ServerClient } from '../../../clients/server/client.ts'
import { uuidv7 } from '../../../server/core/uuid-v7.ts'
import { createAccount, createSpaces } from '../../support/accounts.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { failureOf } from '../../support/failure-of.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

for (const database of databases) describe(database.name, () => suite(database))

const kinds = [
  {
    kind: 'stack',
    create: (client: ServerClient, body: { name: string; branch: string; spaceId: string }) =>
      client.call('createStack', { query: {}, body }),
    read: (client: ServerClient, id: string) => client.call('getStack', { params: { id } }),
    list: (client: ServerClient, query: object) => client.call('listStacks', { query }),
    update: (client: ServerClient, id: string, body: object) =>
      client.call('updateStack', { params: { id }, query: {}, body }),
    remove: (client: ServerClient, id: string) => client.call('deleteStack', { params: { id } }),
    attach: (client: ServerClient, id: string, body: { projectKey: string; repositorySlug: string }) =>
      client.call('attachStack', { params: { id }, query: {}, body }),
    detach: (client: ServerClient, id: string) => client.call('detachStack', { params: { id } }),
  },
  {
    kind: 'module',
    create: (client: ServerClient, body: { name: string; branch: string; spaceId: string }) =>
      client.call('createModule', { query: {}, body }),
    read: (client: ServerClient, id: string) => client.call('getModule', { params: { id } }),
    list: (client: ServerClient, query: object) => client.call('listModules', { query }),
    update: (client: ServerClient, id: string, body: object) =>
      client.call('updateModule', { params: { id }, query: {}, body }),
    remove: (client: ServerClient, id: string) => client.call('deleteModule', { params: { id } }),
    attach: (client: ServerClient, id: string, body: { projectKey: string; repositorySlug: string }) =>
      client.call('attachModule', { params: { id }, query: {}, body }),
    detach: (client: ServerClient, id: string) => client.call('detachModule', { params: { id } }),
  },
] as const

/** Two teams side by side, and an integration of each. */
async function setUp(database: TestDatabase) {
  const server = await startTestServer(database)
  await createSpaces(server, 'root/one', 'root/two', 'root/one/+below')
  for (const spaceId of ['one', 'two']) {
    await server.root.call('createIntegration', {
      body: { name: `vcs-${spaceId}`, spaceId, apiHost: 'https://bitbucket.invalid', accessToken: 'a-token' },
    })
  }
  const as = async (role: 'reader' | 'writer' | 'admin', spaceId: string) =>
    server.client(await createAccount(server, { role, spaceId }))
  return { server, root: server.root, as }
}

function suite(database: TestDatabase): void {
  test.for(kinds)('R27 S21 a $kind is read by Readers, changed by Admins, and hidden from others', async (of) => {
    const { root, as } = await setUp(database)
    await of.create(root, { name: 'Mine', branch: 'main', spaceId: 'one' })
    const [reader, writer, admin, stranger] = [
      await as('reader', 'one'),
      await as('writer', 'one'),
      await as('admin', 'one'),
      await as('admin', 'two'),
    ]
    const place = { projectKey: 'INFRA', repositorySlug: 'network' }
    const writes = (client: ServerClient) => [
      of.create(client, { name: 'New', branch: 'main', spaceId: 'one' }),
      of.update(client, 'mine', { description: 'x' }),
      of.attach(client, 'mine', place),
      of.detach(client, 'mine'),
      of.remove(client, 'mine'),
    ]

    for (const client of [reader, writer]) {
      expect(await of.read(client, 'mine')).toMatchObject({ id: 'mine' })
      expect((await of.list(client, {})).items.map(({ id }) => id)).toEqual(['mine'])
      for (const write of writes(client))
        expect(await failureOf(write)).toMatchObject({ status: 403, code: 'forbidden' })
    }
    expect(await of.read(admin, 'mine')).toMatchObject({ description: '' })
    expect(await failureOf(of.create(stranger, { name: 'New', branch: 'main', spaceId: 'one' }))).toMatchObject({
      status: 404,
      code: 'space_not_found',
    })
    for (const ask of [
      () => of.read(stranger, 'mine'),
      () => of.update(stranger, 'mine', { description: 'x' }),
      () => of.attach(stranger, 'mine', place),
      () => of.detach(stranger, 'mine'),
      () => of.remove(stranger, 'mine'),
    ]) {
      expect(await failureOf(ask())).toMatchObject({
        status: 404,
        code: `${of.kind}_not_found`,
        detail: `There is no ${of.kind} with the id "mine".`,
      })
    }
    expect((await of.list(stranger, {})).items).toEqual([])
    expect(await of.list(stranger, { ids: 'mine' })).toMatchObject({ items: [], approximateCount: 0 })
    expect(await of.list(stranger, { spaceId: 'one' })).toEqual(await of.list(stranger, { spaceId: 'absent' }))
    expect(await of.list(stranger, { integrationId: 'vcs-one' })).toEqual(
      await of.list(stranger, { integrationId: 'absent' }),
    )
    expect(await of.update(admin, 'mine', { description: 'changed' })).toMatchObject({ description: 'changed' })
    await of.remove(admin, 'mine')
  })

  test.for(kinds)('R27 S20 a $kind moves only where its mover is an Admin of both spaces', async (of) => {
    const { server, root, as } = await setUp(database)
    await of.create(root, { name: 'Mine', branch: 'main', spaceId: 'one' })
    const [one, readsTwo, both] = [
      await as('admin', 'one'),
      server.client(await createAccount(server, { role: 'admin', spaceId: 'one' }, { role: 'reader', spaceId: 'two' })),
      server.client(await createAccount(server, { role: 'admin', spaceId: 'one' }, { role: 'admin', spaceId: 'two' })),
    ]

    const hidden = await failureOf(of.update(one, 'mine', { spaceId: 'two' }))
    const absent = await failureOf(of.update(one, 'mine', { spaceId: 'absent' }))
    const forbidden = await failureOf(of.update(readsTwo, 'mine', { spaceId: 'two' }))
    const moved = await of.update(both, 'mine', { spaceId: 'two' })

    expect(hidden).toMatchObject({ status: 404, code: 'space_not_found', errors: [{ pointer: '/spaceId' }] })
    expect(hidden.detail.replace('two', 'absent')).toBe(absent.detail)
    expect(forbidden).toMatchObject({ status: 403, code: 'forbidden' })
    expect(moved.spaceId).toBe('two')
  })

  test.for(kinds)('R22 R27 attaching a $kind needs an integration that one sees and its space may use', async (of) => {
    const { root, as } = await setUp(database)
    await of.create(root, { name: 'Mine', branch: 'main', spaceId: 'one' })
    const admin = await as('admin', 'one')
    const attach = (client: ServerClient, integrationId: string) =>
      failureOf(of.attach(client, 'mine', { integrationId, projectKey: 'INFRA', repositorySlug: 'network' } as never))

    const hidden = await attach(admin, 'vcs-two')
    const absent = await attach(admin, 'vcs-absent')
    const unusable = await attach(root, 'vcs-two')

    expect(hidden).toMatchObject({
      status: 404,
      code: 'integration_not_found',
      errors: [{ pointer: '/integrationId' }],
    })
    expect(hidden.detail.replace('vcs-two', 'vcs-absent')).toBe(absent.detail)
    expect(unusable).toMatchObject({ status: 422, code: 'integration_not_usable' })
  })

  test('R27 S21 runs follow their stack’s or module’s space, in lists, by id and by filter', async () => {
    const { server, root, as } = await setUp(database)
    const ids = new Map<string, string>()
    for (const of of kinds) {
      await of.create(root, { name: 'Mine', branch: 'main', spaceId: 'one' })
      ids.set(of.kind, await insertRun(server, of.kind, 'mine'))
    }
    const [reader, stranger] = [await as('reader', 'one'), await as('admin', 'two')]
    const listed = async (client: ServerClient, query: object) =>
      (await client.call('listRuns', { query })).items.map(({ id }) => id).sort()

    expect(await listed(reader, {})).toEqual([...ids.values()].sort())
    expect(await listed(reader, { stackId: 'mine' })).toEqual([ids.get('stack')])
    expect(await listed(reader, { moduleId: 'mine' })).toEqual([ids.get('module')])
    expect(await listed(stranger, {})).toEqual([])
    expect(await listed(stranger, { ids: [...ids.values()].join(',') })).toEqual([])
    for (const [kind, id] of ids) {
      expect(await reader.call('getRun', { params: { id } })).toMatchObject({ [`${kind}Id`]: 'mine' })
      const hidden = await failureOf(stranger.call('getRun', { params: { id } }))
      expect(hidden).toMatchObject({ code: 'run_not_found', status: 404 })
      const filtered = await failureOf(stranger.call('listRuns', { query: { [`${kind}Id`]: 'mine' } }))
      expect(filtered).toMatchObject({ code: `${kind}_not_found`, status: 404 })
    }
  })

  test('S27 deliveries are for Admins of the integration’s space, those of the default one for root admins', async () => {
    const { server, root, as } = await setUp(database)
    await root.call('createIntegration', {
      body: { name: 'vcs', isDefault: true, apiHost: 'https://bitbucket.invalid', accessToken: 'a-token' },
    })
    const [own, ofDefault] = [await insertDelivery(server, 'vcs-one'), await insertDelivery(server, 'vcs')]
    const [admin, reader, stranger] = [
      await as('admin', 'one'),
      server.client(
        await createAccount(server, { role: 'reader', spaceId: 'one' }, { role: 'admin', spaceId: 'below' }),
      ),
      await as('admin', 'two'),
    ]
    const list = (client: ServerClient, id: string) => client.call('listDeliveries', { params: { id }, query: {} })
    const read = (client: ServerClient, id: string) => client.call('getDelivery', { params: { id } })

    expect((await list(admin, 'vcs-one')).items).toMatchObject([{ id: own }])
    expect(await read(admin, own)).toMatchObject({ id: own, integrationId: 'vcs-one' })
    expect(await failureOf(list(reader, 'vcs-one'))).toMatchObject({ status: 403 })
    expect(await failureOf(list(stranger, 'vcs-one'))).toMatchObject({ status: 404, code: 'integration_not_found' })
    // Everybody sees that there is a default integration, and nobody but root admins what came in.
    expect(await failureOf(list(admin, 'vcs'))).toMatchObject({ status: 403 })
    for (const [client, id] of [
      [reader, own],
      [stranger, own],
      [admin, ofDefault],
    ] as const) {
      expect(await failureOf(read(client, id))).toMatchObject({ status: 404, code: 'delivery_not_found' })
    }
    expect((await list(root, 'vcs')).items).toMatchObject([{ id: ofDefault }])
  })

  test('R22 each visible integration is usable or not from a space, and the answer says why', async () => {
    const { server, root, as } = await setUp(database)
    await createSpaces(server, 'root/one/closed', 'root/one/closed/+inner')
    await root.call('createIntegration', {
      body: { name: 'vcs', isDefault: true, apiHost: 'https://bitbucket.invalid', accessToken: 'a-token' },
    })
    const admin = await as('admin', 'one')
    const asked = async (client: ServerClient, id: string) => {
      const { items } = await client.call('listUsableIntegrations', { params: { id }, query: {} })
      return items.map(({ integrationId, isUsable, reason, path }) => ({ integrationId, isUsable, reason, path }))
    }
    const byDefault = { integrationId: 'vcs', isUsable: true, reason: 'default' }

    expect(await asked(admin, 'one')).toEqual([
      { ...byDefault, path: ['one'] },
      { integrationId: 'vcs-one', isUsable: true, reason: 'same_space', path: ['one'] },
    ])
    expect(await asked(admin, 'below')).toEqual([
      { ...byDefault, path: ['below'] },
      { integrationId: 'vcs-one', isUsable: true, reason: 'inherited', path: ['below', 'one'] },
    ])
    expect(await asked(admin, 'inner')).toEqual([
      { ...byDefault, path: ['inner'] },
      { integrationId: 'vcs-one', isUsable: false, reason: 'blocked', path: ['inner', 'closed'] },
    ])
    expect((await asked(root, 'one')).at(-1)).toEqual({
      integrationId: 'vcs-two',
      isUsable: false,
      reason: 'elsewhere',
      path: ['one'],
    })
    const { items } = await admin.call('listUsableIntegrations', { params: { id: 'inner' }, query: {} })
    expect(items.at(-1)?.why).toBe('It lives in "one" above, but "closed" does not inherit from its parent.')
    expect(await failureOf(asked(admin, 'two'))).toMatchObject({ status: 404, code: 'space_not_found' })
  })
}

async function insertRun({ db }: TestServer, kind: 'stack' | 'module', slug: string): Promise<string> {
  const id = uuidv7(Date.now())
  const stack = await db
    .selectFrom('stack')
    .select('id')
    .where('kind', '=', kind)
    .where('slug', '=', slug)
    .executeTakeFirstOrThrow()
  await db
    .insertInto('run')
    .values({
      id,
      integration_id: uuidv7(Date.now()),
      stack_id: stack.id,
      type: 'PROPOSED',
      state: 'READY',
      state_reason: null,
      commit_sha: 'a'.repeat(40),
      branch: 'b',
      run_key: null,
      delivery_id: null,
      created_at: 1,
      updated_at: 1,
    })
    .execute()
  return id
}

async function insertDelivery({ db }: TestServer, integration: string): Promise<string> {
  const id = uuidv7(Date.now())
  const row = await db.selectFrom('integration').select('id').where('slug', '=', integration).executeTakeFirstOrThrow()
  await db
    .insertInto('delivery')
    .values({
      id,
      integration_id: row.id,
      request_id: 'a',
      event_key: 'repo:refs_changed',
      headers: '{}',
      received_at: Date.now(),
      size: 2,
      secret_version: 1,
      body_digest: 'a',
      body: Buffer.from('{}'),
      state: 'processed',
      lease_until: null,
      not_before: 0,
      attempts: 1,
      verdict: 'ignored',
      reason: 'event',
      detail: null,
      processed_at: 1,
    })
    .execute()
  return id
}
