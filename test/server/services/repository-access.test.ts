import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServerClient } from '../../../clients/server/client.ts'
import type { RepositoryAccess } from '../../../schemas/integration.ts'
import { sendBuildStatuses } from '../../../server/services/send-build-statuses.ts'
import { claimBuildStatuses, putBuildStatuses } from '../../../server/store/build-statuses.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { openTestEmulator, type TestEmulator, type TestRepository } from '../../support/emulator.ts'
import { failureOf } from '../../support/failure-of.ts'
import { needs } from '../../support/left-out.ts'
import { testProcessing } from '../../support/processing.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { deliverPush } from '../../support/signed-push.ts'

let bitbucket: TestEmulator
let network: TestRepository
let salaries: TestRepository
let token: string
let moving = 0

needs('git', 'git-http-backend')('what an integration lends', () => {
  beforeAll(async () => {
    bitbucket = await openTestEmulator()
    network = await bitbucket.createRepository('INFRA', 'network')
    salaries = await bitbucket.createRepository('HR', 'salaries')
    for (const repository of [network, salaries]) await repository.push({ files: { 'main.tf': '1' } })
    await bitbucket.createUser('mooring-svc')
    for (const project of ['INFRA', 'HR']) await bitbucket.grant('mooring-svc', 'PROJECT_READ', project)
    token = await bitbucket.createToken('mooring-svc', ['PROJECT_READ', 'REPO_READ'])
  })
  afterAll(() => bitbucket.close())
  for (const database of databases) describe(database.name, () => suite(database))
})

const infra = { projectKey: 'INFRA', repositorySlug: 'network' }
const hr = { projectKey: 'HR', repositorySlug: 'salaries' }
const rule = (spaceId: string, ...repositories: string[]) => ({ spaceId, repositories })

