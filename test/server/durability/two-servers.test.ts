import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createRootToken } from '../../../scripts/faults/root-token.ts'
import { type ServerChild, startServerChild } from '../../../scripts/faults/server-child.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases } from '../../support/databases.ts'
import { insertIntegration, sendWebhook } from '../../support/receiver.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'
import { startSilentBitbucket } from '../../support/silent-bitbucket.ts'

const postgres = databases.filter(({ name }) => name === 'postgres')

for (const database of postgres) {
  describe('two servers on one PostgreSQL', () => {
    async function openWorld() {
      const url = await openTestDatabaseUrl(database)
      const db = connectTestDatabase(url)
      const start = async (wrap: readonly string[] = []) => {
        const server = await startServerChild(url, wrap)
        onTestFinished(async () => {
          await server.end('SIGKILL')
        })
        return server
      }
      return { db, start }
    }

    test('R210 R35 both take and process deliveries, and each delivery is processed once', {
      timeout: 60_000,
    }, async () => {
      const { db, start } = await openWorld()
      const integration = await insertIntegration(db, 'acme')
      const servers = [await start(), await start()]
      const send = (number: number, server: ServerChild | undefined) =>
        sendWebhook(server?.url ?? '', integration, `{"number":${number}}`, { 'x-request-id': `request ${number}` })

      const numbers = Array.from({ length: 200 }, (_, index) => index)
      const first = await Promise.all(numbers.map((number) => send(number, servers[number % 2])))
      const again = await Promise.all(numbers.map((number) => send(number, servers[(number + 1) % 2])))

      expect(first.map(({ status }) => status)).toEqual(numbers.map(() => 202))
      expect(again.map(({ status }) => status)).toEqual(numbers.map(() => 200))
      await vi.waitUntil(async () => (await queued(db)) === 0, 20_000)
      const rows = await db.selectFrom('delivery').select(['request_id', 'attempts']).execute()
      expect(new Set(rows.map((row) => row.request_id)).size).toBe(200)
      expect(rows.filter(({ attempts }) => attempts !== 1)).toEqual([])
    })

    test('S16 a key that one server revoked is refused by the other within five seconds', {
      timeout: 60_000,
    }, async () => {
      const { start } = await openWorld()
      const [one, other] = [await start(), await start()]
      const token = await createRootToken(one.port)
      const call = (server: ServerChild, method: string, path: string, bearer: string, body?: object) =>
        fetch(`${server.url}/api/v1${path}`, {
          method,
          headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
          ...(body ? { body: JSON.stringify(body) } : {}),
        })
      const created = await call(one, 'POST', '/api-keys', token, { name: 'short-lived', role: 'reader' })
      const key = (await created.json()) as { id: string; secret: string }
      const signedIn = await call(one, 'POST', '/token', token, { keyId: key.id, keySecret: key.secret })
      const { token: short } = (await signedIn.json()) as { token: string }
      expect((await call(other, 'GET', '/spaces', short)).status).toBe(200)

      expect((await call(one, 'DELETE', `/api-keys/${key.id}`, token)).status).toBe(204)

      const revokedAt = performance.now()
      expect((await call(one, 'GET', '/spaces', short)).status).toBe(401)
      await vi.waitUntil(async () => (await call(other, 'GET', '/spaces', short)).status === 401, 6_000)
      expect(performance.now() - revokedAt).toBeLessThan(5_000)
    })

    test('R210 F14 what a killed server was working on is taken over by the other when its lease ends', {
      timeout: 60_000,
    }, async () => {
      const { db, start } = await openWorld()
      const bitbucket = await startSilentBitbucket(db)
      const first = await start(bitbucket.wrap)
      await bitbucket.push(first.url)
      await bitbucket.asked()
      await first.end('SIGKILL')

      await start(bitbucket.wrap)
      await sleep(2_500)
      const held = await bitbucket.delivery()
      await bitbucket.forgetStack()
      await db.updateTable('delivery').set({ lease_until: 1 }).execute() // as when a minute has passed

      expect(held).toMatchObject({ state: 'queued', attempts: 1 })
      await vi.waitUntil(async () => (await bitbucket.delivery()).state === 'processed', 10_000)
      expect(await bitbucket.delivery()).toMatchObject({ attempts: 2, verdict: 'ignored', reason: 'no_match' })
    })

    test('R208 what a stopped server was working on is taken over by the other at once', {
      timeout: 60_000,
    }, async () => {
      const { db, start } = await openWorld()
      const bitbucket = await startSilentBitbucket(db)
      const first = await start(bitbucket.wrap)
      await bitbucket.push(first.url)
      await bitbucket.asked()
      await start(bitbucket.wrap)
      await bitbucket.forgetStack()

      const code = await first.end('SIGTERM')

      expect(code).toBe(0)
      await vi.waitUntil(async () => (await bitbucket.delivery()).state === 'processed', 5_000)
      expect(await bitbucket.delivery()).toMatchObject({ attempts: 2, verdict: 'ignored', reason: 'no_match' })
    })
  })
}

async function queued(db: Database): Promise<number> {
  return (await db.selectFrom('delivery').select('id').where('state', '=', 'queued').execute()).length
}
