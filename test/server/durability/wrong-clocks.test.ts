import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createRootToken } from '../../../scripts/faults/root-token.ts'
import { type ServerChild, startServerChild } from '../../../scripts/faults/server-child.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { needs } from '../../support/left-out.ts'
import { insertIntegration, sendWebhook } from '../../support/receiver.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'
import { startSilentBitbucket } from '../../support/silent-bitbucket.ts'
import { createWrongClock } from '../../support/wrong-clock.ts'

const postgres = databases.filter(({ name }) => name === 'postgres')
/** The short form: those that reach furthest. */
const offsets = process.env.MOORING_TEST_LONG ? ['+1h', '-1h', '+10y', '-10y'] : ['+10y', '-10y']

needs('faketime')('servers whose clocks are wrong', () => {
  for (const database of postgres) {
    test('F15 two servers whose clocks are five minutes apart neither take each other’s work nor leave any', {
      timeout: 60_000,
    }, async () => {
      const { db, start } = await openWorld(database)
      const bitbucket = await startSilentBitbucket(db)
      const right = await start(bitbucket.wrap)
      await bitbucket.push(right.url)
      await bitbucket.asked()
      const early = await start([...bitbucket.wrap, ...createWrongClock('+5m').wrap])
      const other = await insertIntegration(db, 'acme')
      await sendWebhook(early.url, other, '{"of":"the future"}')

      await sleep(2_500)

      expect(await bitbucket.delivery()).toMatchObject({ state: 'queued', attempts: 1 })
      await vi.waitUntil(() => isProcessed(db, other.id), 5_000)
      expect(early.log()).toContain('more than a minute apart')
      expect(right.log()).not.toContain('more than a minute apart')
    })
  }

  for (const database of databases) {
    test.for(offsets)(
      `F15 on ${database.name} a clock that is off by %s and is then set right delays no delivery, and ids go on`,
      { timeout: 60_000 },
      async (offset) => {
        const { db, start } = await openWorld(database)
        const integration = await insertIntegration(db, 'acme')
        const clock = createWrongClock(offset)
        const server = await start(clock.wrap)
        const ids: string[] = []
        const deliver = async (number: number) => {
          const answer = await sendWebhook(server.url, integration, `{"number":${number}}`)
          ids.push((JSON.parse(answer.text) as { id: string }).id)
        }

        await deliver(1)
        await deliver(2)
        clock.set('+0')
        await deliver(3)
        await deliver(4)

        await vi.waitUntil(() => isProcessed(db, integration.id), 5_000)
        expect(ids).toEqual([...ids].sort())
        expect(new Set(ids).size).toBe(4)
      },
    )

    if (database.name === 'postgres') continue // the clock is the process's own on either

    test(`F15 on ${database.name} a key that has expired does not come back with a clock that is set back`, {
      timeout: 60_000,
    }, async () => {
      const { db, start } = await openWorld(database)
      const clock = createWrongClock('+0')
      const server = await start(clock.wrap)
      const root = await createRootToken(server.port)
      const expiresAt = new Date(Date.now() + 2_000).toISOString()
      const { id, secret } = await post(server, '/api-keys', { name: 'short', role: 'reader', expiresAt }, root)
      const { token } = await post(server, '/token', { keyId: id, keySecret: secret })
      const status = async () =>
        (await fetch(`${server.url}/api/v1/spaces`, { headers: { authorization: `Bearer ${token}` } })).status
      expect(await status()).toBe(200)
      await sleep(2_500)
      expect(await status()).toBe(401)

      clock.set('-2h')
      await post(server, '/api-keys', { name: 'later', role: 'reader' }, root)

      expect(await status()).toBe(401)
      const audit = await db.selectFrom('audit').select(['sequence', 'at']).orderBy('sequence').execute()
      expect(audit.map(({ at }) => at)).toEqual(audit.map(({ at }) => at).sort((one, other) => one - other))
    })
  }
})

async function openWorld(database: TestDatabase) {
  const url = await openTestDatabaseUrl(database)
  const db = connectTestDatabase(url)
  const start = async (wrap: readonly string[]): Promise<ServerChild> => {
    const server = await startServerChild(url, wrap)
    onTestFinished(async () => {
      await server.end('SIGKILL')
    })
    return server
  }
  return { db, start }
}

async function isProcessed(db: ReturnType<typeof connectTestDatabase>, integrationId: string): Promise<boolean> {
  const rows = await db.selectFrom('delivery').select('state').where('integration_id', '=', integrationId).execute()
  return rows.every(({ state }) => state === 'processed')
}

async function post({ url }: ServerChild, path: string, body: object, token?: string) {
  const response = await fetch(`${url}/api/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  })
  return (await response.json()) as { id: string; secret: string; token: string }
}
