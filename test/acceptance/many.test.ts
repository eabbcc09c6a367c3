import { beforeAll, expect, test } from 'vitest'
import { needs } from '../support/left-out.ts'
import { integrationBlock } from './configurations.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage

needs('terraform')('many resources at once', () => {
  beforeAll(async () => {
    stage = await openStage()
  })

  test('R135 two hundred integrations are made, refreshed and deleted with fifty requests at a time', async () => {
    const count = 200
    const workspace = await stage.open(
      integrationBlock(stage, 'many', { count: String(count), name: `"Integration \${count.index}"` }),
    )

    const startedAt = Date.now()
    await workspace.succeed('apply', '-auto-approve', '-parallelism=50')
    const applied = requestsSoFar()
    await workspace.succeed('plan', '-detailed-exitcode', '-parallelism=50')
    const planned = requestsSoFar()
    const page = await stage.server.root.call('listIntegrations', { query: { limit: 500 } })
    await workspace.succeed('destroy', '-auto-approve', '-parallelism=50')

    expect(page.items).toHaveLength(count)
    expect(await workspace.addresses()).toEqual([])
    expect((await stage.server.root.call('listIntegrations', { query: {} })).items).toEqual([])
    expect(Date.now() - startedAt).toBeLessThan(90_000)
    // One request an integration, and one token a process: nothing is asked twice.
    expect(applied).toBeGreaterThanOrEqual(count)
    expect(applied).toBeLessThanOrEqual(count + 10)
    expect(planned - applied).toBeLessThanOrEqual(count + 10)
  })

  test('R135 answers of 429 and 503 are waited out', async () => {
    await stage.emulator.createRepository('PRJ', 'busy')
    await stage.emulator.addFault({
      kind: 'status',
      status: 429,
      retryAfterSeconds: 1,
      method: 'POST',
      path: '*/webhooks',
      times: 1,
    })
    await stage.emulator.addFault({ kind: 'status', status: 503, method: 'GET', path: '*/repos/busy', times: 2 })
    const workspace = await stage.open(`
resource "mooring_bitbucket_webhook" "busy" {
  project_key     = "PRJ"
  repository_slug = "busy"
  url             = "https://ci.example.com/hook"
}
`)

    await workspace.apply()

    await workspace.expectNoChanges()
    const { body } = await stage.emulator.rest('GET', '/rest/api/latest/projects/PRJ/repos/busy/webhooks')
    expect(body.values).toHaveLength(1)
  })
})

/** Requests to the API that the server has logged. */
function requestsSoFar(): number {
  return stage.server
    .log()
    .split('\n')
    .filter((line) => line.includes('"path":"/api/v1/')).length
}
