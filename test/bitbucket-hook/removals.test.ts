import { describe, expect, test } from 'vitest'
import { exitCodeOf } from '../../bitbucket-hook/cli/run-once.ts'
import { type HookWorld, startHookWorld } from './hook-world.ts'

const eight = Array.from({ length: 8 }, (_, index) => `repo-${index}`)

async function detach({ server }: HookWorld, count: number): Promise<void> {
  const { items } = await server.root.call('listStacks', { query: { limit: 500 } })
  for (const { id } of items.slice(0, count)) {
    await server.root.call('updateStack', { params: { id }, query: {}, body: { repository: null } })
  }
}

async function remaining(world: HookWorld): Promise<number> {
  const lists = await Promise.all(world.repositories.map((repository) => world.webhooks(repository)))
  return lists.flat().length
}

describe('repositories that are attached no longer', () => {
  test('B33 lose our webhook and nobody else’s, and the server forgets it', async () => {
    const world = await startHookWorld({ repositories: ['infra', 'app'] })
    await world.run('apply')
    for (const repository of world.repositories) {
      await world.emulator.createWebhook(repository, { name: 'CI', url: 'https://ci.example.com/' })
      await world.emulator.createWebhook(repository, { name: 'by hand', url: world.credentials.url })
    }
    await detach(world, 1)

    const report = await world.run('apply')

    const removed = report.repositories.find(({ state }) => state === 'removed')
    const repository = world.repositories.find(({ slug }) => slug === removed?.repositorySlug)
    expect(report).toMatchObject({ result: 'complete', counts: { states: { removed: 1 } } })
    expect((await world.webhooks(repository)).map(({ name }) => name)).toEqual(['CI', 'by hand'])
    expect(await world.registrations()).toHaveLength(1)
    expect((await world.run('apply')).counts.repositories).toBe(1)
  })

  test('B33 keep it while another stack uses the repository', async () => {
    const world = await startHookWorld()
    await world.attach(world.repository, 'another stack')
    await world.run('apply')
    await detach(world, 1)

    const report = await world.run('apply')

    expect(report.counts.states).toMatchObject({ in_sync: 1, removed: 0 })
    expect(await world.webhooks()).toHaveLength(1)
  })

  test('B33 keep it where the policy is to keep it', async () => {
    const world = await startHookWorld({ repositories: ['infra', 'app'] })
    await world.run('apply')
    await detach(world, 1)

    const report = await world.run('apply', { MOORING_HOOK_REMOVALS: 'never' })

    expect(report).toMatchObject({ result: 'complete', counts: { states: { drifted: 1 }, reasons: { kept: 1 } } })
    expect(await remaining(world)).toBe(2)
    expect(await world.registrations()).toHaveLength(2)
  })

  test('B33 keep what Terraform or somebody else registered', async () => {
    const world = await startHookWorld({ repositories: ['infra', 'app'] })
    await world.run('apply')
    for (const { id: _, reportedAt: __, ...reported } of await world.registrations()) {
      await world.server.root.call('reportRegistration', { body: { ...reported, managedBy: 'terraform' } })
    }
    await detach(world, 1)

    await world.run('apply')

    expect(await remaining(world)).toBe(2)
  })

  test('B33 one that was deleted is forgotten', async () => {
    const world = await startHookWorld({ repositories: ['infra', 'app'] })
    await world.run('apply')
    await detach(world, 1)
    const attached = await world.server.root.call('listWebhookTargets', { query: {} })
    const detached = world.repositories.find(({ slug }) => slug !== attached.items[0]?.repositorySlug)
    await world.emulator.rest('DELETE', detached?.path ?? '')

    const report = await world.run('apply')

    expect(report).toMatchObject({ result: 'complete', counts: { states: { removed: 1 } } })
    expect(await world.registrations()).toHaveLength(1)
  })
})

describe('the guard against mass removals', () => {
  test('B32 many at once wait for a confirmation', async () => {
    const world = await startHookWorld({ repositories: eight })
    await world.run('apply')
    await detach(world, 6)

    const plan = await world.run('plan')
    const held = await world.run('apply')
    const left = await remaining(world)
    const confirmed = await world.run('apply', { MOORING_HOOK_REMOVALS: 'confirmed' })

    expect(exitCodeOf(plan)).toBe(2)
    expect(held).toMatchObject({ result: 'partial', counts: { reasons: { unconfirmed: 6 } } })
    expect(exitCodeOf(held)).toBe(1)
    expect(held.repositories.find(({ reason }) => reason)?.reason?.message).toContain('apply --confirm')
    expect(left).toBe(8)
    expect(confirmed.counts.states.removed).toBe(6)
    expect(await remaining(world)).toBe(2)
  })

  test('B32 a list that is suddenly empty removes nothing', async () => {
    const world = await startHookWorld()
    await world.run('apply')
    await detach(world, 1)

    const report = await world.run('apply')

    expect(report.counts.reasons).toEqual({ unconfirmed: 1 })
    expect(await remaining(world)).toBe(1)
  })

  test('B32 a few are removed at once', async () => {
    const world = await startHookWorld({ repositories: eight })
    await world.run('apply')
    await detach(world, 5)

    const report = await world.run('apply')

    expect(report.counts.states.removed).toBe(5)
  })
})
