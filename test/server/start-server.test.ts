import { describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { startTestServer } from '../support/server.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('R200 answers version, revision and capabilities without a token', async () => {
      const server = await startTestServer(database)

      const meta = await server.client().call('getMeta', {})

      expect(meta).toMatchObject({ apiRevision: 1, publicUrl: 'http://mooring.test' })
      expect(meta.capabilities).toContain('webhook-targets')
    })

    test('R1 R3 creates an integration whose endpoint ends in its slug', async () => {
      const server = await startTestServer(database)

      const integration = await server.root.call('createIntegration', {
        body: { name: 'Our Bitbucket', apiHost: 'https://bitbucket.example.com', accessToken: 'a token' },
      })

      expect(integration).toMatchObject({
        id: 'our-bitbucket',
        userFacingHost: 'https://bitbucket.example.com',
        webhookUrl: 'http://mooring.test/webhooks/bitbucket-datacenter/our-bitbucket',
      })
    })
  })
}