function suite(database: TestDatabase): void {
  test('S23 S24 R27b attaching, re-attaching and an inline repository stay within the rules', async () => {
    const server = await start(database, [rule('team', 'INFRA/*')])
    const { root } = server
    const before = bitbucket.requests().length
    const inline = (repository: object) =>
      root.call('createStack', {
        query: {},
        body: { name: 'Inline', branch: 'main', spaceId: 'team', repository: repository as typeof infra },
      })
    await root.call('createStack', { query: {}, body: { name: 'Own', branch: 'main', spaceId: 'team' } })
    const attach = (id: 'attachStack' | 'replaceAttachment', repository: typeof infra) =>
      root.call(id, { params: { id: 'own' }, query: {}, body: repository })
    const refused = (pointer: string) => ({ code: 'repository_not_allowed', status: 403, errors: [{ pointer }] })

    expect(await failureOf(inline(hr))).toMatchObject(refused('/repository/repositorySlug'))
    expect(await failureOf(attach('attachStack', hr))).toMatchObject(refused('/repositorySlug'))
    expect(bitbucket.requests().length).toBe(before)
    await inline(infra)
    await attach('attachStack', infra)
    expect(await failureOf(attach('replaceAttachment', hr))).toMatchObject(refused('/repositorySlug'))
    const update = root.call('updateStack', { params: { id: 'inline' }, query: {}, body: { repository: hr } })
    expect(await failureOf(update)).toMatchObject(refused('/repository/repositorySlug'))
  })

  test('S24 a rule that is revoked between attach and push hands out no code: the stack is detached at once', async () => {
    const server = await start(database, [rule('team', 'INFRA/*')])
    await createStack(server.root, 'one')
    const head = await network.push({ files: { 'main.tf': `${Math.random()}` } })
    await deliverPush(server, 'vcs', network, [{ branch: 'main', from: null, to: head }])

    const planned = await narrow(server.root, [rule('team', 'OTHER/*')], 'true')
    const still = await server.root.call('getStack', { params: { id: 'one' } })
    const done = await narrow(server.root, [rule('team', 'OTHER/*')])
    const before = bitbucket.requests().length
    const next = await network.push({ files: { 'main.tf': `${Math.random()}` } })
    const verdict = await deliverPush(server, 'vcs', network, [{ branch: 'main', from: head, to: next }])

    expect([planned.detached, still.detached, done.detached]).toEqual([['one'], null, ['one']])
    expect(await server.root.call('getStack', { params: { id: 'one' } })).toMatchObject({
      attachment: null,
      detached: { reason: 'repository_not_allowed' },
    })
    expect(verdict).toEqual({ verdict: 'ignored', reason: 'no_match' })
    const { items } = await server.root.call('listRuns', { query: {} })
    expect(items.map(({ commitSha, state }) => `${commitSha} ${state}`)).toEqual([`${head} FAILED`])
    expect(codeRequests(before)).toEqual([])
  })

  test('S24 the rules are asked again at each push, whoever changed them', async () => {
    const server = await start(database, [rule('team', 'INFRA/*')])
    await createStack(server.root, 'one')
    await server.db
      .updateTable('integration')
      .set({ repository_access: JSON.stringify([rule('team', 'OTHER/*')]) })
      .execute()
    const before = bitbucket.requests().length
    const head = await network.push({ files: { 'main.tf': `${Math.random()}` } })

    const verdict = await deliverPush(server, 'vcs', network, [{ branch: 'main', from: null, to: head }])

    expect(verdict).toEqual({ verdict: 'ignored', reason: 'no_match' })
    expect((await server.root.call('getStack', { params: { id: 'one' } })).detached).toMatchObject({
      reason: 'repository_not_allowed',
      ...infra,
    })
    expect(codeRequests(before)).toEqual([])
    const audit = await server.db.selectFrom('audit').selectAll().where('action', '=', 'stack.detach').execute()
    expect(audit.map(({ actor, object }) => `${actor} ${object}`)).toEqual(['server stack:one'])
  })

  test('S24 a repository that moved out of the rule is detached at its next push; a stack that may have it stays', async () => {
    const name = `moving-${++moving}`
    const repository = await bitbucket.createRepository('INFRA', name)
    const first = await repository.push({ files: { 'main.tf': '1' } })
    const server = await start(database, [rule('team', `INFRA/${name}`), rule('ops', `INFRA/${name}`, `HR/${name}`)])
    for (const spaceId of ['team', 'ops']) {
      await createStack(server.root, spaceId, spaceId, { projectKey: 'INFRA', repositorySlug: name })
    }
    const moved = await bitbucket.rest('PUT', repository.path, { body: { project: { key: 'HR' } } })
    expect(moved.status).toBe(201)

    await deliverPush(server, 'vcs', { id: repository.id, key: 'HR', slug: name }, [
      { branch: 'main', from: null, to: first },
    ])

    const detachedOf = async (id: string) =>
      (await server.root.call('getStack', { params: { id } })).detached?.reason ?? null
    expect([await detachedOf('team'), await detachedOf('ops')]).toEqual(['repository_not_allowed', null])
    const { items } = await server.root.call('listRuns', { query: {} })
    expect(items.map(({ stackId }) => stackId)).toEqual(['ops'])
  })

  test('S30 moving a stack, its space or the integration, and ending inheritance, ask the rules again', async () => {
    const server = await start(database, [rule('team', 'INFRA/*')])
    const { root } = server
    await root.call('createSpace', { body: { name: 'Below', parentId: 'team', inheritEntities: true } })
    await createStack(root, 'one', 'below')
    const moveStack = () => root.call('updateStack', { params: { id: 'one' }, query: {}, body: { spaceId: 'ops' } })
    const changeSpace = (body: object, query: object = {}) =>
      root.call('updateSpace', { params: { id: 'below' }, query, body })

    expect(await failureOf(moveStack())).toMatchObject({
      code: 'repository_not_allowed',
      errors: [{ pointer: '/spaceId' }],
    })
    for (const body of [{ inheritEntities: false }, { parentId: 'ops' }]) {
      expect(await failureOf(changeSpace(body))).toMatchObject({ code: 'would_detach', stacks: ['one'] })
      expect((await changeSpace(body, { dryRun: 'true' })).detached).toEqual(['one'])
    }
    expect((await changeSpace({ inheritEntities: false }, { force: 'true' })).detached).toEqual(['one'])
    expect((await root.call('getStack', { params: { id: 'one' } })).attachment).toBeNull()
  })

  test('S30 an integration that moves keeps to its rules in the new place', async () => {
    const server = await startTestServer(database, { allowedLoopback: [new URL(bitbucket.url).host] })
    const { root } = server
    for (const name of ['Parent', 'Elsewhere']) await root.call('createSpace', { body: { name } })
    await root.call('createSpace', { body: { name: 'Child', parentId: 'parent', inheritEntities: true } })
    await root.call('createIntegration', {
      body: {
        name: 'VCS',
        spaceId: 'parent',
        apiHost: bitbucket.url,
        accessToken: token,
        repositoryAccess: [rule('parent', 'INFRA/*')],
      },
    })
    await createStack(root, 'one', 'child', { ...infra, integrationId: 'vcs' })
    const move = (body: object, query: object = {}) =>
      root.call('updateIntegration', { params: { id: 'vcs' }, query, body })

    expect((await move({ spaceId: 'child' })).detached).toEqual([])
    const rules = [rule('elsewhere', '**')]
    expect(await failureOf(move({ spaceId: 'parent', repositoryAccess: rules }))).toMatchObject({
      code: 'would_detach',
      stacks: ['one'],
    })
    expect((await move({ spaceId: 'parent', repositoryAccess: rules }, { force: 'true' })).detached).toEqual(['one'])
  })

  test('S24 a status is not sent for a repository that no rule covers any more', async () => {
    const server = await start(database, [rule('team', 'INFRA/*')])
    const { db } = server
    const integration = await db.selectFrom('integration').selectAll().executeTakeFirstOrThrow()
    await db.updateTable('integration').set({ repository_access: '[]' }).execute()
    const commit = await network.push({ files: { 'main.tf': `${Math.random()}` } })
    const status = {
      integration_id: integration.id,
      project_key: network.key,
      repository_slug: network.slug,
      repository_id: network.id,
      commit_sha: commit,
      status_key: 'a-key',
      state: 'INPROGRESS',
      url: 'https://mooring.test/runs/1',
      name: 'a run',
      description: 'waits',
      ref: 'refs/heads/main',
    } as const
    const deps = testProcessing(db, token)

    await putBuildStatuses(db, [status], Date.now())
    const now = Date.now()
    const claimed = await claimBuildStatuses(db, { now, leaseUntil: now + 60_000, limit: 10, except: [] })
    await sendBuildStatuses(deps, integration.id, claimed)

    const { body } = await bitbucket.rest('GET', `/rest/build-status/latest/commits/${commit}`)
    expect(body.values).toEqual([])
  })

  test('S25 where proof is asked for, a person attaches only what he can read himself', async () => {
    const server = await start(database, null, { requireBitbucketAccess: true })
    const { root } = server
    await bitbucket.createUser(`ada-${++moving}`)
    const name = `ada-${moving}`
    await bitbucket.grant(name, 'REPO_READ', network)
    const own = await bitbucket.createToken(name, ['REPO_READ'])
    const before = bitbucket.requests().length
    const attach = (repository: object) =>
      root.call('createStack', {
        query: {},
        body: { name: 'One', branch: 'main', spaceId: 'team', repository: repository as typeof infra },
      })
    const refused = { code: 'no_bitbucket_access', status: 403, errors: [{ pointer: '/repository/bitbucketToken' }] }

    expect(await failureOf(attach(infra))).toMatchObject(refused)
    expect(await failureOf(attach({ ...hr, bitbucketToken: own }))).toMatchObject(refused)
    expect(await failureOf(attach({ ...infra, bitbucketToken: 'wrong' }))).toMatchObject(refused)
    const bySharedToken = bitbucket
      .requests()
      .slice(before)
      .filter(({ user }) => user === 'mooring-svc')
    expect(bySharedToken).toEqual([])
    expect((await attach({ ...infra, bitbucketToken: own })).attachment?.repositoryId).toBe(network.id)

    const tables = await server.db.introspection.getTables()
    const names = tables.filter(({ schema }) => (schema ?? 'public') === 'public').map((table) => table.name)
    const rows = await Promise.all(
      names.map((table) =>
        server.db
          .selectFrom(table as 'stack')
          .selectAll()
          .execute(),
      ),
    )
    expect(JSON.stringify(rows)).not.toContain(own)
    expect(server.log()).not.toContain(own)
  })
}

