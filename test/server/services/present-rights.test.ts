import { describe, expect, test } from 'vitest'
import { type OperationId, operations } from '../../../schemas/api.ts'
import { apiExamples } from '../../../schemas/api-examples.ts'
import type { Operation } from '../../../schemas/operation.ts'
import { uuidv7 } from '../../../server/core/uuid-v7.ts'
import type { Database } from '../../../server/store/tables.ts'
import { type Account, createAccount, createService, createSpaces } from '../../support/accounts.ts'
import { databases } from '../../support/databases.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

/** Requests that would change something, each with the id of what it changes. */
const requests: Partial<Record<OperationId, { readonly id?: string; readonly body?: object }>> = {
  createApiKey: { body: { name: 'made', role: 'admin' } },
  updateApiKey: { id: 'service', body: { name: 'changed' } },
  revokeApiKey: { id: 'service' },
  createUser: { body: { name: 'made' } },
  updateUser: { id: 'user', body: { name: 'changed' } },
  deleteUser: { id: 'user' },
  createSpace: { body: { name: 'made' } },
  updateSpace: { id: 'team', body: { name: 'changed' } },
  deleteSpace: { id: 'team' },
  createIntegration: { body: { name: 'made', apiHost: 'https://bitbucket.example.com', accessToken: 'x' } },
  updateIntegration: { id: 'vcs', body: { description: 'changed' } },
  deleteIntegration: { id: 'vcs' },
  createStack: { body: { name: 'made', branch: 'main' } },
  updateStack: { id: 'stack', body: { description: 'changed' } },
  deleteStack: { id: 'stack' },
  detachStack: { id: 'stack' },
  createVcsAgentPool: { body: { name: 'made' } },
  updateVcsAgentPool: { id: 'pool', body: { description: 'changed' } },
  deleteVcsAgentPool: { id: 'pool' },
  forgetRegistration: { id: 'registration' },
  readWebhookCredentials: { id: 'vcs' },
  readIntegrationDetails: { id: 'vcs' },
  listWebhookTargets: {},
}

/** They ask Bitbucket, or belong to a browser, so that what they do is no change of ours. */
const leftOut = new Set<OperationId>([
  'testIntegration',
  'testConnection',
  'deleteSession',
  'createSession',
  'createToken',
])

for (const database of databases) {
  describe(database.name, () => {
    test('S20 a right that was taken away during the request is not used, by any operation that writes or reveals', async () => {
      const server = await startTestServer(database)
      const wrong: string[] = []
      for (const id of Object.keys(operations) as OperationId[]) {
        const operation: Operation = operations[id]
        const example = apiExamples.find((other) => other.operation === id)
        const request = requests[id] ?? (operation.body ? { body: example?.body as object } : {})
        if ((operation.method === 'GET' && !requests[id]) || leftOut.has(id)) continue
        const admin = await createAccount(server, { role: 'admin', spaceId: 'root' })
        const ids = await makeObjects(server)
        const token = await server.token(admin)
        const path = operation.path.replace('{id}', ids[request.id ?? ''] ?? '00000000-0000-7000-8000-000000000000')
        const send = () =>
          server.request(operation.method, path, { token, ...(request.body ? { body: request.body } : {}) })
        // The server has read his roles, and believes what it knows for some seconds.
        expect((await server.request('GET', '/api/v1/me', { token })).status).toBe(200)
        await takeRoles(server.db, admin)
        const before = await stateOf(server.db)

        const answer = await send()

        const text = await answer.text()
        const isEmpty = answer.status === 200 && text.startsWith('{"items":[]')
        const isRefused = [401, 403, 404, 422].includes(answer.status) || isEmpty
        const isUnchanged = (await stateOf(server.db)) === before
        if (!isRefused || !isUnchanged)
          wrong.push(`${id}: ${answer.status}${isUnchanged ? '' : ', and something changed'}`)
        await removeObjects(server.db)
      }

      expect(wrong).toEqual([])
    }, 60_000)

    test('S20 of a change and the end of the right to it, one waits for the other', async () => {
      const server = await startTestServer(database)
      await createSpaces(server, 'root/team')
      const outcomes = new Set<string>()
      for (let round = 0; round < 8; round++) {
        const admin = await createAccount(server, { role: 'admin', spaceId: 'team' })
        const token = await server.token(admin)
        const rename = async () => {
          const body = { name: `Round ${round}` }
          return (await server.request('PATCH', '/api/v1/spaces/team', { token, body })).status
        }
        const end = () => server.root.call('updateUser', { params: { id: admin.userId ?? '' }, body: { roles: [] } })

        const [status] = await Promise.all([rename(), end()])

        // Whichever came first: the audit log tells the order, and a change after the end of the right is none.
        const rows = await server.db.selectFrom('audit').select(['action', 'object']).orderBy('sequence').execute()
        const ended = rows.findLastIndex(({ action }) => action === 'user.update')
        const renamed = rows.findLastIndex(({ action, object }) => action === 'space.update' && object === 'space:team')
        if (status === 200) expect(renamed).toBeLessThan(ended)
        outcomes.add(String(status))
        expect([200, 401, 403, 404]).toContain(status)
        expect(await rename()).not.toBe(200)
      }
      expect(outcomes.size).toBeGreaterThan(0)
    }, 60_000)
  })
}

