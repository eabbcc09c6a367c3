import { describe, expect, test } from 'vitest'
import { ServerProblem } from '../../../clients/server/problem.ts'
import { ProblemDocument } from '../../../schemas/problem.ts'
import { databases } from '../../support/databases.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

const apiHost = 'https://bitbucket.example.com'

for (const database of databases) {
  describe(database.name, () => {
    test('R1 names each missing or wrong field, and each unknown one', async () => {
      const server = await startTestServer(database)

      const answer = await server.request('POST', '/api/v1/integrations', {
        body: { isDefault: 'yes', accessToken: '', labels: ['a', 'a'], colour: 'red', __proto__x: 1 },
      })

      const problem = ProblemDocument.parse(await answer.json())
      expect(answer.status).toBe(422)
      expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
      expect(problem.code).toBe('invalid_request')
      expect(problem.errors?.map(({ pointer }) => pointer).sort()).toEqual([
        '/__proto__x',
        '/accessToken',
        '/apiHost',
        '/colour',
        '/isDefault',
        '/labels',
        '/name',
      ])
    })

    test('R1 R211 gives back what it was sent, byte for byte', async () => {
      const { root } = await startTestServer(database)
      const body = {
        name: 'Ünser  Bitbucket',
        apiHost: 'https://BITBUCKET.example.com:8443/Context',
        userFacingHost: 'https://people.example.com',
        username: 'svc-User',
        labels: ['b', 'A', 'ü'],
        description: ' **bold** \n\u200b<script>',
      }

      const created = await root.call('createIntegration', { body: { ...body, accessToken: 'a-token' } })

      expect(created).toMatchObject({ ...body, id: 'unser-bitbucket', spaceId: 'root', isDefault: false })
      expect(await root.call('getIntegration', { params: { id: created.id } })).toEqual(created)
      expect(JSON.stringify(created)).not.toContain('a-token')
    })

    test('R2 the name cannot change; sending the present one is no change', async () => {
      const { root } = await startTestServer(database)
      const { id } = await create({ root }, { name: 'One' })

      const renamed = await failureOf(
        root.call('updateIntegration', { params: { id }, query: {}, body: { name: 'Two' } }),
      )
      const same = await root.call('updateIntegration', { params: { id }, query: {}, body: { name: 'One' } })

      expect(renamed).toMatchObject({ code: 'name_immutable', status: 422, errors: [{ pointer: '/name' }] })
      expect(same.integration.name).toBe('One')
    })

    test('R3 R3a two names with one slug are one name, and a name without letters has none', async () => {
      const { root } = await startTestServer(database)
      await create({ root }, { name: 'Our Bitbucket' })

      expect(await failureOf(create({ root }, { name: 'our-bitbucket!' }))).toMatchObject({
        code: 'name_taken',
        status: 409,
      })
      expect(await failureOf(create({ root }, { name: '—' }))).toMatchObject({
        status: 422,
        errors: [{ pointer: '/name' }],
      })
    })

    test('R4 of fifty default integrations created at once exactly one is', async () => {
      const { root } = await startTestServer(database)

      const results = await Promise.allSettled(
        Array.from({ length: 50 }, (_, index) => create({ root }, { name: `Default ${index}`, isDefault: true })),
      )

      const codes = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(codes).toEqual(Array(49).fill('default_integration_exists'))
      const { items } = await root.call('listIntegrations', { query: { isDefault: 'true' } })
      expect(items).toHaveLength(1)
    })

    test('R5 R6 a default integration lives in root, and stays default', async () => {
      const { root } = await startTestServer(database)
      await root.call('createSpace', { body: { name: 'Team' } })

      const elsewhere = await failureOf(create({ root }, { isDefault: true, spaceId: 'team' }))
      const { id } = await create({ root }, { isDefault: true })
      const update = (body: object) => failureOf(root.call('updateIntegration', { params: { id }, query: {}, body }))

      expect(elsewhere).toMatchObject({ status: 422, errors: [{ pointer: '/spaceId' }] })
      expect(await update({ spaceId: 'team' })).toMatchObject({ status: 422, errors: [{ pointer: '/spaceId' }] })
      expect(await update({ isDefault: false })).toMatchObject({ status: 422, errors: [{ pointer: '/isDefault' }] })
    })

    test('R9 re-created under its name an integration has the same endpoint, another secret and row', async () => {
      const server = await startTestServer(database)
      const { root } = server
      const { id } = await create(server, {})
      const before = await root.call('readWebhookCredentials', { params: { id } })
      const rowBefore = await server.db.selectFrom('integration').select('id').executeTakeFirstOrThrow()

      await root.call('deleteIntegration', { params: { id }, query: {} })
      await create(server, {})

      const after = await root.call('readWebhookCredentials', { params: { id } })
      const rowAfter = await server.db.selectFrom('integration').select('id').executeTakeFirstOrThrow()
      expect(after).toMatchObject({ url: before.url, version: 1 })
      expect(after.secret).not.toBe(before.secret)
      expect(rowAfter.id).not.toBe(rowBefore.id)
    })

    test('R10 S41 token and secret lie sealed in the database', async () => {
      const server = await startTestServer(database)
      const { id } = await create(server, { accessToken: 'planted-token' })
      const { secret } = await server.root.call('readWebhookCredentials', { params: { id } })

      const integration = await server.db.selectFrom('integration').selectAll().executeTakeFirstOrThrow()
      const stored = await server.db.selectFrom('webhook_secret').selectAll().executeTakeFirstOrThrow()

      expect(integration.access_token).toMatch(/^v1\.[0-9a-f]{16}\./)
      expect(JSON.stringify([integration, stored])).not.toMatch(new RegExp(`planted-token|${secret}`))
    })

    test('R11 an update without a token keeps the stored one', async () => {
      const server = await startTestServer(database)
      const { id } = await create(server, {})
      const tokenOf = async () =>
        (await server.db.selectFrom('integration').select('access_token').executeTakeFirstOrThrow()).access_token
      const before = await tokenOf()

      await server.root.call('updateIntegration', { params: { id }, query: {}, body: { username: 'another' } })
      const kept = await tokenOf()
      await server.root.call('updateIntegration', { params: { id }, query: {}, body: { accessToken: 'new' } })

      expect(kept).toBe(before)
      expect(await tokenOf()).not.toBe(before)
    })

    test('S28 a new apiHost needs the token in the same request', async () => {
      const server = await startTestServer(database)
      const { id } = await create(server, {})
      const update = (body: object) => server.root.call('updateIntegration', { params: { id }, query: {}, body })

      for (const other of [
        'https://evil.example.com',
        'http://bitbucket.example.com',
        `${apiHost}:8443`,
        `${apiHost}/c`,
      ]) {
        expect(await failureOf(update({ apiHost: other })), other).toMatchObject({
          code: 'token_required',
          status: 422,
          errors: [{ pointer: '/apiHost' }],
        })
      }
      expect((await update({ apiHost })).integration.apiHost).toBe(apiHost)
      expect((await update({ apiHost: `${apiHost}/c`, accessToken: 'again' })).integration.apiHost).toBe(`${apiHost}/c`)
    })

    test('R12 every write and each reveal to a person leaves its row, without a secret', async () => {
      const server = await startTestServer(database)
      const { id } = await create(server, { accessToken: 'planted-token' })
      await server.root.call('updateIntegration', { params: { id }, query: {}, body: { accessToken: 'planted-two' } })
      const { secret } = await server.root.call('readWebhookCredentials', { params: { id } })
      await server.root.call('readWebhookCredentials', { params: { id } })
      await server.root.call('deleteIntegration', { params: { id }, query: {} })

      const rows = await server.db
        .selectFrom('audit')
        .selectAll()
        .where('object', 'like', 'integration:%')
        .orderBy('id')
        .execute()

      expect(rows.map(({ action }) => action)).toEqual([
        'integration.create',
        'integration.update',
        'webhook_secret.reveal',
        'webhook_secret.reveal',
        'integration.delete',
      ])
      expect(rows.every(({ actor }) => actor === `key:${server.rootKey.keyId}`)).toBe(true)
      expect(JSON.stringify(rows)).not.toMatch(new RegExp(`planted|${secret}`))
    })

    test('R12 a service’s reading is recorded once per key and secret version', async () => {
      const server = await startTestServer(database)
      const { id } = await create(server, {})
      const registrar = await server.registrar('root')

      for (let sweep = 0; sweep < 3; sweep++) {
        await registrar.call('readWebhookCredentials', { params: { id } })
        await registrar.call('listWebhookTargets', { query: {} })
      }

      const rows = await server.db
        .selectFrom('audit')
        .selectAll()
        .where('action', '=', 'webhook_secret.reveal')
        .execute()
      expect(rows).toHaveLength(1)
    })

    test('S70 a secret whose reading cannot be recorded is not read', async () => {
      const server = await startTestServer(database)
      const { id } = await create(server, {})
      await server.db.schema.alterTable('audit').renameTo('audit_away').execute()

      const answer = await server.request('GET', `/api/v1/integrations/${id}/webhook-credentials`)

      expect(answer.status).toBe(500)
      expect(await answer.text()).not.toContain('"secret"')
    })

    test('R16 R19 the user-facing host follows apiHost until it is set, and again when it is set to null', async () => {
      const { root } = await startTestServer(database)
      const { id } = await create({ root }, {})
      const update = async (body: object) =>
        (await root.call('updateIntegration', { params: { id }, query: {}, body })).integration.userFacingHost

      expect(await update({ apiHost: `${apiHost}/c`, accessToken: 'x' })).toBe(`${apiHost}/c`)
      expect(await update({ userFacingHost: 'https://people.example.com' })).toBe('https://people.example.com')
      expect(await update({ apiHost, accessToken: 'x' })).toBe('https://people.example.com')
      expect(await update({ userFacingHost: null })).toBe(apiHost)
    })

    test.for([
      'private://pool',
      'http://127.0.0.1:7990',
      'http://169.254.169.254',
      'http://2852039166',
      'http://mooring.test',
      'http://user@bitbucket.example.com',
      'https://bitbucket.example.com/',
      'https://bitbucket.example.com?x=1',
      'https://bitbucket.example.com#x',
      'ftp://bitbucket.example.com',
      'bitbucket.example.com',
    ])('R19 R102 S32 apiHost %s is refused on its field', async (host) => {
      const { root } = await startTestServer(database)

      const failure = await failureOf(create({ root }, { apiHost: host, userFacingHost: 'https://people.example.com' }))

      expect(failure).toMatchObject({ status: 422, errors: [{ pointer: '/apiHost' }] })
    })

    test('R209 without a public URL no integration is created, unless loopback is allowed', async () => {
      const without = await startTestServer(database, { publicUrl: undefined })
      const loopback = await startTestServer(database, { publicUrl: undefined, allowedLoopback: ['127.0.0.1:7990'] })

      expect(await failureOf(create(without, {}))).toMatchObject({ code: 'public_url_required', status: 422 })
      expect((await create(loopback, {})).webhookUrl).toBe(
        `${loopback.url}/webhooks/bitbucket-datacenter/our-bitbucket`,
      )
    })
  })
}

function create({ root }: Pick<TestServer, 'root'>, fields: Record<string, unknown>) {
  const body = { name: 'Our Bitbucket', apiHost, accessToken: 'a-token', ...fields }
  return root.call('createIntegration', { body })
}

async function failureOf(call: Promise<unknown>): Promise<ServerProblem> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof ServerProblem) return error
  throw error ?? new Error('The call succeeded.')
}