/** A server with a default integration that has these rules, and the spaces team and ops. */
async function start(
  database: TestDatabase,
  repositoryAccess: RepositoryAccess | null,
  fields: object = {},
): Promise<TestServer> {
  const server = await startTestServer(database, { allowedLoopback: [new URL(bitbucket.url).host] })
  for (const name of ['Team', 'Ops']) await server.root.call('createSpace', { body: { name } })
  await server.root.call('createIntegration', {
    body: { name: 'VCS', isDefault: true, apiHost: bitbucket.url, accessToken: token, repositoryAccess, ...fields },
  })
  return server
}

function createStack(
  root: ServerClient,
  name: string,
  spaceId = 'team',
  repository: { projectKey: string; repositorySlug: string; integrationId?: string } = infra,
) {
  return root.call('createStack', { query: {}, body: { name, branch: 'main', spaceId, repository } })
}

function narrow(root: ServerClient, repositoryAccess: RepositoryAccess, dryRun: 'true' | 'false' = 'false') {
  return root.call('updateIntegration', { params: { id: 'vcs' }, query: { dryRun }, body: { repositoryAccess } })
}

/** What was asked of Bitbucket that tells something of what is in the repository. */
function codeRequests(after: number): string[] {
  return bitbucket
    .requests()
    .slice(after)
    .map(({ method, path }) => `${method} ${path}`)
    .filter((line) => /compare|commits|branches|browse|raw|archive/.test(line))
}
