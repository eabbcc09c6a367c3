import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { webhookPathPrefix } from '../../../schemas/rules/webhook-path.ts'
import { databases } from '../../support/databases.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('S13 R39 requests that name nobody are limited by address, and those with a token never', async () => {
      const server = await startTestServer(database)
      const token = await server.token()
      const ask = async (bearer: string | null) =>
        (await server.request('GET', '/api/v1/spaces', { token: bearer })).status

      const strangers = await Promise.all(Array.from({ length: 200 }, () => ask(null)))
      const known = await Promise.all(Array.from({ length: 200 }, () => ask(token)))
      const more = await Promise.all(
        Array.from({ length: 60 }, () => server.request('GET', '/api/v1/spaces', { token: 'no token' })),
      )

      expect(strangers.filter((status) => status === 401).length).toBeGreaterThanOrEqual(100)
      expect(strangers.filter((status) => status === 429).length).toBeGreaterThan(20)
      expect(new Set(known)).toEqual(new Set([200]))
      const refused = more.find(({ status }) => status === 429)
      expect(refused?.headers.get('retry-after')).toBe('1')
    })

    test('S13 S17 a right key is exchanged, however much the same address has used up', async () => {
      const server = await startTestServer(database)
      const wrong = { keyId: server.rootKey.keyId, keySecret: 'wrong' }
      const attempt = async (body: object) =>
        (await server.request('POST', '/api/v1/token', { token: null, body })).status

      const statuses = await Promise.all(Array.from({ length: 200 }, () => attempt(wrong)))
      // The right key comes among the strangers, of whom some are refused before it and some after.
      const stranger = async () => (await server.request('GET', '/api/v1/meta', { token: null })).status
      const strangers = () => Promise.all(Array.from({ length: 200 }, stranger))
      const [before, right, after] = await Promise.all([strangers(), attempt(server.rootKey), strangers()])

      expect(new Set(statuses)).toEqual(new Set([401, 429]))
      expect(before.concat(after)).toContain(429)
      expect(right).toBe(200)
    })

    test('S13 X-Forwarded-For is ignored unless it comes through a trusted proxy', async () => {
      const plain = await startTestServer(database)
      const behind = await startTestServer(database, { trustedProxies: ['127.0.0.0/8'] })
      const flood = async (server: TestServer) => {
        const from = async (address: string) => {
          const headers = { 'x-forwarded-for': address }
          return (await server.request('GET', '/api/v1/meta', { token: null, headers })).status
        }
        const times = (count: number, address: string) =>
          Promise.all(Array.from({ length: count }, () => from(address)))
        // At once: what is spent one after the other comes back meanwhile.
        const [same, other] = await Promise.all([times(400, '198.51.100.7'), times(40, '198.51.100.8')])
        return { same: same.includes(429), other: other.includes(429) }
      }

      expect(await flood(plain)).toEqual({ same: true, other: true })
      expect(await flood(behind)).toEqual({ same: true, other: false })
    })

    test('S13 beside a flood of strangers, to the API and to the receiver, no honest delivery is refused', async () => {
      const server = await startTestServer(database)
      await server.root.call('createIntegration', {
        body: { name: 'VCS', apiHost: 'https://bitbucket.example.com', accessToken: 'x' },
      })
      const { secret } = await server.root.call('readWebhookCredentials', { params: { id: 'vcs' } })
      let isOver = false
      const flood = async (send: () => Promise<Response>) => {
        while (!isOver) await (await send()).arrayBuffer()
      }
      const floods = [
        flood(() => server.request('GET', '/api/v1/spaces', { token: null })),
        flood(() => server.request('POST', '/api/v1/token', { token: null, body: { keyId: 'x', keySecret: 'x' } })),
        flood(() => server.request('POST', `${webhookPathPrefix}vcs`, { token: null, text: '{}' })),
        flood(() => server.request('POST', `${webhookPathPrefix}nothing`, { token: null, text: '{}' })),
      ]

      const honest: number[] = []
      for (let sent = 0; sent < 100; sent++) {
        honest.push((await deliver(server, secret, sent)).status)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      isOver = true
      await Promise.all(floods)

      expect(new Set(honest)).toEqual(new Set([202]))
    }, 30_000)
  })
}

function deliver(server: TestServer, secret: string, number: number): Promise<Response> {
  const text = JSON.stringify({ eventKey: 'repo:refs_changed', number })
  const signature = createHmac('sha256', secret).update(text).digest('hex')
  return server.request('POST', `${webhookPathPrefix}vcs`, {
    token: null,
    text,
    headers: {
      'x-hub-signature': `sha256=${signature}`,
      'x-event-key': 'repo:refs_changed',
      'x-request-id': `request-${number}`,
    },
  })
}
