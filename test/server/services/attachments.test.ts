import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServerClient } from '../../../clients/server/client.ts'
import { ServerProblem } from '../../../clients/server/problem.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { openTestEmulator, type TestEmulator, type TestRepository } from '../../support/emulator.ts'
import { needs } from '../../support/left-out.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

let bitbucket: TestEmulator
let repository: TestRepository
let token: string

needs('git', 'git-http-backend')('stacks and a Bitbucket that answers', () => {
  beforeAll(async () => {
    bitbucket = await openTestEmulator()
    repository = await bitbucket.createRepository('INFRA', 'network')
    token = await bitbucket.createToken({ project: 'INFRA' }, ['PROJECT_READ', 'REPO_READ'])
  })
  afterAll(() => bitbucket.close())

  for (const database of databases) {
    describe(database.name, () => {
      test('R29 R47 attaching asks Bitbucket and stores the numeric id', async () => {
        const { root } = await startWithSpaces(database)
        await root.call('createStack', { query: {}, body: { name: 'Network', branch: 'main', spaceId: 'child-space' } })

        const attachment = await attach(root, 'network', { integrationId: 'parent-vcs' })

        expect(attachment).toMatchObject({
          stackId: 'network',
          integrationId: 'parent-vcs',
          usesDefault: false,
          projectKey: 'INFRA',
          repositorySlug: 'network',
          repositoryId: repository.id,
          managedBy: 'attachment',
        })
      })

      test('R22 ChildSpace uses the integration of ParentSpace, and not with inheritance switched off', async () => {
        const { root } = await startWithSpaces(database)
        await root.call('createStack', { query: {}, body: { name: 'Child', branch: 'main', spaceId: 'child-space' } })
        await root.call('createStack', { query: {}, body: { name: 'Alone', branch: 'main', spaceId: 'alone-space' } })

        await attach(root, 'child', { integrationId: 'parent-vcs' })
        const refused = await failureOf(attach(root, 'alone', { integrationId: 'parent-vcs' }))
        const byDefault = await attach(root, 'alone', {})

        expect(refused).toMatchObject({
          code: 'integration_not_usable',
          status: 422,
          errors: [{ pointer: '/integrationId' }],
        })
        expect(byDefault).toMatchObject({ integrationId: 'default-vcs', usesDefault: true })
      })

      test('R29 a repository that Bitbucket does not have is refused on its field', async () => {
        const { root } = await startWithSpaces(database)
        const body = { name: 'S', branch: 'main', repository: { projectKey: 'INFRA', repositorySlug: 'missing' } }

        const inline = await failureOf(root.call('createStack', { query: {}, body }))
        await root.call('createStack', { query: {}, body: { name: 'S', branch: 'main' } })
        const own = await failureOf(attach(root, 's', { repositorySlug: 'missing' }))
        const skipped = await failureOf(attach(root, 's', { repositorySlug: 'missing' }, 'true'))

        expect(inline).toMatchObject({
          code: 'repository_not_in_bitbucket',
          status: 422,
          errors: [{ pointer: '/repository/repositorySlug' }],
        })
        expect(own).toMatchObject({ code: 'repository_not_in_bitbucket', errors: [{ pointer: '/repositorySlug' }] })
        expect(skipped.code).toBe('repository_not_in_bitbucket')
      })

      test('R29 Bitbucket unreachable is a 502, and saved unverified where that is accepted', async () => {
        const server = await startWithSpaces(database)
        const { root } = server
        await root.call('createIntegration', {
          body: { name: 'Gone', apiHost: 'http://bitbucket.invalid', accessToken: 'a-token' },
        })
        await root.call('createStack', { query: {}, body: { name: 'S', branch: 'main' } })

        const refused = await failureOf(attach(root, 's', { integrationId: 'gone' }))
        const saved = await attach(root, 's', { integrationId: 'gone' }, 'true')

        expect(refused).toMatchObject({ code: 'bitbucket_unreachable', status: 502 })
        expect(refused.detail).not.toContain('a-token')
        expect(saved.repositoryId).toBeNull()
      })

      test('R18a a token that Bitbucket refuses is said so, and its words are not passed on', async () => {
        const { root } = await startWithSpaces(database)
        await root.call('createIntegration', {
          body: { name: 'Wrong', apiHost: bitbucket.url, accessToken: 'a-wrong-token' },
        })
        await root.call('createStack', { query: {}, body: { name: 'S', branch: 'main' } })

        const refused = await failureOf(attach(root, 's', { integrationId: 'wrong' }))

        expect(refused).toMatchObject({ code: 'bitbucket_refused', status: 422 })
        expect(refused.detail).toContain('does not accept the access token')
      })

      test('an attachment of its own and an inline repository exclude each other, in both directions', async () => {
        const { root } = await startWithSpaces(database)
        const repo = { projectKey: 'INFRA', repositorySlug: 'network' }
        await root.call('createStack', { query: {}, body: { name: 'Inline', branch: 'main', repository: repo } })
        await root.call('createStack', { query: {}, body: { name: 'Own', branch: 'main' } })
        await attach(root, 'own', {})
        const patch = (id: string, body: object) => root.call('updateStack', { params: { id }, query: {}, body })

        expect((await failureOf(attach(root, 'inline', {}))).code).toBe('stack_already_attached')
        expect((await failureOf(attach(root, 'own', {}))).code).toBe('stack_already_attached')
        expect((await failureOf(patch('own', { repository: repo }))).code).toBe('stack_already_attached')
        expect((await failureOf(patch('own', { repository: null }))).code).toBe('stack_already_attached')
        const put = root.call('replaceAttachment', { params: { id: 'inline' }, query: {}, body: repo })
        expect((await failureOf(put)).code).toBe('stack_already_attached')
        const remove = root.call('detachStack', { params: { id: 'inline' } })
        expect((await failureOf(remove)).code).toBe('attachment_not_found')
        expect((await patch('inline', { repository: null })).attachment).toBeNull()
        await root.call('detachStack', { params: { id: 'own' } })
        expect(await root.call('getStack', { params: { id: 'own' } })).toMatchObject({
          attachment: null,
          detached: null,
        })
      })

      test('R8 R80 R81 deleting the integration detaches its stacks, says so, and fails the runs that wait', async () => {
        const server = await startWithSpaces(database)
        const { root } = server
        await root.call('createStack', { query: {}, body: { name: 'S', branch: 'main', spaceId: 'child-space' } })
        await attach(root, 's', { integrationId: 'parent-vcs' })
        await insertRun(server, 's', 'READY')

        const planned = await root.call('deleteIntegration', {
          params: { id: 'parent-vcs' },
          query: { dryRun: 'true' },
        })
        const still = await root.call('getStack', { params: { id: 's' } })
        const done = await root.call('deleteIntegration', { params: { id: 'parent-vcs' }, query: {} })

        expect(planned).toEqual({ detached: ['s'] })
        expect(still.detached).toBeNull()
        expect(done).toEqual({ detached: ['s'] })
        expect(await root.call('getStack', { params: { id: 's' } })).toMatchObject({
          attachment: null,
          detached: { reason: 'integration_deleted', projectKey: 'INFRA', repositorySlug: 'network' },
        })
        const [run] = (await root.call('listRuns', { query: { stackId: 's' } })).items
        expect(run).toMatchObject({ state: 'FAILED', stateReason: 'Detached from its integration.' })
      })

      test('R9 R80 a stack stays detached when the integration comes back, until one is chosen', async () => {
        const { root } = await startWithSpaces(database)
        await root.call('createStack', { query: {}, body: { name: 'S', branch: 'main', spaceId: 'child-space' } })
        await attach(root, 's', { integrationId: 'parent-vcs' })
        await root.call('deleteIntegration', { params: { id: 'parent-vcs' }, query: {} })

        await createParentVcs(root)
        const still = await root.call('getStack', { params: { id: 's' } })
        await attach(root, 's', { integrationId: 'parent-vcs' })

        expect(still.detached).not.toBeNull()
        expect((await root.call('getStack', { params: { id: 's' } })).detached).toBeNull()
      })

      test('R8 a protected integration is not deleted while stacks are attached', async () => {
        const { root } = await startWithSpaces(database)
        await root.call('createStack', { query: {}, body: { name: 'S', branch: 'main', spaceId: 'child-space' } })
        await attach(root, 's', { integrationId: 'parent-vcs' })
        const params = { id: 'parent-vcs' }
        await root.call('updateIntegration', { params, query: {}, body: { allowDetachOnDestroy: false } })

        const refused = await failureOf(root.call('deleteIntegration', { params, query: {} }))
        await root.call('detachStack', { params: { id: 's' } })
        const done = await root.call('deleteIntegration', { params, query: {} })

        expect(refused).toMatchObject({ code: 'integration_protected', status: 409, stacks: ['s'] })
        expect(done).toEqual({ detached: [] })
      })

      test('R13 moving an integration away from its stacks needs force, and a dry run changes nothing', async () => {
        const { root } = await startWithSpaces(database)
        await root.call('createStack', { query: {}, body: { name: 'S', branch: 'main', spaceId: 'child-space' } })
        await attach(root, 's', { integrationId: 'parent-vcs' })
        const move = (query: object) =>
          root.call('updateIntegration', { params: { id: 'parent-vcs' }, query, body: { spaceId: 'alone-space' } })

        const planned = await move({ dryRun: 'true' })
        const present = await root.call('getIntegration', { params: { id: 'parent-vcs' } })
        const refused = await failureOf(move({}))
        const forced = await move({ force: 'true' })

        expect(planned.detached).toEqual(['s'])
        expect(present.spaceId).toBe('parent-space')
        expect(refused).toMatchObject({ code: 'would_detach', status: 409, stacks: ['s'] })
        expect(forced).toMatchObject({ detached: ['s'], integration: { spaceId: 'alone-space' } })
        expect((await root.call('getStack', { params: { id: 's' } })).detached?.reason).toBe('integration_moved')
      })

      test('R23 switching inheritance off, or moving a space, that would detach needs force', async () => {
        const { root } = await startWithSpaces(database)
        await root.call('createStack', { query: {}, body: { name: 'S', branch: 'main', spaceId: 'child-space' } })
        await root.call('createStack', { query: {}, body: { name: 'D', branch: 'main', spaceId: 'child-space' } })
        await attach(root, 's', { integrationId: 'parent-vcs' })
        await attach(root, 'd', {})
        const change = (query: object, body: object) =>
          root.call('updateSpace', { params: { id: 'child-space' }, query, body })

        const planned = await change({ dryRun: 'true' }, { inheritEntities: false })
        const refused = await failureOf(change({}, { inheritEntities: false }))
        const moved = await failureOf(change({}, { parentId: 'alone-space' }))
        const renamed = await change({}, { name: 'Renamed' })
        const forced = await change({ force: 'true' }, { inheritEntities: false })

        expect(planned.detached).toEqual(['s'])
        expect(refused).toMatchObject({ code: 'would_detach', stacks: ['s'] })
        expect(moved).toMatchObject({ code: 'would_detach', stacks: ['s'] })
        expect(renamed.detached).toEqual([])
        expect(forced.detached).toEqual(['s'])
        expect((await root.call('getStack', { params: { id: 's' } })).detached?.reason).toBe('space_changed')
        expect((await root.call('getStack', { params: { id: 'd' } })).attachment).not.toBeNull()
      })

      test('R22 moving a stack where it may not use its integration is refused', async () => {
        const { root } = await startWithSpaces(database)
        await root.call('createStack', { query: {}, body: { name: 'S', branch: 'main', spaceId: 'child-space' } })
        await attach(root, 's', { integrationId: 'parent-vcs' })

        const refused = await failureOf(
          root.call('updateStack', { params: { id: 's' }, query: {}, body: { spaceId: 'alone-space' } }),
        )

        expect(refused).toMatchObject({ code: 'integration_not_usable', errors: [{ pointer: '/spaceId' }] })
      })

      test('R140 one target per repository and integration, whatever the number of stacks', async () => {
        const server = await startWithSpaces(database)
        const { root } = server
        for (const name of ['A', 'B']) {
          await root.call('createStack', { query: {}, body: { name, branch: 'main', spaceId: 'child-space' } })
          await attach(root, name.toLowerCase(), { integrationId: 'parent-vcs' })
        }
        await root.call('createStack', { query: {}, body: { name: 'C', branch: 'main' } })
        await attach(root, 'c', { projectKey: 'infra' })
        await root.call('createStack', { query: {}, body: { name: 'Unattached', branch: 'main' } })

        const { items } = await root.call('listWebhookTargets', { query: {} })
        const secret = await root.call('readWebhookCredentials', { params: { id: 'parent-vcs' } })

        expect(items).toHaveLength(2)
        expect(items.find(({ integrationId }) => integrationId === 'parent-vcs')).toMatchObject({
          projectKey: 'INFRA',
          repositorySlug: 'network',
          repositoryId: repository.id,
          url: secret.url,
          secret: secret.secret,
          secretVersion: 1,
          managedBy: 'service',
          webhookId: null,
          stackIds: ['a', 'b'],
        })
        expect(items.find(({ integrationId }) => integrationId === 'default-vcs')?.stackIds).toEqual(['c'])
        expect(items[0]?.events).toHaveLength(8)
      })

      test('R140 targets come page by page, each once', async () => {
        const { root } = await startWithSpaces(database)
        for (const name of ['one', 'two', 'three']) {
          const repo = { integrationId: 'default-vcs', projectKey: 'INFRA', repositorySlug: name }
          await bitbucket.createRepository('INFRA', name).catch(() => undefined)
          await root.call('createStack', { query: {}, body: { name, branch: 'main', repository: repo } })
        }

        const seen: string[] = []
        let cursor: string | undefined
        do {
          const page = await root.call('listWebhookTargets', { query: { limit: 1, ...(cursor ? { cursor } : {}) } })
          seen.push(...page.items.map(({ repositorySlug }) => repositorySlug))
          cursor = page.nextCursor ?? undefined
        } while (cursor !== undefined)

        expect(seen.sort()).toEqual(['one', 'three', 'two'])
      })

      test('R142 a registration that names Terraform makes the target Terraform’s; forgotten, it is the service’s', async () => {
        const { root } = await startWithSpaces(database)
        await root.call('createStack', { query: {}, body: { name: 'S', branch: 'main' } })
        await attach(root, 's', {})
        const report = (fields: object) =>
          root.call('reportRegistration', {
            body: {
              integrationId: 'default-vcs',
              projectKey: 'INFRA',
              repositorySlug: 'network',
              repositoryId: repository.id,
              webhookId: 7,
              secretVersion: 1,
              observed: 'in_sync',
              managedBy: 'terraform',
              ...fields,
            },
          })

        const first = await report({})
        // A sweep that began before Terraform's report ends after it.
        const again = await report({ observed: 'drifted', drift: ['events'], managedBy: 'service' })
        const [declared] = (await root.call('listWebhookTargets', { query: {} })).items
        const { items } = await root.call('listRegistrations', { query: { integrationId: 'default-vcs' } })
        await root.call('forgetRegistration', { params: { id: items[0]?.id ?? '' } })
        const [left] = (await root.call('listWebhookTargets', { query: {} })).items

        expect(again).toMatchObject({ id: first.id, observed: 'drifted', managedBy: 'terraform' })
        expect(items).toEqual([again])
        expect(declared).toMatchObject({ managedBy: 'terraform', webhookId: 7 })
        expect(left).toMatchObject({ managedBy: 'service', webhookId: null })
      })

      test('R27a a registrar sees its space and those below, and what is elsewhere as if it did not exist', async () => {
        const server = await startWithSpaces(database)
        const { root } = server
        await root.call('createStack', { query: {}, body: { name: 'S', branch: 'main', spaceId: 'child-space' } })
        await attach(root, 's', { integrationId: 'parent-vcs' })
        await root.call('createStack', { query: {}, body: { name: 'D', branch: 'main', spaceId: 'child-space' } })
        await attach(root, 'd', {})
        const parent = await server.registrar('parent-space')
        const alone = await server.registrar('alone-space')
        const everywhere = await server.registrar('root')
        const targetsOf = async (client: ServerClient) =>
          (await client.call('listWebhookTargets', { query: {} })).items
            .map(({ integrationId }) => integrationId)
            .sort()

        expect(await targetsOf(everywhere)).toEqual(['default-vcs', 'parent-vcs'])
        expect(await targetsOf(parent)).toEqual(['parent-vcs'])
        expect(await targetsOf(alone)).toEqual([])
        expect((await alone.call('listIntegrations', { query: {} })).items).toEqual([])
        const ids = { ids: 'parent-vcs,default-vcs,absent' }
        expect((await parent.call('listIntegrations', { query: ids })).items.map(({ id }) => id)).toEqual([
          'parent-vcs',
        ])
        for (const id of ['getIntegration', 'readWebhookCredentials'] as const) {
          const hidden = await failureOf(alone.call(id, { params: { id: 'parent-vcs' } }))
          const absent = await failureOf(alone.call(id, { params: { id: 'absent-vcs' } }))
          expect({ ...hidden, detail: hidden.detail.replace('parent', 'absent') }).toEqual({
            ...absent,
            detail: absent.detail,
          })
          expect(hidden.status).toBe(404)
        }
        const writes = await failureOf(parent.call('deleteIntegration', { params: { id: 'parent-vcs' }, query: {} }))
        expect(writes).toMatchObject({ code: 'forbidden', status: 403 })
      })
    })
  }
})

