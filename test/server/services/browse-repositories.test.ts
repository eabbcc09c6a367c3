import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ServerClient } from '../../../clients/server/client.ts'
import { createAccount, createSpaces } from '../../support/accounts.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { openTestEmulator, type TestEmulator, type TestRepository } from '../../support/emulator.ts'
import { failureOf } from '../../support/failure-of.ts'
import { needs } from '../../support/left-out.ts'
import { startTestServer } from '../../support/server.ts'

let emulator: TestEmulator
let network: TestRepository

needs('git', 'git-http-backend')('choosing a repository', () => {
  beforeAll(async () => {
    emulator = await openTestEmulator({ contextPath: '/bitbucket' })
    await emulator.createUser('ada')
    network = await emulator.createRepository('NET', 'network')
    await network.push({ files: { 'live/vpc/main.tf': '1', 'live/README.md': '1', 'main.tf': '1' } })
    await network.push({ branch: 'release/1', from: 'main', files: { 'main.tf': '2' } })
    for (const name of ['compute', 'storage', 'dns']) await emulator.createRepository('INFRA', name)
    await emulator.createRepository('HR', 'salaries')
    await emulator.createRepository('~ada', 'dotfiles')
    return () => emulator.close()
  })
  for (const database of databases) describe(database.name, () => suite(database))
})

/** A space with a Writer of it, and an integration of the emulator above it. */
async function setUp(database: TestDatabase, fields: object = {}) {
  const server = await startTestServer(database, { allowedLoopback: [new URL(emulator.url).host] })
  await createSpaces(server, 'root/team', 'root/team/+web', 'root/team/closed')
  await server.root.call('createIntegration', {
    body: { name: 'vcs', spaceId: 'team', apiHost: emulator.url, accessToken: emulator.adminToken, ...fields },
  })
  const writer = server.client(await createAccount(server, { role: 'writer', spaceId: 'web' }))
  return { server, root: server.root, writer }
}

const params = { id: 'vcs' }
const spaceId = 'web'

function repositories(client: ServerClient, query: object = {}) {
  return client.call('listBitbucketRepositories', { params, query: { spaceId, ...query } })
}

function tree(client: ServerClient, query: object = {}) {
  const place = { spaceId, repository: 'NET/network', branch: 'main' }
  return client.call('listBitbucketTree', { params, query: { ...place, ...query } })
}

