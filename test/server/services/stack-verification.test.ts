import { beforeAll, describe, expect, test } from 'vitest'
import { createAccount, createSpaces } from '../../support/accounts.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { openTestEmulator, type TestEmulator } from '../../support/emulator.ts'
import { failureOf } from '../../support/failure-of.ts'
import { needs } from '../../support/left-out.ts'
import { startTestServer } from '../../support/server.ts'
import { deliverPush } from '../../support/signed-push.ts'

let emulator: TestEmulator
let project = 0

needs('git', 'git-http-backend')('what is saved is what Bitbucket has', () => {
  beforeAll(async () => {
    emulator = await openTestEmulator()
    return () => emulator.close()
  })
  for (const database of databases) describe(database.name, () => suite(database))
})

async function setUp(database: TestDatabase) {
  const server = await startTestServer(database, { allowedLoopback: [new URL(emulator.url).host] })
  const { root } = server
  const repository = await emulator.createRepository(`SAVE${++project}`, 'infra')
  await root.call('createIntegration', {
    body: { name: 'vcs', isDefault: true, apiHost: emulator.url, accessToken: emulator.adminToken },
  })
  const place = { projectKey: repository.key, repositorySlug: 'infra' }
  const create = (branch: string, query: { skipVerification?: 'true' } = {}) =>
    root.call('createStack', { query, body: { name: `On ${branch}`, branch, repository: place } })
  const update = (id: string, body: object, query: { skipVerification?: 'true' } = {}) =>
    root.call('updateStack', { params: { id }, query, body })
  /** What the server asks Bitbucket while it saves. */
  const questions = async (act: () => Promise<unknown>) => {
    const before = emulator.requests().length
    await act()
    return emulator.requests().slice(before).length
  }
  /** Bitbucket answers nothing until the faults are cleared. */
  const breakBitbucket = () => emulator.addFault({ kind: 'reset', path: `*/${repository.key}/*` })
  return { server, root, repository, place, create, update, questions, breakBitbucket }
}

function suite(database: TestDatabase): void {
  test('R29 a branch that Bitbucket does not have is refused on its field, also when it is changed', async () => {
    const { root, repository, place, create, update } = await setUp(database)
    await repository.push({ files: { 'main.tf': '1' } })

    const refused = await failureOf(create('release'))
    const skipped = await failureOf(create('release', { skipVerification: 'true' }))
    const stack = await create('main')
    const changed = await failureOf(update('on-main', { branch: 'mai' }))
    await root.call('createStack', { query: {}, body: { name: 'Own', branch: 'nowhere' } })
    const attached = await failureOf(root.call('attachStack', { params: { id: 'own' }, query: {}, body: place }))

    const branchRefused = { code: 'branch_not_in_bitbucket', status: 422 }
    expect(refused).toMatchObject({ ...branchRefused, errors: [{ pointer: '/branch' }] })
    expect(skipped).toMatchObject(branchRefused)
    expect(stack.attachment).toMatchObject({ repositoryId: repository.id, verified: true })
    expect(changed).toMatchObject({ ...branchRefused, errors: [{ pointer: '/branch' }] })
    expect(attached).toMatchObject({ ...branchRefused, errors: [{ pointer: '/repositorySlug' }] })
    expect(attached.detail).toContain('"nowhere"')
  })

  test('R29 an empty repository takes the branch that it is to begin with, unverified until its first run', async () => {
    const { server, root, repository, create } = await setUp(database)

    const other = await failureOf(create('release'))
    const stack = await create('main')
    const first = await repository.push({ files: { 'main.tf': '1' } })
    await deliverPush(server, 'vcs', repository, [{ branch: 'main', from: null, to: first }])
    const after = await root.call('getStack', { params: { id: 'on-main' } })

    expect(other.code).toBe('branch_not_in_bitbucket')
    expect(stack.attachment).toMatchObject({ repositoryId: repository.id, verified: false })
    expect(after).toMatchObject({ headCommit: first, attachment: { verified: true } })
  })

  test('R29 with Bitbucket out of reach it is saved only with skipVerification, and confirmed by the next save', async () => {
    const { root, repository, place, create, update, breakBitbucket } = await setUp(database)
    await repository.push({ files: { 'main.tf': '1' } })
    await breakBitbucket()

    const refused = await failureOf(create('main'))
    const saved = await create('main', { skipVerification: 'true' })
    const renamed = await update('on-main', { name: 'Renamed' })
    await emulator.clearFaults()
    const confirmed = await update('on-main', { repository: { ...place, integrationId: null } })

    expect(refused).toMatchObject({ code: 'bitbucket_unreachable', status: 502 })
    expect(saved.attachment).toMatchObject({ repositoryId: null, verified: false })
    expect(renamed.attachment).toMatchObject({ verified: false })
    expect(confirmed.attachment).toMatchObject({ repositoryId: repository.id, verified: true })
    expect((await root.call('getStack', { params: { id: 'on-main' } })).attachment).toEqual(confirmed.attachment)
  })

  test('R29 a push that makes a run confirms what was saved without asking', async () => {
    const { server, root, repository, create, breakBitbucket } = await setUp(database)
    const first = await repository.push({ files: { 'main.tf': '1' } })
    await breakBitbucket()
    await create('main', { skipVerification: 'true' })
    await emulator.clearFaults()

    const second = await repository.push({ files: { 'main.tf': '2' } })
    await deliverPush(server, 'vcs', repository, [{ branch: 'main', from: first, to: second }])

    expect((await root.call('getStack', { params: { id: 'on-main' } })).attachment).toMatchObject({
      repositoryId: repository.id,
      verified: true,
    })
  })

  test('R29 what Bitbucket has confirmed is not asked again', async () => {
    const { repository, place, create, update, questions } = await setUp(database)
    await repository.push({ files: { 'main.tf': '1' } })
    await repository.push({ branch: 'release', from: 'main', files: { 'main.tf': '2' } })
    await create('main')

    expect(await questions(() => update('on-main', { description: 'x', repository: place }))).toBe(0)
    expect(await questions(() => update('on-main', { branch: 'main' }))).toBe(0)
    expect(await questions(() => update('on-main', { branch: 'release' }))).toBe(2)
  })

  test('S20 a role that ends while Bitbucket is asked ends the change', async () => {
    const { server, root, repository, place } = await setUp(database)
    await repository.push({ files: { 'main.tf': '1' } })
    await createSpaces(server, 'root/team')
    await root.call('createStack', { query: {}, body: { name: 'Mine', branch: 'main', spaceId: 'team' } })
    const account = await createAccount(server, { role: 'admin', spaceId: 'team' })
    await emulator.addFault({ kind: 'latency', ms: 500, path: `*/${repository.key}/*` })
    const before = emulator.requests().length

    const attaching = failureOf(
      server.client(account).call('attachStack', { params: { id: 'mine' }, query: {}, body: place }),
    )
    await new Promise((resolve) => setTimeout(resolve, 250))
    await root.call('updateUser', {
      params: { id: account.userId ?? '' },
      body: { roles: [{ role: 'reader', spaceId: 'team' }] },
    })
    const refused = await attaching
    await emulator.clearFaults()

    expect(emulator.requests().length).toBeGreaterThan(before)
    expect([401, 403]).toContain(refused.status)
    expect((await root.call('getStack', { params: { id: 'mine' } })).attachment).toBeNull()
  })
}
