import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createSealer, UnsealError } from '../../../server/core/sealer.ts'
import { createSecretAttempts, watchSealer } from '../../../server/services/secret-attempts.ts'
import { isPostgres } from '../../../server/store/dialect/kind.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases } from '../../support/databases.ts'
import { openTestServer, startTestServer } from '../../support/server.ts'
import { openTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'

const clock = { now: () => 1_700_000_000_000 }

async function listRefusals(db: Database) {
  const rows = await db
    .selectFrom('audit')
    .select(['actor', 'action', 'object', 'details'])
    .where('action', 'like', '%refuse%')
    .orderBy('sequence')
    .execute()
  return rows.map(({ details, ...row }) => ({ ...row, ...(JSON.parse(details) as object) }))
}

/** Lets the audit log take no row any more. */
async function refuseAudit(db: Database): Promise<void> {
  const refusal = isPostgres(db)
    ? 'for each row execute function audit_refuse()'
    : "begin select raise(abort, 'The disk is full.'); end"
  await sql.raw(`create trigger audit_no_insert before insert on audit ${refusal}`).execute(db)
}

for (const database of databases) {
  describe(database.name, () => {
    test('S70 refused attempts are recorded once a minute, each kind with its number', async () => {
      const db = await openTestDatabase(database)
      const attempts = createSecretAttempts(db, clock)
      const attempt = { actor: 'key:a', action: 'webhook_secret.refuse', object: 'integration:vcs', code: 'forbidden' }
      for (let round = 0; round < 5; round += 1) attempts.note(attempt)
      attempts.note({ ...attempt, object: 'integration:other' })

      await attempts.flush()
      await attempts.flush()
      attempts.note(attempt)
      await attempts.flush()

      expect(await listRefusals(db)).toEqual([
        { ...attempt, count: 5 },
        { ...attempt, object: 'integration:other', count: 1 },
        { ...attempt, count: 1 },
      ])
    })

    test('S70 strangers cannot fill the log: what goes beyond a few kinds is counted together', async () => {
      const db = await openTestDatabase(database)
      const attempts = createSecretAttempts(db, clock)
      for (let n = 0; n < 5_000; n += 1) {
        attempts.note({ actor: 'anonymous', action: 'token.refuse', object: `api_key:${n}`, code: 'invalid_api_key' })
        attempts.note({
          actor: `key:${n}`,
          action: 'webhook_secret.refuse',
          object: 'integration:a',
          code: 'forbidden',
        })
      }

      await attempts.flush()

      const rows = await listRefusals(db)
      expect(rows.length).toBeLessThan(110)
      const counted = rows.reduce((sum, row) => sum + ('count' in row ? Number(row.count) : 0), 0)
      expect(counted).toBe(10_000)
    })

    test('S70 what could not be recorded is recorded later', async () => {
      const db = await openTestDatabase(database)
      const attempts = createSecretAttempts(db, clock)
      attempts.note({ actor: 'key:a', action: 'webhook_secret.refuse', object: 'integration:a', code: 'forbidden' })
      await db.schema.alterTable('audit_head').renameTo('audit_head_away').execute()
      await expect(attempts.flush()).rejects.toThrow()
      await db.schema.alterTable('audit_head_away').renameTo('audit_head').execute()

      await attempts.flush()

      expect(await listRefusals(db)).toMatchObject([{ object: 'integration:a', count: 1 }])
    })

    test('S41 a sealed value that does not open is recorded, with its place and without the value', async () => {
      const db = await openTestDatabase(database)
      const attempts = createSecretAttempts(db, clock)
      const sealer = watchSealer(createSealer({ current: randomBytes(32), old: [] }), attempts)
      const place = { table: 'integration', id: 'a', column: 'access_token' }
      const sealed = sealer.seal(place, 'the token')

      expect(() => sealer.open({ ...place, id: 'b' }, sealed)).toThrow(UnsealError)
      expect(sealer.open(place, sealed)).toBe('the token')
      await attempts.flush()

      expect(await listRefusals(db)).toEqual([
        { actor: 'server', action: 'sealed_value.refuse', object: 'integration:b', code: 'access_token', count: 1 },
      ])
    })

    test('S70 the server records who was refused a secret', async () => {
      const url = await openTestDatabaseUrl(database)
      const server = await openTestServer(url)
      const body = { name: 'VCS', apiHost: 'https://bitbucket.example.com', accessToken: 'token' }
      await server.root.call('createIntegration', { body })
      await server.root.call('createSpace', { body: { name: 'Team' } })
      const registrar = await server.registrar('team')
      const path = '/api/v1/integrations/vcs/webhook-credentials'

      await expect(registrar.call('readWebhookCredentials', { params: { id: 'vcs' } })).rejects.toThrow()
      await server.request('GET', path, { token: null })
      await server.request('GET', path, { token: null })
      await server.request('POST', '/api/v1/token', {
        token: null,
        body: { keyId: server.rootKey.keyId, keySecret: 'wrong' },
      })
      await server.request('POST', '/api/v1/token', { token: null, body: { keyId: 'Pasted secret', keySecret: 'x' } })
      await server.request('GET', '/api/v1/integrations/nope', {})
      const { db } = server
      await server.close()

      const refusals = await listRefusals(db)
      expect(refusals).toHaveLength(4)
      const expected = [
        { actor: expect.stringMatching(/^key:/), action: 'webhook_secret.refuse', object: 'integration:vcs', count: 1 },
        { actor: 'anonymous', action: 'webhook_secret.refuse', object: 'integration:vcs', count: 2 },
        { actor: 'anonymous', action: 'token.refuse', object: `api_key:${server.rootKey.keyId}`, count: 1 },
        { actor: 'anonymous', action: 'token.refuse', object: 'api_key:?', count: 1 },
      ]
      expect(refusals).toEqual(expected.map((row) => expect.objectContaining(row)))
    })

    test('S70 a secret does not leave when its reading cannot be recorded, and nothing is changed', async () => {
      const { root, request, db } = await startTestServer(database)
      const body = { name: 'VCS', apiHost: 'https://bitbucket.example.com', accessToken: 'token' }
      await root.call('createIntegration', { body })
      const { secret } = await root.call('readWebhookCredentials', { params: { id: 'vcs' } })
      const before = await db.selectFrom('integration').selectAll().execute()
      await refuseAudit(db)

      const answers = await Promise.all([
        request('GET', '/api/v1/integrations/vcs/webhook-credentials'),
        request('GET', '/api/v1/webhook-targets'),
        request('PATCH', '/api/v1/integrations/vcs', { body: { description: 'changed' } }),
        request('DELETE', '/api/v1/integrations/vcs'),
        request('POST', '/api/v1/spaces', { body: { name: 'Unrecorded' } }),
        request('POST', '/api/v1/api-keys', { body: { name: 'Unrecorded', role: 'admin' } }),
      ])

      const [, targets, ...changes] = answers
      expect(answers[0]?.status).toBe(500)
      expect(changes.map(({ status }) => status)).toEqual(changes.map(() => 500))
      expect(targets?.status).toBe(200) // there are none, so nothing is read
      for (const answer of answers) expect(await answer.text()).not.toContain(secret)
      expect(await db.selectFrom('integration').selectAll().execute()).toEqual(before)
      expect(await db.selectFrom('space').select('id').execute()).toEqual([{ id: 'root' }])
      expect(await db.selectFrom('api_key').select('id').where('name', '=', 'Unrecorded').execute()).toEqual([])
    })
  })
}
