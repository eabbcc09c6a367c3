import { expect, test } from 'vitest'
import { startHook } from './hook-process.ts'
import { startHookWorld } from './hook-world.ts'
import { type Interference, startProxy } from './proxy.ts'

const names = ['infra', 'app', 'net']

/** Interferes with the n-th request that fits, and lets all others pass. */
function nth(n: number, fits: (method: string, path: string) => boolean, interference: Interference) {
  let count = 0
  return (method: string, path: string) => {
    if (!fits(method, path)) return undefined
    count += 1
    return count === n ? interference : undefined
  }
}

async function expectOneEach(world: Awaited<ReturnType<typeof startHookWorld>>): Promise<void> {
  const report = await world.run('apply')
  expect(report.result).toBe('complete')
  const registered = await world.registrations()
  expect(registered).toHaveLength(names.length)
  for (const repository of world.repositories) {
    const webhooks = await world.webhooks(repository)
    expect(webhooks.map(({ url }) => url)).toEqual([world.credentials.url])
    expect(registered.find(({ repositoryId }) => repositoryId === repository.id)?.webhookId).toBe(webhooks[0]?.id)
  }
  expect((await world.run('apply')).counts.writes).toEqual({ created: 0, updated: 0, deleted: 0 })
}

test.for([
  { name: 'B27 killed between the first webhook and its report', n: 1, interference: 'hold' },
  { name: 'B27 killed between the last webhook and its report', n: 3, interference: 'hold' },
  { name: 'B27 killed between a report and its answer', n: 2, interference: 'hold-answer' },
] as const)('$name, the next run converges', async ({ n, interference }) => {
  const world = await startHookWorld({ repositories: names })
  const isReport = (method: string, path: string) => method === 'PUT' && path.endsWith('/registrations')
  const proxy = await startProxy(world.server.url, { interferes: nth(n, isReport, interference) })
  const interfered = proxy.interfered()
  const hook = startHook(['apply'], world.environment({ MOORING_ENDPOINT: proxy.url, MOORING_HOOK_IN_FLIGHT: '1' }))
  await interfered

  hook.child.kill('SIGKILL')

  expect(await hook.ended).toBe('SIGKILL')
  await expectOneEach(world)
})

test.for([1, 2, 3])(
  'B27 killed while Bitbucket has made webhook %i and not answered, the next run converges',
  async (n) => {
    let interfered: Promise<void> | undefined
    const isCreate = (method: string, path: string) => method === 'POST' && path.endsWith('/webhooks')
    const world = await startHookWorld({
      repositories: names,
      through: async (emulatorUrl) => {
        const proxy = await startProxy(emulatorUrl, { interferes: nth(n, isCreate, 'hold-answer') })
        interfered = proxy.interfered()
        return proxy.url
      },
    })
    const hook = startHook(['apply'], world.environment({ MOORING_HOOK_IN_FLIGHT: '1' }))
    await interfered

    hook.child.kill('SIGKILL')

    expect(await hook.ended).toBe('SIGKILL')
    await expectOneEach(world)
  },
)
