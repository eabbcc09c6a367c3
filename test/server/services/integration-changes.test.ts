import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { ServerClient } from '../../../clients/server/client.ts'
import { makeSelfSigned } from '../../clients/self-signed.ts'
import { databases } from '../../support/databases.ts'
import { failureOf } from '../../support/failure-of.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

const apiHost = 'https://bitbucket.example.com'

for (const database of databases) {
  describe(database.name, () => {
    test('R1a several integrations, in one space and for one Bitbucket, live beside the default one', async () => {
      const { root } = await startTestServer(database)
      await root.call('createSpace', { body: { name: 'Team' } })
      await create(root, { name: 'Default', isDefault: true })
      for (const name of ['A', 'B', 'C']) await create(root, { name, spaceId: 'team' })
      await create(root, { name: 'Root level' })

      const { items } = await root.call('listIntegrations', { query: {} })

      expect(items.map(({ id, isDefault, spaceId }) => `${id} ${spaceId} ${isDefault}`)).toEqual([
        'a team false',
        'b team false',
        'c team false',
        'default root true',
        'root-level root false',
      ])
      expect(new Set(items.map((item) => item.webhookUrl)).size).toBe(5)
    })

    test('R14 checks are grouped INDIVIDUAL and checkout is not git’s, until somebody says otherwise', async () => {
      const { root } = await startTestServer(database)
      const created = await create(root, {})
      const update = (body: object) => root.call('updateIntegration', { params: { id: 'vcs' }, query: {}, body })

      expect(created).toMatchObject({ vcsChecks: 'INDIVIDUAL', useGitCheckout: false, requireBitbucketAccess: false })
      for (const vcsChecks of ['AGGREGATED', 'ALL', 'INDIVIDUAL'] as const) {
        expect((await update({ vcsChecks })).integration.vcsChecks).toBe(vcsChecks)
      }
      expect((await update({ useGitCheckout: true })).integration.useGitCheckout).toBe(true)
      expect((await update({})).integration.useGitCheckout).toBe(true)
      expect(await failureOf(update({ vcsChecks: 'individual' }))).toMatchObject({
        errors: [{ pointer: '/vcsChecks' }],
      })
    })

    test('R18 R10 the administration token is stored sealed, told only to be there, and can be removed', async () => {
      const server = await startTestServer(database)
      const created = await create(server.root, { administrationToken: 'planted-admin-token' })
      const row = () => server.db.selectFrom('integration').selectAll().executeTakeFirstOrThrow()
      const update = (body: object) => server.root.call('updateIntegration', { params: { id: 'vcs' }, query: {}, body })

      expect(created.hasAdministrationToken).toBe(true)
      expect(JSON.stringify(created)).not.toContain('planted')
      expect((await row()).administration_token).toMatch(/^v1\.[0-9a-f]{16}\./)
      const kept = await update({ username: 'x' })
      expect(kept.integration.hasAdministrationToken).toBe(true)
      const removed = await update({ administrationToken: null })
      expect(removed.integration.hasAdministrationToken).toBe(false)
      expect((await row()).administration_token).toBeNull()
      expect(await failureOf(update({ administrationToken: '' }))).toMatchObject({
        errors: [{ pointer: '/administrationToken' }],
      })
    })

    test('R7 R26 an integration is made, changed and deleted by Admins of its space, the default one by root Admins', async () => {
      const server = await startTestServer(database)
      const { root } = server
      for (const name of ['Team', 'Other']) await root.call('createSpace', { body: { name } })
      await create(root, { name: 'Default', isDefault: true })
      await create(root, { name: 'Other VCS', spaceId: 'other' })
      await create(root, { name: 'Team VCS', spaceId: 'team' })
      const admin = await clientOf(server, 'admin', 'team')
      const writer = await clientOf(server, 'writer', 'team')
      const remove = (client: ServerClient, id: string) =>
        failureOf(client.call('deleteIntegration', { params: { id }, query: {} }))
      const update = (client: ServerClient, id: string) =>
        failureOf(client.call('updateIntegration', { params: { id }, query: {}, body: { description: 'x' } }))

      for (const act of [remove, update]) {
        expect(await act(admin, 'default')).toMatchObject({ status: 403 })
        expect(await act(admin, 'other-vcs')).toMatchObject({ status: 404 })
        expect(await act(writer, 'team-vcs')).toMatchObject({ status: 403 })
      }
      expect(await failureOf(create(admin, { name: 'N', isDefault: true }))).toMatchObject({
        code: 'space_not_found',
        errors: [{ pointer: '/spaceId' }],
      })
      expect(await failureOf(create(admin, { name: 'N', spaceId: 'other' }))).toMatchObject({ code: 'space_not_found' })
      expect(await failureOf(create(writer, { name: 'N', spaceId: 'team' }))).toMatchObject({ status: 403 })
      await create(admin, { name: 'N', spaceId: 'team' })
      expect(await admin.call('deleteIntegration', { params: { id: 'n' }, query: {} })).toEqual({ detached: [] })
    })

    test('R13 a move needs an Admin of both spaces', async () => {
      const server = await startTestServer(database)
      const { root } = server
      for (const name of ['One', 'Two']) await root.call('createSpace', { body: { name } })
      await create(root, { spaceId: 'one' })
      const admin = await clientOf(server, 'admin', 'one')
      const move = (client: ServerClient) =>
        client.call('updateIntegration', { params: { id: 'vcs' }, query: {}, body: { spaceId: 'two' } })

      expect(await failureOf(move(admin))).toMatchObject({ code: 'space_not_found', errors: [{ pointer: '/spaceId' }] })
      expect((await move(root)).integration.spaceId).toBe('two')
    })

    test('R3a a name that is taken in a hidden space is taken, and nothing says where', async () => {
      const server = await startTestServer(database)
      for (const name of ['Team', 'Secretive']) await server.root.call('createSpace', { body: { name } })
      await create(server.root, { name: 'Ours', spaceId: 'secretive' })
      const admin = await clientOf(server, 'admin', 'team')

      const failure = await failureOf(create(admin, { name: 'ours', spaceId: 'team' }))

      expect(failure).toMatchObject({ code: 'name_taken', status: 409 })
      expect(JSON.stringify(failure)).not.toMatch(/secretive/i)
    })

    test('S23 a default integration that lends everything says so at each save, until it is narrowed', async () => {
      const { root } = await startTestServer(database)
      const created = await create(root, { isDefault: true })
      const update = (body: object) => root.call('updateIntegration', { params: { id: 'vcs' }, query: {}, body })
      const narrow = [{ spaceId: 'root', repositories: ['INFRA/*'] }]

      expect(created.repositoryAccess).toBeNull()
      expect(created.warnings.join()).toContain('repositoryAccess')
      expect((await update({ description: 'x' })).integration.warnings).toEqual(created.warnings)
      const narrowed = await update({ repositoryAccess: narrow })
      expect(narrowed.integration).toMatchObject({ repositoryAccess: narrow, warnings: [] })
      expect((await create(root, { name: 'Of a space' })).warnings).toEqual([])
    })

    test('S23 with MOORING_REPOSITORY_ACCESS=nothing a new integration lends nothing until it is granted', async () => {
      const { root } = await startTestServer(database, { repositoryAccess: 'nothing' })
      const created = await create(root, { isDefault: true })
      const granted = await create(root, { name: 'Granted', repositoryAccess: null })

      expect(created.repositoryAccess).toEqual([])
      expect(created.warnings.join()).toContain('No repository')
      expect(granted.repositoryAccess).toBeNull()
    })

    test('S64 repository rules are checked: patterns, their number and length, spaces', async () => {
      const { root } = await startTestServer(database)
      const save = (repositoryAccess: unknown) => failureOf(create(root, { repositoryAccess }))
      const rule = (repositories: readonly string[], spaceId = 'root') => ({ spaceId, repositories })

      const many = Array.from({ length: 101 }, (_, index) => `P/r${index}`)
      for (const [access, pointer] of [
        [[rule(['P'])], '/repositoryAccess/0/repositories/0'],
        [[rule([`P/${'a'.repeat(256)}`])], '/repositoryAccess/0/repositories/0'],
        [[rule(many)], '/repositoryAccess/0/repositories'],
        [[rule([])], '/repositoryAccess/0/repositories'],
        [[rule(['P/*']), rule(['Q/*'])], '/repositoryAccess'],
        [[rule(['P/*'], 'missing')], '/repositoryAccess/0/spaceId'],
        [[{ ...rule(['P/*']), more: 1 }], '/repositoryAccess/0/more'],
      ] as const) {
        expect((await save(access)).errors.map((error) => error.pointer)).toEqual([pointer])
      }
    })

    test('R26 repository rules show only the spaces that one sees, and a change keeps the others', async () => {
      const server = await startTestServer(database)
      const { root } = server
      for (const name of ['Team', 'Secretive']) await root.call('createSpace', { body: { name } })
      const rules = [
        { spaceId: 'team', repositories: ['TEAM/*'] },
        { spaceId: 'secretive', repositories: ['SECRET/*'] },
      ]
      await create(root, { isDefault: true, repositoryAccess: rules })
      const reader = await clientOf(server, 'reader', 'team')

      const [seen] = (await reader.call('listIntegrations', { query: {} })).items
      const single = await reader.call('getIntegration', { params: { id: 'vcs' } })

      expect(seen?.repositoryAccess).toEqual(rules.slice(0, 1))
      expect(JSON.stringify([seen, single])).not.toMatch(/secret/i)
      expect((await root.call('getIntegration', { params: { id: 'vcs' } })).repositoryAccess).toEqual(rules)
    })

    test('R27b a space that is deleted takes its rules along: another of its name inherits none', async () => {
      const { root } = await startTestServer(database)
      for (const name of ['Team', 'Other']) await root.call('createSpace', { body: { name } })
      const rules = ['team', 'other'].map((spaceId) => ({ spaceId, repositories: ['P/*'] }))
      await create(root, { isDefault: true, repositoryAccess: rules })

      await root.call('deleteSpace', { params: { id: 'team' } })

      await root.call('createSpace', { body: { name: 'Team' } })
      const { repositoryAccess } = await root.call('getIntegration', { params: { id: 'vcs' } })
      expect(repositoryAccess).toEqual(rules.slice(1))
    })

    test('S38 http is allowed, with a warning at each save', async () => {
      const { root } = await startTestServer(database)
      const created = await create(root, { apiHost: 'http://bitbucket.example.com' })
      const changed = await root.call('updateIntegration', { params: { id: 'vcs' }, query: {}, body: {} })

      expect(created.warnings.join()).toContain('unencrypted')
      expect(changed.integration.warnings).toEqual(created.warnings)
    })

    test('S38 certificates are read before they are stored, and given back as they were sent', async () => {
      const { root } = await startTestServer(database)
      const { cert, key } = makeSelfSigned()
      const save = (caCertPem: string) => create(root, { caCertPem })

      for (const wrong of [
        'nonsense',
        cert.replace('BEGIN CERTIFICATE', 'BEGIN PUBLIC KEY').replace('END CERTIFICATE', 'END PUBLIC KEY'),
        `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
        cert.slice(0, 200),
        cert + key,
        cert.repeat(51),
        '',
      ]) {
        const failure = await failureOf(save(wrong))
        expect(failure).toMatchObject({ status: 422, errors: [{ pointer: '/caCertPem' }] })
        expect(JSON.stringify(failure)).not.toContain(key.split('\n')[1])
      }
      const commented = `# our authority\n${cert}\n${cert}`
      expect((await save(commented)).caCertPem).toBe(commented)
    })

    test('S28 new certificates, and a new host where there are two tokens, need each token in the request', async () => {
      const { root } = await startTestServer(database)
      const { cert } = makeSelfSigned()
      await create(root, { administrationToken: 'admin-token' })
      const update = (body: object) => root.call('updateIntegration', { params: { id: 'vcs' }, query: {}, body })
      const refused = (pointer: string) => ({ code: 'token_required', status: 422, errors: [{ pointer }] })

      expect(await failureOf(update({ caCertPem: cert }))).toMatchObject(refused('/caCertPem'))
      expect(await failureOf(update({ caCertPem: cert, accessToken: 'x' }))).toMatchObject(refused('/caCertPem'))
      expect(await failureOf(update({ apiHost: `${apiHost}/c`, accessToken: 'x' }))).toMatchObject(refused('/apiHost'))
      expect(await failureOf(update({ apiHost: `${apiHost}/c`, administrationToken: 'x' }))).toMatchObject(
        refused('/apiHost'),
      )
      await update({ apiHost: `${apiHost}/c`, caCertPem: cert, accessToken: 'x', administrationToken: null })
      expect(await failureOf(update({ caCertPem: null }))).toMatchObject(refused('/caCertPem'))
      await update({ caCertPem: cert, apiHost: `${apiHost}/c`, userFacingHost: null })
    })

    test('S28 a stored token reaches no other place: by update, test, move or redirect', async () => {
      const captured: string[] = []
      const { url: evil, port } = await capture(captured)
      const home: IncomingMessage[] = []
      const { url: bitbucket, port: homePort } = await capture([], home, `${evil}/rest/api/latest/projects`)
      const server = await startTestServer(database, {
        allowedLoopback: [`127.0.0.1:${port}`, `127.0.0.1:${homePort}`],
      })
      const { root } = server
      await root.call('createSpace', { body: { name: 'Team' } })
      await create(root, { apiHost: bitbucket, accessToken: 'stored-token', administrationToken: 'stored-admin' })
      const repository = { projectKey: 'P', repositorySlug: 'r' }
      const params = { id: 'vcs' }

      for (const body of [{ apiHost: evil }, { apiHost: evil, userFacingHost: evil }, { apiHost: `${evil}/x` }]) {
        for (const query of [{}, { dryRun: 'true' }, { force: 'true' }] as const) {
          await failureOf(root.call('updateIntegration', { params, query, body }))
        }
      }
      await failureOf(root.call('testConnection', { body: { apiHost: evil } as never }))
      await root.call('testConnection', {
        body: { apiHost: evil, accessToken: 'sent-token', administrationToken: 'sent-admin', repository },
      })
      const crossed = { ...repository, apiHost: evil, integrationId: 'vcs' }
      await failureOf(root.call('testIntegration', { params, body: crossed as never }))
      await root.call('updateIntegration', { params, query: {}, body: { userFacingHost: evil } })
      await root.call('updateIntegration', { params, query: { force: 'true' }, body: { spaceId: 'team' } })
      const test = await root.call('testIntegration', { params, body: { repository } })
      const stack = { name: 'S', branch: 'main', spaceId: 'team', repository: { integrationId: 'vcs', ...repository } }
      await failureOf(root.call('createStack', { query: {}, body: stack }))

      expect(test.outcome).toBe('failed')
      expect(home.length).toBeGreaterThan(0)
      expect(captured.join('\n')).toContain('/rest/api/latest/application-properties')
      expect(captured.join('\n')).not.toContain('stored')
    })

    test('R16 R19 nothing ever connects to the user-facing host', async () => {
      let connections = 0
      const counting = createServer()
      counting.on('connection', () => connections++)
      const facing = await listening(counting)
      const { url: bitbucket, port } = await capture([])
      const server = await startTestServer(database, { allowedLoopback: [`127.0.0.1:${port}`, `127.0.0.1:${facing}`] })
      const userFacingHost = `http://127.0.0.1:${facing}/context`
      await create(server.root, { apiHost: bitbucket, userFacingHost })
      const repository = { projectKey: 'P', repositorySlug: 'r' }

      await server.root.call('testIntegration', { params: { id: 'vcs' }, body: { repository } })
      await failureOf(
        server.root.call('createStack', {
          query: {},
          body: { name: 'S', branch: 'main', repository: { integrationId: 'vcs', ...repository } },
        }),
      )
      const shown = await server.root.call('getIntegration', { params: { id: 'vcs' } })

      expect(shown).toMatchObject({ apiHost: bitbucket, userFacingHost })
      expect(connections).toBe(0)
    })

    test('R8 R13 S21 lists tell stacks from modules, and count what one does not see without naming it', async () => {
      const server = await startTestServer(database)
      for (const name of ['Team', 'Secretive']) await server.root.call('createSpace', { body: { name } })
      await create(server.root, { spaceId: 'team', apiHost: 'http://bitbucket.invalid' })
      const repository = { integrationId: 'vcs', projectKey: 'P', repositorySlug: 'r' }
      for (const name of ['Seen', 'Unseen', 'Library']) {
        const body = { name, branch: 'main', spaceId: 'team', repository }
        await server.root.call('createStack', { query: { skipVerification: 'true' }, body })
      }
      // No change through the API leads here: who administers an integration sees whatever may use it.
      await server.db.updateTable('stack').set({ space_id: 'secretive' }).where('slug', '=', 'unseen').execute()
      await server.db.updateTable('stack').set({ kind: 'module' }).where('slug', '=', 'library').execute()
      const admin = await clientOf(server, 'admin', 'team')
      const params = { id: 'vcs' }

      const planned = await admin.call('deleteIntegration', { params, query: { dryRun: 'true' } })
      await admin.call('updateIntegration', { params, query: {}, body: { allowDetachOnDestroy: false } })
      const refused = await failureOf(admin.call('deleteIntegration', { params, query: {} }))

      expect(planned).toEqual({ detached: ['seen'], detachedModules: ['library'], hidden: 1 })
      expect(refused).toMatchObject({ code: 'integration_protected', stacks: ['seen'] })
      expect(refused.detail).toContain('3 attached stacks and modules')
    })
  })
}

function create(client: ServerClient, fields: Record<string, unknown>) {
  const body = { name: 'VCS', apiHost, accessToken: 'a-token', ...fields }
  return client.call('createIntegration', { body })
}

async function clientOf(server: TestServer, role: 'admin' | 'writer' | 'reader', spaceId: string) {
  const key = await server.root.call('createApiKey', { body: { name: `${role} ${spaceId}`, role, spaceId } })
  return server.client({ keyId: key.id, keySecret: key.secret })
}

/** A server that writes down what it is sent, and answers as Bitbucket where it is asked its version. */
async function capture(lines: string[], requests: IncomingMessage[] = [], redirectTo?: string) {
  const server = createServer((request, response) => {
    requests.push(request)
    lines.push(`${request.method} ${request.url} ${JSON.stringify(request.rawHeaders)}`)
    if (request.url?.includes('application-properties')) {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"version":"9.4.0"}')
    } else if (redirectTo === undefined) response.writeHead(404).end()
    else response.writeHead(307, { location: redirectTo }).end()
  })
  const port = await listening(server)
  return { url: `http://127.0.0.1:${port}`, port }
}

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}