/** As another server process would: this one hears of it only by reading. */
async function takeRoles(db: Database, { userId = '' }: Account): Promise<void> {
  await db.deleteFrom('user_role').where('user_id', '=', userId).execute()
  await db
    .updateTable('api_key')
    .set((eb) => ({ generation: eb('generation', '+', 1) }))
    .where('user_id', '=', userId)
    .execute()
}

async function makeObjects(server: TestServer): Promise<Readonly<Record<string, string>>> {
  const { root, db } = server
  await createSpaces(server, 'root/team')
  const integration = { name: 'VCS', apiHost: 'https://bitbucket.example.com', accessToken: 'x' }
  await root.call('createIntegration', { body: integration })
  await root.call('createStack', { query: {}, body: { name: 'Stack', branch: 'main' } })
  await root.call('createVcsAgentPool', { body: { name: 'pool' } })
  const service = await createService(server, 'reader', 'root')
  const user = await root.call('createUser', { body: { name: 'somebody' } })
  const { id } = await db.selectFrom('integration').select('id').executeTakeFirstOrThrow()
  const attached = { project_key: 'P', repository_slug: 'r', repository_key: 'P/r', managed_by: 'attachment' as const }
  await db
    .updateTable('stack')
    .set({ integration_id: id, ...attached })
    .execute()
  const registration = uuidv7(Date.now())
  await db
    .insertInto('registration')
    .values({
      id: registration,
      integration_id: id,
      project_key: 'P',
      repository_slug: 'r',
      repository_id: 7,
      webhook_id: 9,
      secret_version: 1,
      observed: 'in_sync',
      drift: '[]',
      managed_by: 'service',
      reported_at: 1,
    })
    .execute()
  return { team: 'team', vcs: 'vcs', stack: 'stack', pool: 'pool', user: user.id, registration, service: service.keyId }
}

async function removeObjects(db: Database): Promise<void> {
  await db.deleteFrom('registration').execute()
  await db.deleteFrom('stack').execute()
  await db.deleteFrom('webhook_secret').execute()
  await db.deleteFrom('integration').execute()
  await db.deleteFrom('vcs_agent_pool').execute()
  await db.deleteFrom('space').where('id', '!=', 'root').execute()
}

/** Everything but when keys were used, and who was refused. */
async function stateOf(db: Database): Promise<string> {
  const tables = [
    'space',
    'integration',
    'stack',
    'vcs_agent_pool',
    'registration',
    'user_account',
    'user_role',
  ] as const
  const rows = []
  for (const table of tables) rows.push(await db.selectFrom(table).selectAll().execute())
  const keys = await db.selectFrom('api_key').select(['id', 'name', 'revoked_at']).orderBy('id').execute()
  const reveals = await db.selectFrom('audit').select('sequence').where('action', 'like', '%.reveal').execute()
  return JSON.stringify([rows, keys, reveals])
}
