import { describe, expect, test } from 'vitest'
import { startHook } from './hook-process.ts'
import { type HookWorld, startHookWorld } from './hook-world.ts'

function startService(world: HookWorld, changes: Readonly<Record<string, string>> = {}) {
  return startHook(['serve'], world.environment({ MOORING_HOOK_INTERVAL_SECONDS: '1', ...changes }))
}

async function until(isReached: () => Promise<boolean>, ms: number): Promise<number> {
  const start = Date.now()
  while (!(await isReached())) {
    if (Date.now() - start > ms) throw new Error(`It did not happen within ${ms} ms.`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return Date.now() - start
}

describe('the service', () => {
  test('B56 makes a deleted webhook anew within one sweep, and a new attachment’s too', async () => {
    const world = await startHookWorld()
    const service = startService(world)
    await service.line(({ msg }) => msg === 'sweep finished')
    const first = await world.onlyWebhook()

    await world.emulator.rest('DELETE', `${world.repository.path}/webhooks/${first.id}`)
    const repairedAfter = await until(async () => (await world.webhooks()).length === 1, 5_000)
    const another = await world.emulator.createRepository('PRJ', 'another')
    await world.attach(another)
    await until(async () => (await world.webhooks(another)).length === 1, 5_000)

    expect(repairedAfter).toBeLessThan(2_000)
    await world.repository.push()
    expect(await world.emulator.waitForDeliveries(1, { event: 'repo:refs_changed' })).toMatchObject([{ status: 202 }])
  })

  test('B25 costs one GET per repository in a steady sweep, and no write', async () => {
    const world = await startHookWorld({ repositories: ['infra', 'app', 'net'] })
    await world.run('apply')
    const service = startService(world)
    await service.line(({ msg }) => msg === 'sweep finished')
    const before = world.emulator.requests().length

    const sweeps = () => service.stdout().match(/"sweep finished"/g)?.length ?? 0
    await until(async () => sweeps() >= 3, 10_000)
    service.child.kill('SIGTERM')
    await service.ended

    const steady = world.emulator.requests().slice(before)
    expect(steady.map(({ method }) => method)).toEqual(Array(3 * (sweeps() - 1)).fill('GET'))
    expect(steady.every(({ path }) => path.includes('/webhooks'))).toBe(true)
  })

  test('B43 answers health and metrics on an address that it prints', async () => {
    const world = await startHookWorld({ repositories: ['infra', 'app'] })
    await world.emulator.addFault({ kind: 'status', status: 400, method: 'POST', path: '*/app/webhooks' })
    const service = startService(world)
    const { url } = await service.line((line) => 'url' in line)
    await service.line(({ msg }) => msg === 'sweep finished')

    const health = await fetch(`${url}/healthz`)
    const metrics = await (await fetch(`${url}/metrics`)).text()
    const missing = await fetch(`${url}/anything`)
    const posted = await fetch(`${url}/metrics`, { method: 'POST' })

    expect(health.status).toBe(200)
    expect(await health.json()).toMatchObject({
      status: 'degraded',
      lastResult: 'partial',
      lastSuccess: expect.any(String),
    })
    for (const line of [
      'mooring_hook_repos_total{state="failed"} 1',
      'mooring_hook_drift_total{kind="missing"}',
      'mooring_hook_writes_total{op="create",result="ok"} 1',
      'mooring_hook_writes_total{op="create",result="failed"}',
      'mooring_hook_api_requests_total{code="200"}',
      'mooring_hook_api_requests_total{code="400"}',
      'mooring_hook_last_success_timestamp 1',
      'mooring_hook_sweep_seconds ',
    ]) {
      expect(metrics).toContain(line)
    }
    expect([missing.status, posted.status]).toEqual([404, 405])
  })

  test('B22 alerts once while the token is refused, asks once a sweep, and goes on when it is accepted', async () => {
    const world = await startHookWorld({ repositories: ['infra', 'app', 'net'] })
    const refusal = {
      errors: [{ exceptionName: 'com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException', message: '' }],
    }
    await world.emulator.addFault({
      kind: 'status',
      status: 401,
      body: JSON.stringify(refusal),
      contentType: 'application/json',
      path: '*/webhooks',
    })
    const service = startService(world)
    const sweeps = () => service.stdout().match(/"result":"failed"/g)?.length ?? 0
    await until(async () => sweeps() >= 3, 10_000)
    const refused = world.sent().length
    const seen = sweeps()

    await world.emulator.clearFaults()
    await service.line(({ msg }) => msg === 'Bitbucket accepts the access token again')
    await service.line(({ msg, result }) => msg === 'sweep finished' && result === 'complete')

    expect(Math.abs(refused - seen)).toBeLessThanOrEqual(1)
    expect(service.stdout().match(/refuses the access token/g)).toHaveLength(1)
    expect(await world.registrations()).toHaveLength(3)
  })

  test('B24 does not end because the Mooring server is not there, and says so', async () => {
    const world = await startHookWorld()
    const service = startService(world, { MOORING_ENDPOINT: 'http://127.0.0.1:1' })

    const line = await service.line(({ msg }) => msg === 'sweep could not begin')
    service.child.kill('SIGTERM')

    expect(JSON.stringify(line)).toContain('refused')
    expect(await service.ended).toBe(0)
  })

  test('B27 stops gracefully: what it began it ends and reports', async () => {
    const world = await startHookWorld({ repositories: Array.from({ length: 12 }, (_, index) => `repo-${index}`) })
    await world.emulator.addFault({ kind: 'latency', ms: 200, method: 'POST', path: '*/webhooks' })
    const service = startService(world, { MOORING_HOOK_IN_FLIGHT: '2' })
    await until(async () => world.sent().some((request) => request.startsWith('POST')), 5_000)
    await new Promise((resolve) => setTimeout(resolve, 120)) // into the next two
    const before = (await world.registrations()).length

    service.child.kill('SIGTERM')

    expect(await service.ended).toBe(0)
    const lists = await Promise.all(world.repositories.map((repository) => world.webhooks(repository)))
    const made = lists.flat().length
    expect(made).toBeGreaterThan(before)
    expect(made).toBeLessThan(12)
    expect(await world.registrations()).toHaveLength(made)
  })
})
