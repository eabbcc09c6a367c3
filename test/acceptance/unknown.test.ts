import { beforeAll, expect, test } from 'vitest'
import { needs } from '../support/left-out.ts'
import { block } from './attributes.ts'
import { integrationType } from './configurations.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage

needs('terraform')('values that are not known before the apply', () => {
  beforeAll(async () => {
    stage = await openStage()
    await stage.emulator.createRepository('PRJ', 'one')
  })

  test('R134 every argument of every resource may be unknown in the plan', async () => {
    const workspace = await stage.open(everythingFrom('later'))

    const plan = await workspace.plan()
    await workspace.apply()
    await workspace.expectNoChanges()
    // Every value is unknown again, though it will be the same.
    await workspace.configure(everythingFrom('later', 'input = "again"'))
    const again = await workspace.plan()
    await workspace.apply()

    expect(plan.output).not.toContain('Error:')
    expect(plan.changes.map(({ action }) => action)).toEqual(Array.from({ length: 7 }, () => 'create'))
    expect(again.code).toBe(2)
    await workspace.expectNoChanges()
    await workspace.expectEmptyAfterDestroy()
  })

  test('R134 a provider block that is not known yet plans creations, and applies', async () => {
    const { MOORING_ENDPOINT, MOORING_API_KEY_ID, MOORING_API_KEY_SECRET, BITBUCKET_URL, BITBUCKET_TOKEN } = stage.env
    const configuration = `
resource "terraform_data" "server" {
  input = ${JSON.stringify({ MOORING_ENDPOINT, MOORING_API_KEY_ID, BITBUCKET_URL })}
}
provider "mooring" {
  endpoint       = terraform_data.server.output.MOORING_ENDPOINT
  api_key_id     = terraform_data.server.output.MOORING_API_KEY_ID
  api_key_secret = "${MOORING_API_KEY_SECRET}"
  bitbucket = {
    base_url = terraform_data.server.output.BITBUCKET_URL
    token    = "${BITBUCKET_TOKEN}"
  }
}
${everything({ unknown: 'space', suffix: '-p' })}`
    const workspace = await stage.open(configuration, {
      MOORING_ENDPOINT: '',
      MOORING_API_KEY_ID: '',
      MOORING_API_KEY_SECRET: '',
      BITBUCKET_URL: '',
      BITBUCKET_TOKEN: '',
    })

    const plan = await workspace.plan()
    await workspace.apply()

    expect(plan.code).toBe(2)
    await workspace.expectNoChanges()
    await workspace.expectEmptyAfterDestroy()
  })

  test('R134 a refresh keeps the state while the provider block is not known', async () => {
    const configured = (more: string) => `
resource "terraform_data" "server" {
  input = ${JSON.stringify(stage.env.MOORING_ENDPOINT)}
${more}}
provider "mooring" {
  endpoint = terraform_data.server.output
}
resource "mooring_space" "kept" {
  name = "Kept"
}
`
    const workspace = await stage.open(configured(''), { MOORING_ENDPOINT: '' })
    await workspace.apply()

    await workspace.configure(configured('  triggers_replace = "again"\n'))
    const plan = await workspace.plan()
    await workspace.apply()

    expect(plan.changes).toMatchObject([{ address: 'terraform_data.server', action: 'delete create' }])
    await workspace.expectNoChanges()
    await workspace.expectEmptyAfterDestroy()
  })
})

/** Every argument comes from a resource that Terraform has not made yet. */
function everythingFrom(name: string, more = ''): string {
  const values = {
    space: 'Unknown space',
    integration: 'Unknown integration',
    stack: 'Unknown stack',
    attached: 'Unknown attached',
    host: stage.emulator.url,
    token: stage.readToken,
    text: 'text',
    labels: ['a'],
    key: 'PRJ',
    slug: 'one',
    branch: 'main',
    events: ['repo:refs_changed'],
    yes: true,
    policy: 'at-least',
    version: '1',
  }
  const trigger = more === '' ? '' : `  triggers_replace = ${more.replace('input = ', '')}\n`
  return `resource "terraform_data" "${name}" {\n  input = ${JSON.stringify(values)}\n${trigger}}\n${everything({ unknown: name, suffix: '' })}`
}

function everything({ unknown, suffix }: { readonly unknown: string; readonly suffix: string }): string {
  const isLater = unknown === 'later'
  const from = (key: string, known: string) => (isLater ? `terraform_data.${unknown}.output.${key}` : known)
  const quoted = (text: string) => JSON.stringify(text)
  return [
    block('mooring_space', 'space', {
      name: from('space', quoted(`Space${suffix}`)),
      description: from('text', '"text"'),
      labels: from('labels', '["a"]'),
      inherit_entities: from('yes', 'true'),
      allow_detach: from('yes', 'true'),
    }),
    block(integrationType, 'integration', {
      name: from('integration', quoted(`Integration${suffix}`)),
      space_id: 'mooring_space.space.id',
      api_host: from('host', quoted(stage.emulator.url)),
      user_facing_host: from('host', quoted(stage.emulator.url)),
      username: from('text', '"text"'),
      access_token_wo: from('token', quoted(stage.readToken)),
      access_token_wo_version: from('version', '"1"'),
      labels: from('labels', '["a"]'),
      description: from('text', '"text"'),
      allow_detach: from('yes', 'true'),
      allow_detach_on_destroy: from('yes', 'true'),
    }),
    block('mooring_stack', 'stack', {
      name: from('stack', quoted(`Stack${suffix}`)),
      space_id: 'mooring_space.space.id',
      branch: from('branch', '"main"'),
      project_root: from('text', '"text"'),
      labels: from('labels', '["a"]'),
      description: from('text', '"text"'),
      repository: `{
    integration_id = ${integrationType}.integration.id
    project_key    = ${from('key', '"PRJ"')}
    slug           = ${from('slug', '"one"')}
  }`,
    }),
    block('mooring_stack', 'attached', {
      name: from('attached', quoted(`Attached${suffix}`)),
      space_id: 'mooring_space.space.id',
      branch: from('branch', '"main"'),
    }),
    block('mooring_stack_vcs_attachment', 'attached', {
      stack_id: 'mooring_stack.attached.id',
      integration_id: `${integrationType}.integration.id`,
      project_key: from('key', '"PRJ"'),
      repository_slug: from('slug', '"one"'),
    }),
    block('mooring_bitbucket_webhook', 'hook', {
      integration_id: `${integrationType}.integration.id`,
      project_key: from('key', '"PRJ"'),
      repository_slug: from('slug', '"one"'),
      name: from('text', '"text"'),
      events: from('events', '["repo:refs_changed"]'),
      events_policy: from('policy', '"at-least"'),
      active: from('yes', 'true'),
      ssl_verification_required: from('yes', 'true'),
      adopt_existing: from('yes', 'true'),
    }),
  ].join('')
}
