import { beforeAll, expect, test } from 'vitest'
import { needs } from '../support/left-out.ts'
import { integrationBlock, repositoryOf, stackBlock } from './configurations.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage

needs('terraform')('data source, ephemeral resource and function', () => {
  beforeAll(async () => {
    stage = await openStage()
    await stage.emulator.createRepository('PRJ', 'one')
    const workspace = await stage.open(
      integrationBlock(stage, 'default', { is_default: 'true', name: '"The default"' }) +
        integrationBlock(stage, 'second', {
          name: '"The Second"',
          labels: '["a"]',
          description: '"text"',
          username: '"reader"',
        }) +
        stackBlock('a', { repository: repositoryOf('second', 'one') }) +
        stackBlock('b', { repository: repositoryOf('second', 'one') }),
    )
    await workspace.apply()
  })

  test('R130 the data source finds an integration by id, by name, and the default one', async () => {
    const workspace = await stage.open(`
data "mooring_bitbucket_datacenter_integration" "by_id" {
  id = "the-second"
}
data "mooring_bitbucket_datacenter_integration" "by_name" {
  name = "The Second"
}
data "mooring_bitbucket_datacenter_integration" "default" {}
`)

    await workspace.apply()

    const found = await workspace.attributes('data.mooring_bitbucket_datacenter_integration.by_id')
    expect(found).toEqual({
      id: 'the-second',
      name: 'The Second',
      is_default: false,
      space_id: 'root',
      api_host: stage.emulator.url,
      user_facing_host: stage.emulator.url,
      username: 'reader',
      labels: ['a'],
      description: 'text',
      webhook_url: `${stage.server.url}/webhooks/bitbucket-datacenter/the-second`,
      attached_stack_count: 2,
      created_at: expect.stringMatching(/^\d{4}-/),
      updated_at: expect.stringMatching(/^\d{4}-/),
    })
    expect(await workspace.attributes('data.mooring_bitbucket_datacenter_integration.by_name')).toEqual(found)
    expect(await workspace.attributes('data.mooring_bitbucket_datacenter_integration.default')).toMatchObject({
      id: 'the-default',
      is_default: true,
      attached_stack_count: 0,
    })
    await workspace.expectNoChanges()
  })

  test.for([
    {
      name: 'R132 the data source says that there is no such id',
      body: 'id = "nobody"',
      says: 'No integration has the id "nobody".',
    },
    {
      name: 'R132 the data source says that there is no such name',
      body: 'name = "the second"',
      says: 'No integration is named "the second".',
    },
    {
      name: 'R132 the data source takes id or name',
      body: 'id = "a"\n  name = "b"',
      says: 'Set id or name, or neither',
    },
  ])('$name', async ({ body, says }) => {
    const workspace = await stage.open(`data "mooring_bitbucket_datacenter_integration" "it" {\n  ${body}\n}\n`)

    expect(await workspace.fail({}, 'plan')).toContain(says)
  })

  test('R133 the ephemeral resource feeds the secret of an integration to another webhook, past state and plan', async () => {
    const repository = await stage.emulator.createRepository('PRJ', 'fed')
    const workspace = await stage.open(`
ephemeral "mooring_integration_webhook_credentials" "second" {
  integration_id = "the-second"
}
resource "mooring_bitbucket_webhook" "fed" {
  project_key       = "PRJ"
  repository_slug   = "fed"
  url               = "https://relay.example.com/hook"
  secret_wo         = ephemeral.mooring_integration_webhook_credentials.second.secret
  secret_wo_version = "1"
}
`)

    await workspace.apply()

    const { secret } = await stage.server.root.call('readWebhookCredentials', { params: { id: 'the-second' } })
    const { body } = await stage.emulator.rest('GET', `${repository.path}/webhooks`)
    expect(body.values).toMatchObject([{ configuration: { secret } }])
    expect(await workspace.attributes('mooring_bitbucket_webhook.fed')).toMatchObject({ secret: null, secret_wo: null })
    await workspace.expectNoChanges()
  })

  test('R130 the function takes an address of Bitbucket apart', async () => {
    const address = 'ssh://git@git.example.com:7999/~jane/tools.git'
    const workspace = await stage.open(`
output "parts" {
  value = provider::mooring::parse_bitbucket_url("${address}")
}
`)

    await workspace.apply()

    expect(JSON.parse(await workspace.succeed('output', '-json', 'parts'))).toEqual({
      host: expect.stringContaining('git.example.com'),
      context_path: '',
      project_key: '~jane',
      repository_slug: 'tools',
      personal: true,
    })
  })

  test('R130 the function points at the argument that is wrong', async () => {
    const workspace = await stage.open(
      'output "parts" {\n  value = provider::mooring::parse_bitbucket_url("https://example.com/")\n}\n',
    )

    const refused = await workspace.fail({}, 'plan')

    expect(refused).toContain('Invalid value for "url" parameter')
    expect(refused).toContain('This is no address of a Bitbucket repository')
  })
})
