import { beforeAll, expect, test } from 'vitest'
import { needs } from '../support/left-out.ts'
import {
  attachmentBlock,
  integrationBlock,
  integrationType,
  repositoryOf,
  spaceBlock,
  stackBlock,
  webhookBlock,
} from './configurations.ts'
import { openStage, type Stage, type Workspace } from './stage.ts'

let stage: Stage
let workspace: Workspace

/** What somebody changes behind Terraform's back, and the attribute in which Terraform sees it. */
interface Change {
  readonly attribute: string
  readonly make: () => Promise<unknown>
}

needs(
  'terraform',
  'git',
  'git-http-backend',
)('drift', () => {
  beforeAll(async () => {
    stage = await openStage()
    for (const name of ['one', 'two', 'three']) {
      const repository = await stage.emulator.createRepository('PRJ', name)
      await repository.push({ files: { 'a/main.tf': '1' } })
      await repository.push({ branch: 'develop', from: 'main', files: { 'a/main.tf': '2' } })
    }
    workspace = await stage.open(
      spaceBlock('team', { description: '"as it should be"', labels: '["a"]', inherit_entities: 'true' }) +
        spaceBlock('drifting', { description: '"as it should be"' }) +
        spaceBlock('other') +
        integrationBlock(stage, 'bitbucket', {
          description: '"as it should be"',
          labels: '["a"]',
          username: '"reader"',
        }) +
        integrationBlock(stage, 'second') +
        stackBlock('inline', { repository: repositoryOf('bitbucket', 'one'), labels: '["a"]', project_root: '"a"' }) +
        stackBlock('attached', { space_id: 'mooring_space.team.id' }) +
        attachmentBlock('attached', 'bitbucket', 'two') +
        webhookBlock('one', 'bitbucket', 'one') +
        webhookBlock('exact', 'bitbucket', 'two', { events_policy: '"exact"', name: '"Mine"' }),
    )
    await workspace.apply()
  })

  const stack = 'mooring_stack.inline'
  const attachment = 'mooring_stack_vcs_attachment.attached'
  const webhook = 'mooring_bitbucket_webhook.one'
  const exact = 'mooring_bitbucket_webhook.exact'

  test('R130 sees every change that was made behind its back, attribute by attribute, and repairs it', async () => {
    const changes = { ...changesOfServer(), [webhook]: webhookChanges(), [exact]: exactChanges() }
    const before = await Promise.all(Object.keys(changes).map((address) => workspace.attributes(address)))
    for (const { make } of Object.values(changes).flat()) await make()

    const plan = await workspace.plan()
    await workspace.apply()

    const seen = Object.fromEntries(
      plan.changes.map(({ address, action, attributes }) => [
        address,
        { action, attributes: withoutComputed(attributes) },
      ]),
    )
    const expected = Object.entries(changes).map(([address, made]) => [
      address,
      { action: 'update', attributes: made.map(({ attribute }) => attribute).sort() },
    ])
    expect(seen).toEqual(Object.fromEntries(expected))
    await workspace.expectNoChanges()
    expect(await Promise.all(Object.keys(changes).map((address) => workspace.attributes(address)))).toEqual(before)
  })

  test('R130 leaves an additional event alone where the policy is at-least', async () => {
    const before = await webhookOf('one')
    await putWebhook('one', { events: [...before.events, 'repo:forked'] })

    await workspace.expectNoChanges()

    expect((await webhookOf('one')).events).toContain('repo:forked')
  })

  test('R132 plans everything that is gone to be created again, and what depends on it to follow', async () => {
    await stage.server.root.call('detachStack', { params: { id: 'attached' } })
    await stage.server.root.call('deleteStack', { params: { id: 'inline' } })
    await stage.emulator.rest(
      'DELETE',
      `/rest/api/latest/projects/PRJ/repos/one/webhooks/${(await webhookOf('one')).id}`,
    )
    await stage.server.root.call('deleteSpace', { params: { id: 'other' } })

    const plan = await workspace.plan()
    await workspace.apply()

    expect(plan.changes.map(({ address, action }) => `${action} ${address}`).sort()).toEqual([
      `create ${webhook}`,
      'create mooring_space.other',
      `create ${stack}`,
      `create ${attachment}`,
    ])
    await workspace.expectNoChanges()
  })
})

