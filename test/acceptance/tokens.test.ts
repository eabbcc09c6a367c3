import { beforeAll, expect, test } from 'vitest'
import { needs } from '../support/left-out.ts'
import { integrationBlock } from './configurations.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage
let secondToken: string

needs('terraform')('the access token', () => {
  beforeAll(async () => {
    stage = await openStage()
    await stage.emulator.createRepository('PRJ', 'one')
    await stage.emulator.createUser('second-reader')
    await stage.emulator.grant('second-reader', 'PROJECT_READ', 'PRJ')
    secondToken = await stage.emulator.createToken('second-reader', ['PROJECT_READ', 'REPO_READ'])
  })

  test('R130 a new version of the write-only token rotates it in place', async () => {
    const rotated = { access_token_wo: JSON.stringify(secondToken) }
    const workspace = await stage.open(integrationBlock(stage, 'rotating'))
    await workspace.apply()
    await workspace.configure(integrationBlock(stage, 'rotating', rotated))
    await workspace.expectNoChanges()

    await workspace.configure(integrationBlock(stage, 'rotating', { ...rotated, access_token_wo_version: '"2"' }))
    const plan = await workspace.plan()
    await workspace.apply()

    expect(plan.changes).toMatchObject([{ action: 'update', attributes: ['access_token_wo_version'] }])
    expect(await userWhoReads('rotating')).toBe('second-reader')
    await workspace.expectNoChanges()
  })

  test('S28 a changed api_host takes the token of the configuration along, without another version', async () => {
    const localhost = stage.emulator.url.replace('127.0.0.1', 'localhost')
    const workspace = await stage.open(integrationBlock(stage, 'moving'))
    await workspace.apply()
    expect(await userWhoReads('moving')).toBe('reader')

    await workspace.apply(integrationBlock(stage, 'moving', { api_host: JSON.stringify(localhost) }))

    expect((await stage.server.root.call('getIntegration', { params: { id: 'moving' } })).apiHost).toBe(localhost)
    expect(await userWhoReads('moving')).toBe('reader')
    await workspace.expectNoChanges()
  })

  test('S28 the same for a token that the state keeps, and for its change to a write-only one', async () => {
    const localhost = JSON.stringify(stage.emulator.url.replace('127.0.0.1', 'localhost'))
    const kept = { access_token_wo: null, access_token_wo_version: null, access_token: JSON.stringify(stage.readToken) }
    const workspace = await stage.open(integrationBlock(stage, 'kept', kept))
    await workspace.apply()

    await workspace.apply(integrationBlock(stage, 'kept', { ...kept, api_host: localhost }))
    expect(await userWhoReads('kept')).toBe('reader')
    await workspace.apply(
      integrationBlock(stage, 'kept', { api_host: localhost, access_token_wo: JSON.stringify(secondToken) }),
    )

    expect(await userWhoReads('kept')).toBe('second-reader')
    await workspace.expectNoChanges()
  })

  test('S28 a changed api_host without a token is refused, and the old host stays', async () => {
    const workspace = await stage.open(integrationBlock(stage, 'bare'))
    await workspace.apply()
    const without = { access_token_wo: null, access_token_wo_version: null }

    await workspace.configure(
      integrationBlock(stage, 'bare', { ...without, api_host: '"https://elsewhere.example.com"' }),
    )
    const refused = await workspace.fail({}, 'apply', '-auto-approve')

    expect(refused).toContain('a stored token is never sent to another place')
    expect((await stage.server.root.call('getIntegration', { params: { id: 'bare' } })).apiHost).toBe(
      stage.emulator.url,
    )
  })
})

/** Attaches a stack for a moment: the server asks Bitbucket for the repository, as the user whose token it holds. */
async function userWhoReads(integrationId: string): Promise<string | null | undefined> {
  const seen = stage.emulator.requests().length
  const repository = { integrationId, projectKey: 'PRJ', repositorySlug: 'one' }
  const body = { name: 'probe', branch: 'main', repository }
  const { id } = await stage.server.root.call('createStack', { query: {}, body })
  await stage.server.root.call('deleteStack', { params: { id } })
  return stage.emulator
    .requests()
    .slice(seen)
    .find(({ path }) => path.includes('/repos/one'))?.user
}