function suite(database: TestDatabase): void {
  test('R29 projects, repositories, branches and folders are what Bitbucket has, personal ones too', async () => {
    const { writer } = await setUp(database)

    const projects = await writer.call('listBitbucketProjects', { params, query: { spaceId } })
    const all = await repositories(writer)
    const ofProject = await repositories(writer, { project: 'infra', q: 'd' })
    const personal = await repositories(writer, { project: '~ada' })
    const branches = await writer.call('listBitbucketBranches', {
      params,
      query: { spaceId, repository: 'NET/network', q: 'rel' },
    })
    const folder = await tree(writer, { path: 'live' })

    expect(projects.items.map(({ projectKey, isPersonal }) => [projectKey.toLowerCase(), isPersonal])).toEqual(
      expect.arrayContaining([
        ['net', false],
        ['~ada', true],
      ]),
    )
    expect(all.items.map(({ repositorySlug }) => repositorySlug).sort()).toEqual(
      ['compute', 'dns', 'dotfiles', 'network', 'salaries', 'storage'].sort(),
    )
    expect(ofProject.items.map(({ projectKey, repositorySlug }) => `${projectKey}/${repositorySlug}`)).toEqual([
      'INFRA/dns',
    ])
    expect(personal.items).toMatchObject([{ repositorySlug: 'dotfiles', isArchived: false }])
    expect(branches.items).toMatchObject([{ name: 'release/1', isDefault: false }])
    expect(folder.items.map(({ path, type }) => [path, type]).sort()).toEqual([
      ['live/README.md', 'file'],
      ['live/vpc', 'directory'],
    ])
    expect((await tree(writer)).items.map(({ name }) => name).sort()).toEqual(['live', 'main.tf'])
  })

  test('R29 pages follow Bitbucket’s own, each repository once', async () => {
    const { writer } = await setUp(database)

    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await repositories(writer, { limit: 2, ...(cursor ? { cursor } : {}) })
      expect(page.items.length).toBeLessThanOrEqual(2)
      seen.push(...page.items.map(({ repositorySlug }) => repositorySlug))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)

    expect(seen).toHaveLength(6)
    expect(new Set(seen).size).toBe(6)
  })

  test('R29 S21 whoever is no Writer of the space asks nothing, and an integration out of sight does not exist', async () => {
    const { server, writer, root } = await setUp(database)
    await createSpaces(server, 'root/other')
    const reader = server.client(
      await createAccount(server, { role: 'reader', spaceId: 'web' }, { role: 'writer', spaceId: 'other' }),
    )
    const stranger = server.client(await createAccount(server, { role: 'writer', spaceId: 'other' }))
    const before = emulator.requests().length

    expect(await failureOf(repositories(reader))).toMatchObject({ status: 403 })
    expect(await failureOf(repositories(reader, { spaceId: 'other' }))).toMatchObject({
      status: 422,
      code: 'integration_not_usable',
    })
    expect(await failureOf(repositories(stranger, { spaceId: 'other' }))).toMatchObject({
      status: 404,
      code: 'integration_not_found',
    })
    expect(await failureOf(repositories(writer, { spaceId: 'other' }))).toMatchObject({
      status: 404,
      code: 'space_not_found',
    })
    expect(await failureOf(repositories(root, { spaceId: 'closed' }))).toMatchObject({ code: 'integration_not_usable' })
    expect(emulator.requests().length).toBe(before)
  })

  test('S24 what the integration does not lend to the space is not shown, and not asked for', async () => {
    const { writer } = await setUp(database, {
      repositoryAccess: [{ spaceId: 'web', repositories: ['INFRA/d*', 'NET/*'] }],
    })
    const before = emulator.requests().length
    const hidden = await failureOf(tree(writer, { repository: 'HR/salaries' }))
    const hiddenBranches = await failureOf(
      writer.call('listBitbucketBranches', { params, query: { spaceId, repository: 'HR/salaries' } }),
    )
    expect(emulator.requests().length).toBe(before)

    const shown = await repositories(writer)
    const projects = await writer.call('listBitbucketProjects', { params, query: { spaceId } })

    expect(hidden).toMatchObject({ status: 403, code: 'repository_not_allowed' })
    expect(hiddenBranches).toMatchObject({ status: 403, code: 'repository_not_allowed' })
    expect(shown.items.map(({ repositorySlug }) => repositorySlug).sort()).toEqual(['dns', 'network'])
    expect(projects.items.map(({ projectKey }) => projectKey).sort()).toEqual(['INFRA', 'NET'])
  })

  test('S26 a look is recorded with person and repository, once an hour, and the sixty-first in a minute refused', async () => {
    const { writer, root } = await setUp(database)

    for (let look = 0; look < 30; look++) await tree(writer)
    for (let look = 0; look < 30; look++) await repositories(writer, { q: 'n' })
    const refused = await failureOf(repositories(writer))
    const { items } = await root.call('listAudit', { query: { action: 'integration.browse' } })

    expect(refused).toMatchObject({ status: 429, code: 'too_many_requests' })
    // One hour may end meanwhile.
    expect([2, 3, 4]).toContain(items.length)
    expect(items).toContainEqual(
      expect.objectContaining({
        object: 'integration:vcs',
        details: { spaceId: 'web', repository: 'NET/network' },
      }),
    )
  })

  test('S25 an integration that asks for proof shows nothing to who has given none', async () => {
    const { writer } = await setUp(database, { requireBitbucketAccess: true })

    expect(await failureOf(repositories(writer))).toMatchObject({ status: 403, code: 'no_bitbucket_access' })
  })

  test('R29 S37 what is not there is named by the parameter that asked for it, and a failure by one of three codes', async () => {
    const { server, root, writer } = await setUp(database)
    await root.call('createIntegration', {
      body: { name: 'gone', spaceId: 'web', apiHost: 'http://bitbucket.invalid', accessToken: 'planted-token' },
    })
    await root.call('createIntegration', {
      body: { name: 'wrong', spaceId: 'web', apiHost: emulator.url, accessToken: 'planted-token' },
    })
    const projectsOf = (id: string) =>
      failureOf(writer.call('listBitbucketProjects', { params: { id }, query: { spaceId } }))

    const refusals = {
      repository: await failureOf(tree(writer, { repository: 'NET/absent' })),
      branch: await failureOf(tree(writer, { branch: 'absent' })),
      path: await failureOf(tree(writer, { path: 'live/absent' })),
      file: await failureOf(tree(writer, { path: 'main.tf' })),
      gone: await projectsOf('gone'),
      wrong: await projectsOf('wrong'),
    }

    expect(refusals).toMatchObject({
      repository: { status: 422, code: 'repository_not_in_bitbucket', errors: [{ pointer: '?repository' }] },
      branch: { status: 422, code: 'branch_not_in_bitbucket', errors: [{ pointer: '?branch' }] },
      path: { status: 422, code: 'path_not_in_bitbucket', errors: [{ pointer: '?path' }] },
      file: { status: 422, code: 'path_not_in_bitbucket' },
      gone: { status: 502, code: 'bitbucket_unreachable' },
      wrong: { status: 422, code: 'bitbucket_refused' },
    })
    expect(JSON.stringify(refusals) + server.log()).not.toContain('planted-token')
  })

  test('S36 hostile keys, slugs, branches and paths never leave the repository’s own address', async () => {
    const { server } = await setUp(database)
    const token = await server.token()
    const start = emulator.requests().length
    const hostile = fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '%2e%2e',
        '../../admin',
        'a/../../b',
        '\\..\\',
        'a\r\nHost: x',
        'a\0b',
        '\u2028',
        '?x',
        '#x',
        'a;b',
        '~',
      ),
      fc.string({ unit: 'binary', maxLength: 12 }),
    )
    await fc.assert(
      fc.asyncProperty(hostile, hostile, hostile, hostile, async (key, slug, branch, path) => {
        const query = new URLSearchParams({ spaceId: 'team', repository: `${key}/${slug}`, branch, path })
        const answer = await server.request('GET', `/api/v1/integrations/vcs/tree?${query}`, { token })
        expect([200, 400, 422, 429]).toContain(answer.status)
      }),
      { numRuns: database.name === 'sqlite' ? 150 : 20 },
    )
    for (const path of ['..', 'a/../b', 'a//b', '/a', 'a\\b', 'a\nb']) {
      const query = new URLSearchParams({ spaceId: 'team', repository: 'NET/network', branch: 'main', path })
      const answer = await server.request('GET', `/api/v1/integrations/vcs/tree?${query}`, { token })
      expect([answer.status, path]).toEqual([422, path])
    }
    for (const { path } of emulator.requests().slice(start)) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is the point
      expect(path).toMatch(/^\/rest\/api\/latest\/(projects\/[^/]+\/repos\/[^/]+\/browse|repos|projects)[^\x00-\x20]*$/)
      expect(path).not.toMatch(/\/\.{1,2}(\/|\?|$)/)
    }
  })
}
