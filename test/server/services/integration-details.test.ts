import { describe, expect, test } from 'vitest'
import type { ServerClient } from '../../../clients/server/client.ts'
import { databases } from '../../support/databases.ts'
import { failureOf } from '../../support/failure-of.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('R26 details tell an Admin what to enter in Bitbucket, and who looked', async () => {
      const server = await startTestServer(database)
      const { root } = server
      await create(root, {})
      const read = () => root.call('readIntegrationDetails', { params: { id: 'vcs' } })

      await root.call('updateIntegration', { params: { id: 'vcs' }, query: {}, body: { description: 'x' } })
      await read()
      const details = await read()

      const credentials = await root.call('readWebhookCredentials', { params: { id: 'vcs' } })
      expect(details).toMatchObject({
        webhookUrl: 'http://mooring.test/webhooks/bitbucket-datacenter/vcs',
        webhookSecret: credentials.secret,
        secretVersion: 1,
      })
      expect(details.webhookEvents.map(({ label }) => label)).toEqual([
        'Repository > Push',
        'Pull Request > Opened',
        'Pull Request > Source branch updated',
        'Pull Request > Modified',
        'Pull Request > Approved',
        'Pull Request > Unapproved',
        'Pull Request > Merged',
        'Pull Request > Comment added',
      ])
      const line = (action: string) => ({
        at: expect.any(String),
        actor: `key:${server.rootKey.keyId}`,
        keyName: 'test root',
        action,
      })
      expect(details.history).toEqual(
        ['webhook_secret.reveal', 'webhook_secret.reveal', 'integration.update', 'integration.create'].map(line),
      )
    })

    test('R26 they are for Admins of the integration’s space, of the default one for root Admins', async () => {
      const server = await startTestServer(database)
      for (const name of ['Team', 'Other']) await server.root.call('createSpace', { body: { name } })
      await create(server.root, { name: 'Default', isDefault: true })
      for (const spaceId of ['team', 'other']) await create(server.root, { name: spaceId, spaceId })
      const read = (client: ServerClient, id: string) => client.call('readIntegrationDetails', { params: { id } })
      const admin = await clientOf(server, 'admin', 'team')
      const reader = await clientOf(server, 'reader', 'team')
      const registrar = await server.registrar('team')

      expect((await read(admin, 'team')).webhookSecret).toMatch(/^[\w-]{43}$/)
      expect(await failureOf(read(admin, 'default'))).toMatchObject({ status: 403 })
      expect(await failureOf(read(admin, 'other'))).toMatchObject({ code: 'integration_not_found', status: 404 })
      expect(await failureOf(read(reader, 'team'))).toMatchObject({ status: 403 })
      expect(await failureOf(read(registrar, 'team'))).toMatchObject({ status: 403 })
    })

    test('R9 the history is of this integration, not of another that had its name before', async () => {
      const server = await startTestServer(database)
      await create(server.root, {})
      await server.root.call('readIntegrationDetails', { params: { id: 'vcs' } })
      await server.root.call('deleteIntegration', { params: { id: 'vcs' }, query: {} })
      await new Promise((resolve) => setTimeout(resolve, 5))
      await create(server.root, {})

      const { history } = await server.root.call('readIntegrationDetails', { params: { id: 'vcs' } })

      expect(history.map(({ action }) => action)).toEqual(['webhook_secret.reveal', 'integration.create'])
    })

    test('S70 where the look cannot be recorded, nothing is shown', async () => {
      const server = await startTestServer(database)
      await create(server.root, {})
      await server.db.schema.alterTable('audit').renameTo('audit_away').execute()

      const answer = await server.request('GET', '/api/v1/integrations/vcs/details')

      expect(answer.status).toBe(500)
      expect(await answer.text()).not.toContain('ecret"')
    })
  })
}

function create(client: ServerClient, fields: Record<string, unknown>) {
  const body = { name: 'VCS', apiHost: 'https://bitbucket.example.com', accessToken: 'a-token', ...fields }
  return client.call('createIntegration', { body })
}

async function clientOf(server: TestServer, role: 'admin' | 'reader', spaceId: string): Promise<ServerClient> {
  const key = await server.root.call('createApiKey', { body: { name: `${role} ${spaceId}`, role, spaceId } })
  return server.client({ keyId: key.id, keySecret: key.secret })
}
