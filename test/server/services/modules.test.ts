import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { ServerClient } from '../../../clients/server/client.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { openTestEmulator, type TestEmulator } from '../../support/emulator.ts'
import { failureOf } from '../../support/failure-of.ts'
import { needs } from '../../support/left-out.ts'
import { startTestServer } from '../../support/server.ts'
import { deliverPush } from '../../support/signed-push.ts'

let emulator: TestEmulator
let project = 0

needs('git', 'git-http-backend')('modules', () => {
  beforeAll(async () => {
    emulator = await openTestEmulator()
    return () => emulator.close()
  })
  for (const database of databases) describe(database.name, () => suite(database))
})

/** A server with an integration of the emulator, and a repository with a module and a stack of the same name. */
async function setUp(database: TestDatabase) {
  const server = await startTestServer(database, { allowedLoopback: [new URL(emulator.url).host] })
  const { root } = server
  const repository = await emulator.createRepository(`MOD${++project}`, 'modules')
  const first = await repository.push({ files: { 'net/main.tf': `1 of ${project}`, 'other/main.tf': '1' } })
  await root.call('createIntegration', {
    body: { name: 'vcs', isDefault: true, apiHost: emulator.url, accessToken: emulator.adminToken },
  })
  const place = { projectKey: repository.key, repositorySlug: repository.slug }
  const fields = { name: 'Net', branch: 'main', projectRoot: 'net', repository: place }
  const module = await root.call('createModule', { query: {}, body: fields })
  const deliver = (branch: string, from: string, to: string) =>
    deliverPush(server, 'vcs', repository, [{ branch, from, to }])
  return { server, root, repository, first, place, fields, module, deliver }
}

async function runsOf(root: ServerClient, query: { readonly moduleId?: string; readonly stackId?: string }) {
  const { items } = await root.call('listRuns', { query })
  return items.map(({ type, commitSha, stackId, moduleId }) => ({ type, commitSha, stackId, moduleId }))
}

