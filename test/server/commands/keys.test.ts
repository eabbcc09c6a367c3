import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createServerClient } from '../../../clients/server/client.ts'
import { openUndiciTransport } from '../../../clients/transport-undici.ts'
import { createSealer, sealingKeyId } from '../../../server/core/sealer.ts'
import { openSealer } from '../../../server/encryption-key.ts'
import { countKeys } from '../../../server/services/reseal.ts'
import { openAuditKey } from '../../../server/store/audit-key.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { insertSealedIntegrations } from '../../support/sealed-rows.ts'
import { runServerCommand, startServerCommand } from '../../support/server-command.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'
import { startServerProcess } from '../../support/server-process.ts'

const integrations = 800

async function openScene(database: TestDatabase) {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-keys-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const databaseUrl = await openTestDatabaseUrl(database)
  const db = connectTestDatabase(databaseUrl)
  const [oldKey, newKey] = [randomBytes(32), randomBytes(32)]
  const before = await openSealer(db, { current: oldKey, old: [] })
  await openAuditKey(db, before)
  await insertSealedIntegrations(db, before, integrations)
  const bootstrap = { id: randomUUID(), secret: randomBytes(32).toString('base64url') }
  const env = {
    MOORING_DATABASE_URL: databaseUrl,
    MOORING_ENCRYPTION_KEY: newKey.toString('base64'),
    MOORING_OLD_ENCRYPTION_KEYS: oldKey.toString('base64'),
    MOORING_BOOTSTRAP_KEY: `${bootstrap.id}:${bootstrap.secret}`,
    MOORING_PUBLIC_URL: 'http://mooring.test',
  }
  return { db, oldKey, newKey, env, folder, bootstrap }
}

/** Sends a signed delivery, and gives the answer's status. */
async function deliver(url: string, n: number, secret = `secret ${n}`): Promise<number> {
  const body = JSON.stringify({ eventKey: 'repo:refs_changed', changes: [], n: randomUUID() })
  const answer = await fetch(`${url}/webhooks/bitbucket-datacenter/vcs-${n}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-event-key': 'repo:refs_changed',
      'x-request-id': randomUUID(),
      'x-hub-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    body,
  })
  await answer.arrayBuffer()
  return answer.status
}

for (const database of databases) {
  describe(database.name, () => {
    test('S43 keys rotate under load, killed in the middle and started again, leaves nothing on the old key', {
      timeout: 60_000,
    }, async () => {
      const { db, oldKey, newKey, env, folder, bootstrap } = await openScene(database)
      const server = startServerProcess(env, folder)
      const url = await server.listening()
      const transport = openUndiciTransport({})
      onTestFinished(() => transport.close())
      const clientOf = (keyId: string, keySecret: string) =>
        createServerClient(transport.send, { endpoint: url, now: Date.now, credentials: { keyId, keySecret } })
      const body = { name: 'root', role: 'admin' as const }
      const rootKey = await clientOf(bootstrap.id, bootstrap.secret).call('createApiKey', { body })
      const root = clientOf(rootKey.id, rootKey.secret)

      // The load: descriptions and tokens change, secrets are read, deliveries arrive, until all is rotated.
      let isLoading = true
      const statuses: number[] = []
      const failures: unknown[] = []
      const tokens = new Map<string, string>()
      const load = async (worker: number) => {
        for (let round = 0; isLoading; round += 1) {
          const n = (worker * 200 + round * 7) % integrations
          const id = `vcs-${n}`
          try {
            await root.call('updateIntegration', { params: { id }, query: {}, body: { description: `${round}` } })
            const accessToken = `fresh-${worker}-${round}`
            await root.call('updateIntegration', { params: { id }, query: {}, body: { accessToken } })
            tokens.set(id, accessToken)
            statuses.push(await deliver(url, n))
          } catch (error) {
            failures.push(error)
          }
        }
      }
      const loading = Promise.all([0, 1, 2].map(load))

      const killed = startServerCommand(['keys', 'rotate'], env)
      await killed.spoke
      await sleep(30)
      killed.child.kill('SIGKILL')
      await killed.ended
      const halfway = await countKeys(db)
      const resumed = await runServerCommand(['keys', 'rotate'], env)
      const list = await runServerCommand(['keys', 'list'], env)
      const audit = await runServerCommand(['audit', 'verify'], env)
      isLoading = false
      await loading

      const valuesOf = (counts: typeof halfway, key: Buffer) =>
        [...(counts.get(sealingKeyId(key))?.values() ?? [])].reduce((sum, count) => sum + count, 0)
      expect(valuesOf(halfway, newKey)).toBeGreaterThan(0)
      expect(valuesOf(halfway, oldKey)).toBeGreaterThan(0)
      expect(resumed.stdout).toContain(`The old key may go (${sealingKeyId(oldKey)})`)
      expect(resumed.code).toBe(0)
      expect([...(await countKeys(db)).keys()]).toEqual([sealingKeyId(newKey)])
      expect(list.stdout).toMatch(new RegExp(`${sealingKeyId(newKey)} +current +${integrations * 2 + 2} `))
      expect(list.stdout).toMatch(new RegExp(`${sealingKeyId(oldKey)} +old +0 `))
      expect(audit).toMatchObject({ code: 0 })
      expect(failures).toEqual([])
      expect(statuses.length).toBeGreaterThan(10)
      expect(new Set(statuses)).toEqual(new Set([202]))

      // No change was lost: each token is the one that was sent last.
      const newest = createSealer({ current: newKey, old: [] })
      const rows = await db.selectFrom('integration').select(['id', 'slug', 'access_token']).execute()
      for (const { id, slug, access_token } of rows) {
        const opened = newest.open({ table: 'integration', id, column: 'access_token' }, access_token)
        expect(opened).toBe(tokens.get(slug) ?? `token ${slug.slice(4)}`)
      }

      // The old key is gone: a server that never heard of it serves as before.
      server.child.kill('SIGTERM')
      expect(await server.ended()).toBe(0)
      const after = startServerProcess({ ...env, MOORING_OLD_ENCRYPTION_KEYS: '' }, folder)
      expect(await deliver(await after.listening(), 3)).toBe(202)
    })

    test('S43 keys rotate says which key is wanted when it is not given', async () => {
      const { oldKey, env } = await openScene(database)

      const outcome = await runServerCommand(['keys', 'rotate'], { ...env, MOORING_OLD_ENCRYPTION_KEYS: '' })

      expect(outcome).toMatchObject({ code: 1, stdout: '' })
      expect(outcome.stderr).toContain(sealingKeyId(oldKey))
    })
  })
}
