import { describe, expect, test } from 'vitest'
import type { ServerClient } from '../../../clients/server/client.ts'
import { databases } from '../../support/databases.ts'
import { failureOf } from '../../support/failure-of.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { sendPush } from '../../support/signed-push.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('R102 a pool is created, listed, changed and deleted', async () => {
      const { root } = await startTestServer(database)
      await root.call('createSpace', { body: { name: 'Team' } })
      const given = { name: 'berlin', spaceId: 'team', labels: ['b', 'a'], description: 'In **Berlin**.' }

      const created = await root.call('createVcsAgentPool', { body: given })
      const changed = await root.call('updateVcsAgentPool', {
        params: { id: 'berlin' },
        body: { name: 'berlin', labels: [], description: '' },
      })
      const { items } = await root.call('listVcsAgentPools', { query: { spaceId: 'team' } })
      await root.call('deleteVcsAgentPool', { params: { id: 'berlin' } })

      expect(created).toMatchObject({ ...given, id: 'berlin', status: 'no_agent' })
      expect(changed).toMatchObject({ labels: [], description: '', spaceId: 'team' })
      expect(items).toEqual([changed])
      expect(await failureOf(root.call('getVcsAgentPool', { params: { id: 'berlin' } }))).toMatchObject({
        code: 'vcs_agent_pool_not_found',
        status: 404,
      })
    })

    test('R102 its name is unique in the account, and stays', async () => {
      const { root } = await startTestServer(database)
      await root.call('createSpace', { body: { name: 'Team' } })
      await root.call('createVcsAgentPool', { body: { name: 'berlin', spaceId: 'team' } })
      const create = (name: string) => failureOf(root.call('createVcsAgentPool', { body: { name } }))
      const rename = () => root.call('updateVcsAgentPool', { params: { id: 'berlin' }, body: { name: 'paris' } })

      expect(await create('berlin')).toMatchObject({ code: 'name_taken', status: 409 })
      expect((await create('berlin')).detail).not.toContain('team')
      expect(await failureOf(rename())).toMatchObject({ code: 'name_immutable', errors: [{ pointer: '/name' }] })
      for (const name of ['Berlin', '-a', 'a_b', 'a.b', 'a'.repeat(64), '']) {
        expect(await create(name), name).toMatchObject({ status: 422, errors: [{ pointer: '/name' }] })
      }
    })

    test('R102 private://pool[/path] names a pool that the integration’s space may use; another is refused', async () => {
      const { root } = await startTestServer(database)
      await root.call('createSpace', { body: { name: 'Parent' } })
      await root.call('createSpace', { body: { name: 'Child', parentId: 'parent', inheritEntities: true } })
      await root.call('createSpace', { body: { name: 'Other' } })
      await root.call('createVcsAgentPool', { body: { name: 'berlin', spaceId: 'parent' } })
      const create = (name: string, spaceId: string, apiHost: string) => createPrivate(root, { name, spaceId, apiHost })

      expect(await create('A', 'parent', 'private://berlin')).toMatchObject({ apiHost: 'private://berlin' })
      expect(await create('B', 'child', 'private://berlin/context/path')).toMatchObject({ spaceId: 'child' })
      for (const [spaceId, host] of [
        ['other', 'private://berlin'],
        ['root', 'private://berlin'],
        ['parent', 'private://paris'],
        ['parent', 'private://Berlin'],
        ['parent', 'private://berlin/'],
        ['parent', 'private://berlin?x=1'],
        ['parent', 'private://user@berlin'],
        ['parent', 'private://berlin:80'],
      ] as const) {
        expect(await failureOf(create('C', spaceId, host)), host).toMatchObject({
          status: 422,
          errors: [{ pointer: '/apiHost' }],
        })
      }
      expect(await failureOf(root.call('updateIntegration', move('a', 'other')))).toMatchObject({
        status: 422,
        errors: [{ pointer: '/apiHost' }],
      })
    })

    test('R19 a private host needs an address for people, and has no certificates here', async () => {
      const { root } = await startTestServer(database)
      await root.call('createVcsAgentPool', { body: { name: 'berlin' } })

      const alone = () => createPrivate(root, { userFacingHost: null })
      const withCertificates = () => createPrivate(root, { caCertPem: '-----BEGIN CERTIFICATE-----\nx' })

      expect(await failureOf(alone())).toMatchObject({ status: 422, errors: [{ pointer: '/userFacingHost' }] })
      expect(await failureOf(withCertificates())).toMatchObject({ status: 422, errors: [{ pointer: '/caCertPem' }] })
    })

    test('R102 a pool that an integration uses is neither deleted nor moved away from it', async () => {
      const { root } = await startTestServer(database)
      await root.call('createSpace', { body: { name: 'Other' } })
      await root.call('createVcsAgentPool', { body: { name: 'berlin' } })
      await createPrivate(root, {})
      const gone = () => root.call('deleteVcsAgentPool', { params: { id: 'berlin' } })
      const moved = () => root.call('updateVcsAgentPool', { params: { id: 'berlin' }, body: { spaceId: 'other' } })

      for (const failure of [await failureOf(gone()), await failureOf(moved())]) {
        expect(failure).toMatchObject({ code: 'vcs_agent_pool_in_use', status: 409 })
        expect(failure.detail).toContain('"vcs"')
      }
      await root.call('deleteIntegration', { params: { id: 'vcs' }, query: {} })
      await root.call('deleteVcsAgentPool', { params: { id: 'berlin' } })
    })

    test('S28 a pool that was created again under its name is another place', async () => {
      const server = await startTestServer(database)
      const { root } = server
      await root.call('createVcsAgentPool', { body: { name: 'berlin' } })
      await createPrivate(root, { administrationToken: 'admin-token' })
      // What a restored database or another process could leave behind: the API refuses to delete a used pool.
      await server.db.deleteFrom('vcs_agent_pool').execute()
      await root.call('createVcsAgentPool', { body: { name: 'berlin' } })
      const save = (fields: object) =>
        root.call('updateIntegration', {
          params: { id: 'vcs' },
          query: {},
          body: { apiHost: 'private://berlin', ...fields },
        })

      for (const fields of [{}, { accessToken: 'again' }, { administrationToken: null }]) {
        expect(await failureOf(save(fields))).toMatchObject({
          code: 'token_required',
          errors: [{ pointer: '/apiHost' }],
        })
      }
      await save({ accessToken: 'again', administrationToken: 'again' })
    })

    test('R102 a call through a pool without agents is a 503 at once, and saves unverified where that is accepted', async () => {
      const { root } = await startTestServer(database)
      await root.call('createVcsAgentPool', { body: { name: 'berlin' } })
      await createPrivate(root, {})
      const body = {
        name: 'S',
        branch: 'main',
        repository: { integrationId: 'vcs', projectKey: 'P', repositorySlug: 'r' },
      }
      const startedAt = Date.now()

      const failure = await failureOf(root.call('createStack', { query: {}, body }))
      const took = Date.now() - startedAt
      const saved = await root.call('createStack', { query: { skipVerification: 'true' }, body })

      expect(failure).toMatchObject({ code: 'vcs_agent_unavailable', status: 503 })
      expect(took).toBeLessThan(2_000)
      expect(saved.attachment).toMatchObject({ repositoryId: null })
    })

    test('R102 R46 a delivery through a pool without agents waits, as for any Bitbucket that does not answer', async () => {
      const server = await startTestServer(database)
      await server.root.call('createVcsAgentPool', { body: { name: 'berlin' } })
      await createPrivate(server.root, {})
      const repository = { integrationId: 'vcs', projectKey: 'P', repositorySlug: 'r' }
      const body = { name: 'S', branch: 'main', repository }
      await server.root.call('createStack', { query: { skipVerification: 'true' }, body })
      await sendPush(server, 'vcs', { id: 1, key: 'P', slug: 'r' }, [
        { branch: 'main', from: null, to: 'a'.repeat(40) },
      ])

      const delivery = () => server.db.selectFrom('delivery').selectAll().executeTakeFirstOrThrow()
      await expect.poll(async () => (await delivery()).attempts, { timeout: 10_000 }).toBeGreaterThan(0)
      await expect.poll(async () => (await delivery()).not_before, { timeout: 10_000 }).toBeGreaterThan(0)

      expect(await delivery()).toMatchObject({ state: 'queued', verdict: null })
      expect((await server.root.call('getStack', { params: { id: 's' } })).detached).toBeNull()
    })

    test('R26 pools are seen in their space, and changed by its Admins', async () => {
      const server = await startTestServer(database)
      const { root } = server
      for (const name of ['Team', 'Other']) await root.call('createSpace', { body: { name } })
      for (const name of ['team', 'other']) await root.call('createVcsAgentPool', { body: { name, spaceId: name } })
      const admin = await clientOf(server, 'admin', 'team')
      const reader = await clientOf(server, 'reader', 'team')
      const change = (client: ServerClient, id: string) =>
        client.call('updateVcsAgentPool', { params: { id }, body: { description: 'x' } })

      expect((await reader.call('listVcsAgentPools', { query: {} })).items.map(({ id }) => id)).toEqual(['team'])
      expect(await failureOf(reader.call('getVcsAgentPool', { params: { id: 'other' } }))).toMatchObject({
        status: 404,
      })
      expect(await failureOf(change(reader, 'team'))).toMatchObject({ code: 'forbidden', status: 403 })
      expect(await failureOf(change(admin, 'other'))).toMatchObject({ code: 'vcs_agent_pool_not_found', status: 404 })
      expect(await change(admin, 'team')).toMatchObject({ description: 'x' })
      expect(
        await failureOf(admin.call('createVcsAgentPool', { body: { name: 'mine', spaceId: 'other' } })),
      ).toMatchObject({ code: 'space_not_found', errors: [{ pointer: '/spaceId' }] })
      expect(
        await failureOf(admin.call('updateVcsAgentPool', { params: { id: 'team' }, body: { spaceId: 'other' } })),
      ).toMatchObject({ code: 'space_not_found' })
    })
  })
}

function createPrivate(root: ServerClient, fields: Record<string, unknown>) {
  const body = {
    name: 'VCS',
    apiHost: 'private://berlin',
    userFacingHost: 'https://bitbucket.example.com',
    accessToken: 'a-token',
    ...fields,
  }
  return root.call('createIntegration', { body })
}

function move(id: string, spaceId: string) {
  return { params: { id }, query: {}, body: { spaceId } }
}

async function clientOf(server: TestServer, role: 'admin' | 'reader', spaceId: string): Promise<ServerClient> {
  const key = await server.root.call('createApiKey', { body: { name: `${role} ${spaceId}`, role, spaceId } })
  return server.client({ keyId: key.id, keySecret: key.secret })
}