function suite(database: TestDatabase): void {
  test('R22 R71 a module has what a stack has, uses the default integration, and shares no id with a stack', async () => {
    const { root, repository, fields, module } = await setUp(database)
    const stack = await root.call('createStack', { query: {}, body: fields })

    const twice = await failureOf(root.call('createModule', { query: {}, body: fields }))
    const changed = await root.call('updateModule', {
      params: { id: 'net' },
      query: {},
      body: { name: 'Network', labels: ['team:net'], description: 'The network.' },
    })
    const listed = await root.call('listModules', { query: { anyLabel: 'team:net' } })
    await root.call('deleteModule', { params: { id: 'net' } })

    expect(module).toMatchObject({
      id: 'net',
      spaceId: 'root',
      projectRoot: 'net',
      headCommit: null,
      detached: null,
      attachment: {
        moduleId: 'net',
        integrationId: 'vcs',
        usesDefault: true,
        repositoryId: repository.id,
        verified: true,
      },
    })
    expect(module.attachment).not.toHaveProperty('stackId')
    expect(stack).toMatchObject({ id: 'net', attachment: { stackId: 'net' } })
    expect(twice).toMatchObject({ code: 'name_taken', status: 409 })
    expect(changed).toMatchObject({ id: 'net', name: 'Network', labels: ['team:net'], attachment: { moduleId: 'net' } })
    expect(listed.items).toEqual([changed])
    const gone = await failureOf(root.call('getModule', { params: { id: 'net' } }))
    expect(gone).toMatchObject({ code: 'module_not_found', status: 404 })
    expect(await root.call('getStack', { params: { id: 'net' } })).toEqual(stack)
  })

  test('R71 R91 a push to the tracked branch makes a run of type MODULE below its root, once, with a status of its own', async () => {
    const { root, repository, first, fields, deliver } = await setUp(database)
    await root.call('createStack', { query: {}, body: fields })
    const aside = await repository.push({ files: { 'other/main.tf': '2' } })
    const second = await repository.push({ files: { 'net/main.tf': '2' } })
    const side = await repository.push({ branch: 'feature', from: 'main', files: { 'net/main.tf': '3' } })

    await deliver('main', first, aside)
    await deliver('main', aside, second)
    const again = await deliver('main', aside, second)
    await deliver('feature', second, side)

    expect(again).toMatchObject({ verdict: 'ignored' })
    expect(await runsOf(root, { moduleId: 'net' })).toEqual([
      { type: 'PROPOSED', commitSha: side, stackId: null, moduleId: 'net' },
      { type: 'MODULE', commitSha: second, stackId: null, moduleId: 'net' },
    ])
    expect(await runsOf(root, { stackId: 'net' })).toEqual([
      { type: 'PROPOSED', commitSha: side, stackId: 'net', moduleId: null },
      { type: 'TRACKED', commitSha: second, stackId: 'net', moduleId: null },
    ])
    expect((await root.call('getModule', { params: { id: 'net' } })).headCommit).toBe(second)
    await vi.waitFor(async () => {
      const keysOf = async (commit: string) => {
        const { body } = await emulator.rest('GET', `/rest/build-status/latest/commits/${commit}`)
        return (body.values as { key: string }[]).map(({ key }) => key).sort()
      }
      expect(await keysOf(second)).toEqual(['mooring/module/net/module', 'mooring/net/tracked'])
      expect(await keysOf(side)).toEqual(['mooring/module/net/proposed', 'mooring/net/proposed'])
    }, 10_000)
  })

  test('R64 the runs of a module’s tracked branch go one at a time', async () => {
    const { root, repository, first, deliver } = await setUp(database)
    const second = await repository.push({ files: { 'net/main.tf': '2' } })
    await deliver('main', first, second)
    const third = await repository.push({ files: { 'net/main.tf': '3' } })
    await deliver('main', second, third)

    const { items } = await root.call('listRuns', { query: { moduleId: 'net' } })

    expect(items.map(({ commitSha, state }) => [commitSha, state])).toEqual([
      [third, 'QUEUED'],
      [second, 'READY'],
    ])
  })

  test('R80 R81 R82 a module is detached with its integration, its waiting runs fail, and another integration ends it', async () => {
    const { root, repository, first, place, deliver } = await setUp(database)
    const second = await repository.push({ files: { 'net/main.tf': '2' } })
    await deliver('main', first, second)

    const lost = await root.call('deleteIntegration', { params: { id: 'vcs' }, query: {} })
    const detached = await root.call('getModule', { params: { id: 'net' } })
    const noAttachment = await failureOf(root.call('getModuleAttachment', { params: { id: 'net' } }))
    const { items } = await root.call('listRuns', { query: { moduleId: 'net' } })
    // The same name again, and a default again: neither attaches anything by itself (R9).
    await root.call('createIntegration', {
      body: { name: 'vcs', isDefault: true, apiHost: emulator.url, accessToken: emulator.adminToken },
    })
    const third = await repository.push({ files: { 'net/main.tf': '3' } })
    const ignored = await deliver('main', second, third)
    const still = await root.call('listModules', { query: { detached: 'true' } })
    await root.call('attachModule', { params: { id: 'net' }, query: {}, body: place })
    const back = await root.call('getModule', { params: { id: 'net' } })

    expect(lost).toEqual({ detached: [], detachedModules: ['net'] })
    expect(detached).toMatchObject({
      attachment: null,
      detached: { reason: 'integration_deleted', projectKey: repository.key, repositorySlug: 'modules' },
    })
    expect(noAttachment.code).toBe('attachment_not_found')
    expect(items.map(({ state, stateReason }) => [state, stateReason])).toEqual([
      ['FAILED', 'Detached from its integration.'],
    ])
    expect(ignored).toEqual({ verdict: 'ignored', reason: 'no_match' })
    expect(still.items.map(({ id }) => id)).toEqual(['net'])
    expect(back).toMatchObject({ detached: null, attachment: { integrationId: 'vcs', managedBy: 'attachment' } })
  })

  test('R140 a webhook target names the modules of the repository beside its stacks', async () => {
    const { root, fields } = await setUp(database)
    await root.call('createStack', { query: {}, body: { ...fields, name: 'Live' } })

    const { items } = await root.call('listWebhookTargets', { query: {} })

    expect(items.map(({ stackIds, moduleIds }) => ({ stackIds, moduleIds }))).toEqual([
      { stackIds: ['live'], moduleIds: ['net'] },
    ])
  })

  test('R203 an attachment of a module is changed and ended, a stale If-Match refused', async () => {
    const { server, root, repository, place } = await setUp(database)
    const other = await emulator.createRepository(repository.key, 'others')
    await root.call('createModule', { query: {}, body: { name: 'Own', branch: 'main' } })
    await root.call('attachModule', { params: { id: 'own' }, query: {}, body: place })
    const read = await server.request('GET', '/api/v1/modules/own/attachment')
    const etag = read.headers.get('etag') ?? ''

    const moved = await root.call('replaceModuleAttachment', {
      params: { id: 'own' },
      query: {},
      body: { ...place, repositorySlug: 'others' },
    })
    const stale = await server.request('DELETE', '/api/v1/modules/own/attachment', { headers: { 'if-match': etag } })
    await root.call('detachModule', { params: { id: 'own' } })

    expect(moved).toMatchObject({ moduleId: 'own', repositoryId: other.id })
    expect(stale.status).toBe(412)
    expect(await root.call('getModule', { params: { id: 'own' } })).toMatchObject({ attachment: null, detached: null })
  })

  test('R20 a space with a module is not deleted, and the answer counts it', async () => {
    const { root } = await setUp(database)
    await root.call('createSpace', { body: { name: 'Team' } })
    await root.call('createModule', { query: {}, body: { name: 'M', branch: 'main', spaceId: 'team' } })

    const refused = await failureOf(root.call('deleteSpace', { params: { id: 'team' } }))

    expect(refused).toMatchObject({ code: 'space_not_empty', status: 409 })
    expect(refused.detail).toContain('1 modules')
  })
}