/** ParentSpace with an integration, ChildSpace that inherits from it, AloneSpace that does not; a default integration. */
async function startWithSpaces(database: TestDatabase): Promise<TestServer> {
  const server = await startTestServer(database, { allowedLoopback: [new URL(bitbucket.url).host] })
  const { root } = server
  await root.call('createSpace', { body: { name: 'Parent Space' } })
  await root.call('createSpace', {
    body: { name: 'Child Space', parentId: 'parent-space', inheritEntities: true },
  })
  await root.call('createSpace', { body: { name: 'Alone Space', parentId: 'parent-space', inheritEntities: false } })
  await root.call('createIntegration', {
    body: { name: 'Default VCS', isDefault: true, apiHost: bitbucket.url, accessToken: token },
  })
  await createParentVcs(root)
  return server
}

function createParentVcs(root: ServerClient) {
  return root.call('createIntegration', {
    body: { name: 'Parent VCS', spaceId: 'parent-space', apiHost: bitbucket.url, accessToken: token },
  })
}

function attach(
  root: ServerClient,
  stack: string,
  fields: { integrationId?: string; projectKey?: string; repositorySlug?: string },
  skipVerification: 'true' | 'false' = 'false',
) {
  return root.call('attachStack', {
    params: { id: stack },
    query: { skipVerification },
    body: { projectKey: 'INFRA', repositorySlug: 'network', ...fields },
  })
}

async function insertRun(server: TestServer, slug: string, state: string): Promise<void> {
  const { db } = server
  const stack = await db.selectFrom('stack').selectAll().where('slug', '=', slug).executeTakeFirstOrThrow()
  await db
    .insertInto('run')
    .values({
      id: '0190a0a0-0000-7000-8000-000000000001',
      integration_id: stack.integration_id ?? '',
      stack_id: stack.id,
      type: 'TRACKED',
      state,
      state_reason: null,
      commit_sha: 'a'.repeat(40),
      branch: 'main',
      run_key: null,
      delivery_id: null,
      created_at: 1,
      updated_at: 1,
    })
    .execute()
}

async function failureOf(call: Promise<unknown>): Promise<ServerProblem> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof ServerProblem) return error
  throw error ?? new Error('The call succeeded.')
}
