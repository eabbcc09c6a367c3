import { describe, expect, test } from 'vitest'
import { linesOf, startHook } from './hook-process.ts'
import { startHookWorld } from './hook-world.ts'
import { secretsIn } from './planted-secrets.ts'

describe('plan', () => {
  test('B39 B60 shows a table, ends with 2 where something differs, and sends nothing but GET', async () => {
    const world = await startHookWorld({ repositories: ['infra', 'app'] })
    const made = await world.emulator.createWebhook(world.repository, { name: 'by hand', url: world.credentials.url })

    const hook = startHook(['plan'], world.environment())

    expect(await hook.ended).toBe(2)
    expect(hook.stdout()).toMatch(/^REPOSITORY +INTEGRATION +STATE +DETAILS$/m)
    expect(hook.stdout()).toMatch(/^PRJ\/app +main +drifted +create webhook$/m)
    expect(hook.stdout()).toContain(`update webhook ${made.id} (name, events-missing, secret, adopt)`)
    expect(hook.stdout()).toMatch(/2 repositories: 2 drifted\. Nothing was written\.\n$/)
    expect(
      new Set(
        world.emulator
          .requests()
          .filter(({ user }) => user)
          .map(({ method }) => method),
      ),
    ).toEqual(new Set(['GET']))
    expect(await world.registrations()).toEqual([])
  })

  test('B39 B60 gives JSON, and ends with 0 where nothing differs', async () => {
    const world = await startHookWorld()
    await world.run('apply')

    const hook = startHook(['plan', '--json'], world.environment())

    expect(await hook.ended).toBe(0)
    expect(JSON.parse(hook.stdout())).toMatchObject({
      mode: 'plan',
      result: 'complete',
      counts: { repositories: 1, states: { in_sync: 1 } },
      repositories: [{ projectKey: 'PRJ', repositorySlug: 'infra', stackIds: ['prj-infra'], changes: [] }],
    })
  })

  test('B39 ends with 1 where something could not be looked at', async () => {
    const world = await startHookWorld()

    const wrongToken = startHook(['plan'], world.environment({ BITBUCKET_TOKEN: 'wrong' }))
    const wrongKey = startHook(['plan'], world.environment({ MOORING_API_KEY_SECRET: 'wrong' }))

    expect(await wrongToken.ended).toBe(1)
    expect(wrongToken.stdout()).toContain('credential_refused')
    expect(await wrongKey.ended).toBe(1)
    expect(wrongKey.stderr()).toMatch(/^bitbucket-hook: .*API key/)
  })
})

describe('apply', () => {
  test('B61 B42 carries it out, names what failed, and ends with 1', async () => {
    const world = await startHookWorld({ repositories: ['infra', 'app'] })
    await world.emulator.addFault({ kind: 'status', status: 400, method: 'POST', path: '*/app/webhooks' })

    const hook = startHook(['apply'], world.environment())

    expect(await hook.ended).toBe(1)
    expect(hook.stdout()).toMatch(/^PRJ\/app +main +failed +create webhook; invalid: Bitbucket refused the request/m)
    expect(hook.stdout()).toMatch(/^PRJ\/infra +main +repaired +created webhook$/m)
    expect(hook.stdout()).toContain('1 repaired, 1 failed. Webhooks: 1 created, 0 updated, 0 deleted. Result: partial.')
  })

  test('B61 ends with 0 where all is right', async () => {
    const world = await startHookWorld()

    const hook = startHook(['apply', '--json'], world.environment())

    expect(await hook.ended).toBe(0)
    expect(JSON.parse(hook.stdout()).counts.writes).toEqual({ created: 1, updated: 0, deleted: 0 })
  })
})

describe('what it prints', () => {
  test('B48 every wrong variable at once, without values', async () => {
    const hook = startHook(['serve'], { BITBUCKET_URL: 'ftp://user:hunter2@host', MOORING_HOOK_INTERVAL_SECONDS: '0' })

    expect(await hook.ended).toBe(1)
    for (const name of ['MOORING_ENDPOINT', 'MOORING_API_KEY_ID', 'BITBUCKET_TOKEN']) {
      expect(hook.stderr()).toContain(`${name}: is required`)
    }
    expect(hook.stderr()).toMatch(/BITBUCKET_URL: expected http/)
    expect(hook.stderr()).toMatch(/MOORING_HOOK_INTERVAL_SECONDS: /)
    expect(hook.stderr()).not.toContain('hunter2')
  })

  test('B60 help that an admin needs no documentation for', async () => {
    const hook = startHook(['--help'], {})

    expect(await hook.ended).toBe(0)
    for (const text of ['serve', 'plan', 'apply', 'REPO_ADMIN', 'webhook-registrar', 'BITBUCKET_TOKEN_FILE']) {
      expect(hook.stdout()).toContain(text)
    }
  })

  test('B13 never a secret: not in output, logs, reports, metrics, nor in what the server stores', async () => {
    const world = await startHookWorld({ repositories: ['infra', 'app'] })
    await world.emulator.createWebhook(world.repository, {
      url: world.credentials.url,
      configuration: { secret: 'planted-old-secret-1' },
    })
    await world.emulator.addFault({ kind: 'status', status: 500, method: 'PUT', path: '*/webhooks/*' })
    const environment = world.environment({ MOORING_HOOK_LOG_LEVEL: 'debug' })
    const service = startHook(['serve'], { ...environment, MOORING_HOOK_INTERVAL_SECONDS: '1' })
    const { url } = await service.line((line) => 'url' in line)
    await service.line(({ msg, result }) => msg === 'sweep finished' && result === 'partial')
    const commands = [['plan'], ['plan', '--json'], ['apply'], ['apply', '--json']].map((args) =>
      startHook(args, environment),
    )
    await Promise.all(commands.map(({ ended }) => ended))
    const metrics = await (await fetch(`${url}/metrics`)).text()
    service.child.kill('SIGTERM')
    await service.ended

    const outputs = [service, ...commands].flatMap((hook) => [hook.stdout(), hook.stderr()])
    const registrations = JSON.stringify(await world.registrations())
    const everything = [...outputs, metrics, registrations, world.log(), world.server.log()].join('\n')

    const secrets = {
      webhookSecret: world.credentials.secret,
      oldSecret: 'planted-old-secret-1',
      token: environment.BITBUCKET_TOKEN ?? '',
      keySecret: environment.MOORING_API_KEY_SECRET ?? '',
    }
    expect(linesOf(service.stdout()).length).toBeGreaterThan(2)
    expect(secretsIn(everything, secrets)).toEqual([])
    // The search finds what is there.
    expect(secretsIn(`${everything} ${Buffer.from(`x${secrets.token}y`).toString('base64')}`, secrets)).toEqual([
      'token',
    ])
    expect(secretsIn(`${everything} ${encodeURIComponent(secrets.oldSecret)}`, secrets)).toEqual(['oldSecret'])
  })
})
