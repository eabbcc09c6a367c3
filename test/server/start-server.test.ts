import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { apiRevision } from '../../schemas/meta.ts'
import { databases } from '../support/databases.ts'
import { startTestServer } from '../support/server.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('R200 answers version, revision and capabilities without a token', async () => {
      const server = await startTestServer(database)

      const meta = await server.client().call('getMeta', {})

      expect(meta).toMatchObject({ apiRevision, publicUrl: 'http://mooring.test' })
      expect(meta.capabilities).toContain('webhook-targets')
    })

    test('R1 R3 creates an integration whose endpoint ends in its slug', async () => {
      const server = await startTestServer(database)

      const integration = await server.root.call('createIntegration', {
        body: { name: 'Our Bitbucket', apiHost: 'https://bitbucket.example.com', accessToken: 'a-token' },
      })

      expect(integration).toMatchObject({
        id: 'our-bitbucket',
        userFacingHost: 'https://bitbucket.example.com',
        webhookUrl: 'http://mooring.test/webhooks/bitbucket-datacenter/our-bitbucket',
      })
    })

    test('R9 R34 a delivery is stored under the present secret, and refused under that of the integration before', async () => {
      const server = await startTestServer(database)
      const body = { name: 'VCS', apiHost: 'https://bitbucket.example.com', accessToken: 'a-token' }
      const deliver = async (secret: string) => {
        const text = JSON.stringify({ eventKey: 'repo:refs_changed', at: Math.random() })
        const answer = await fetch(`${server.url}/webhooks/bitbucket-datacenter/vcs`, {
          method: 'POST',
          headers: {
            'x-event-key': 'repo:refs_changed',
            'x-hub-signature': `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`,
          },
          body: text,
        })
        return answer.status
      }
      await server.root.call('createIntegration', { body })
      const before = await server.root.call('readWebhookCredentials', { params: { id: 'vcs' } })
      const first = await deliver(before.secret)

      await server.root.call('deleteIntegration', { params: { id: 'vcs' }, query: {} })
      const between = await deliver(before.secret)
      await server.root.call('createIntegration', { body })
      const after = await server.root.call('readWebhookCredentials', { params: { id: 'vcs' } })

      expect([first, between]).toEqual([202, 404])
      expect([await deliver(before.secret), await deliver(after.secret)]).toEqual([401, 202])
    })
  })
}