/** The integration has been sent elsewhere by then, so that Bitbucket cannot be asked. */
const unasked = { skipVerification: 'true' } as const

function changesOfServer(): Readonly<Record<string, readonly Change[]>> {
  const { root } = stage.server
  const patch = (operation: 'updateSpace' | 'updateIntegration' | 'updateStack', id: string) => (body: object) => () =>
    root.call(operation, { params: { id }, query: operation === 'updateStack' ? unasked : {}, body })
  const space = patch('updateSpace', 'drifting')
  const integration = patch('updateIntegration', 'bitbucket')
  const stack = patch('updateStack', 'inline')
  const attached = { integrationId: 'second', projectKey: 'PRJ', repositorySlug: 'three' }
  const replace = () => root.call('replaceAttachment', { params: { id: 'attached' }, query: {}, body: attached })
  return {
    'mooring_space.drifting': [
      { attribute: 'name', make: space({ name: 'Another name' }) },
      { attribute: 'description', make: space({ description: 'by hand' }) },
      { attribute: 'labels', make: space({ labels: ['b'] }) },
      { attribute: 'parent_space_id', make: space({ parentId: 'other' }) },
      { attribute: 'inherit_entities', make: space({ inheritEntities: true }) },
    ],
    [`${integrationType}.bitbucket`]: [
      { attribute: 'description', make: integration({ description: 'by hand' }) },
      { attribute: 'labels', make: integration({ labels: [] }) },
      { attribute: 'username', make: integration({ username: '' }) },
      { attribute: 'user_facing_host', make: integration({ userFacingHost: 'https://elsewhere.example.com' }) },
      { attribute: 'allow_detach_on_destroy', make: integration({ allowDetachOnDestroy: false }) },
      {
        attribute: 'api_host',
        make: integration({ apiHost: 'https://elsewhere.example.com', accessToken: 'another' }),
      },
    ],
    'mooring_stack.inline': [
      { attribute: 'name', make: stack({ name: 'Another name' }) },
      { attribute: 'branch', make: stack({ branch: 'develop' }) },
      { attribute: 'project_root', make: stack({ projectRoot: '' }) },
      { attribute: 'labels', make: stack({ labels: ['a', 'b'] }) },
      { attribute: 'description', make: stack({ description: 'by hand' }) },
      { attribute: 'repository', make: stack({ repository: attached }) },
    ],
    'mooring_stack_vcs_attachment.attached': [
      { attribute: 'integration_id', make: replace },
      { attribute: 'repository_slug', make: replace },
    ],
  }
}

/** What Terraform cannot know before the apply, because it follows from what is changed. */
function withoutComputed(attributes: readonly string[]): string[] {
  return attributes.filter((name) => !['detached', 'detached_reason', 'integration_is_default'].includes(name))
}

function webhookChanges(): Change[] {
  const put = (fields: object) => () => putWebhook('one', fields)
  return [
    { attribute: 'name', make: put({ name: 'Another name' }) },
    { attribute: 'webhook_url', make: put({ url: 'https://elsewhere.example.com/hook' }) },
    { attribute: 'active', make: put({ active: false }) },
    { attribute: 'ssl_verification_required', make: put({ sslVerificationRequired: false }) },
    { attribute: 'events', make: put({ events: ['repo:refs_changed', 'repo:forked'] }) },
    { attribute: 'secret_state', make: put({ configuration: { secret: 'a wrong one' } }) },
  ]
}

function exactChanges(): Change[] {
  const make = async () => putWebhook('two', { events: [...(await webhookOf('two')).events, 'repo:forked'] })
  return [{ attribute: 'events', make }]
}

interface Webhook {
  readonly id: number
  readonly events: readonly string[]
  readonly [field: string]: unknown
}

async function webhookOf(slug: string): Promise<Webhook> {
  return (await stage.emulator.rest('GET', `/rest/api/latest/projects/PRJ/repos/${slug}/webhooks`)).body.values[0]
}

async function putWebhook(slug: string, fields: object): Promise<void> {
  const { id, ...present } = await webhookOf(slug)
  const body = { ...present, ...fields }
  const answer = await stage.emulator.rest('PUT', `/rest/api/latest/projects/PRJ/repos/${slug}/webhooks/${id}`, {
    body,
  })
  expect(answer.status).toBe(200)
}
