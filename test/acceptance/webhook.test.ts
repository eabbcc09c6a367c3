import { beforeAll, expect, test } from 'vitest'
import type { TestRepository } from '../support/emulator.ts'
import { needs } from '../support/left-out.ts'
import { block } from './attributes.ts'
import { integrationBlock, webhookBlock } from './configurations.ts'
import { onOneLine, openStage, type Stage, type Workspace } from './stage.ts'

let stage: Stage
let integrations: Workspace
let endpoint: string
let secret: string

const address = 'mooring_bitbucket_webhook.hook'

needs('terraform')('mooring_bitbucket_webhook', () => {
  beforeAll(async () => {
    stage = await openStage()
    integrations = await stage.open(integrationBlock(stage, 'bitbucket') + integrationBlock(stage, 'second'))
    await integrations.apply()
    const credentials = await stage.server.root.call('readWebhookCredentials', { params: { id: 'bitbucket' } })
    endpoint = credentials.url
    secret = credentials.secret
  })

  /** The webhook of the integration in a new repository. */
  const configured = (repository: TestRepository, values: Record<string, string | null> = {}) =>
    block('mooring_bitbucket_webhook', 'hook', {
      integration_id: '"bitbucket"',
      project_key: '"PRJ"',
      repository_slug: JSON.stringify(repository.slug),
      ...values,
    })

  test('R130 creates it with the endpoint, the secret and the eight events, tells the server, and takes it back', async () => {
    const repository = await stage.emulator.createRepository('PRJ', 'create')
    const workspace = await stage.open(configured(repository))
    await workspace.apply()

    const webhook = await onlyHook(repository)
    expect(webhook).toMatchObject({
      name: 'Mooring bitbucket',
      url: endpoint,
      active: true,
      sslVerificationRequired: true,
    })
    expect(webhook?.events).toHaveLength(8)
    expect(webhook?.configuration).toMatchObject({
      secret,
      createdBy: expect.stringMatching(/^mooring\/.*\/bitbucket$/),
    })
    expect(await registrations(repository)).toMatchObject([
      { managedBy: 'terraform', webhookId: webhook?.id, observed: 'in_sync', secretVersion: 1 },
    ])
    expect(await workspace.attributes(address)).toMatchObject({
      id: `PRJ/create/${webhook?.id}`,
      repository_id: repository.id,
      secret_state: 'ok',
      secret: null,
    })

    await workspace.expectEmptyAfterDestroy()
    expect(await hooks(repository)).toEqual([])
    expect(await registrations(repository)).toEqual([])
  })

  test('R130 adopts one that was made by hand and removes its duplicates; somebody else’s stays', async () => {
    const repository = await stage.emulator.createRepository('PRJ', 'adopt')
    const first = await stage.emulator.createWebhook(repository, {
      url: `${endpoint}/`,
      events: ['repo:forked'],
      configuration: { mine: 'x' },
    })
    await stage.emulator.createWebhook(repository, { url: endpoint })
    const other = await stage.emulator.createWebhook(repository, {
      url: 'https://ci.example.com/hook',
      name: 'Mooring bitbucket',
    })
    const workspace = await stage.open(configured(repository))

    await workspace.apply()

    const left = await hooks(repository)
    expect(left.map(({ id }) => id)).toEqual([first.id, other.id])
    expect(left[0]).toMatchObject({ url: endpoint, configuration: { secret, mine: 'x' } })
    expect(left[0]?.events).toContain('repo:forked')
    await workspace.expectNoChanges()
  })

  test('R130 refuses to make one beside a webhook that it must not adopt', async () => {
    const repository = await stage.emulator.createRepository('PRJ', 'unadopted')
    await stage.emulator.createWebhook(repository, { url: endpoint })
    const workspace = await stage.open(configured(repository, { adopt_existing: 'false' }))

    const refused = await workspace.fail({}, 'apply', '-auto-approve')

    expect(refused).toContain('There is a webhook with this address already')
    expect(await hooks(repository)).toHaveLength(1)
    expect((await hooks(repository))[0]?.configuration).not.toHaveProperty('secret')
    expect(await workspace.addresses()).toEqual([])
  })

  test.for([
    {
      name: 'R130 repairs a secret that is wrong',
      configuration: { secret: 'a wrong one, long enough' },
      state: 'wrong',
    },
    { name: 'R130 repairs a secret that is missing', configuration: {}, state: 'missing' },
  ])('$name', async ({ configuration, state }) => {
    const repository = await stage.emulator.createRepository('PRJ', `secret-${state}`)
    const workspace = await stage.open(configured(repository))
    await workspace.apply()

    await put(repository, { configuration })
    const plan = await workspace.plan()
    await workspace.apply()

    expect(plan.changes).toMatchObject([{ address, action: 'update', attributes: ['secret_state'] }])
    expect(onOneLine(plan.output)).toContain(`secret_state = "${state}" -> "ok"`)
    expect((await hooks(repository))[0]?.configuration).toMatchObject({ secret })
    await workspace.expectNoChanges()
  })

  test.for([
    {
      name: 'R130 repairs a write-only secret that was changed in Bitbucket',
      configuration: { secret: 'changed by hand' },
      slug: 'wo-changed',
    },
    { name: 'R130 repairs a write-only secret that was removed in Bitbucket', configuration: {}, slug: 'wo-removed' },
  ])('$name', async ({ configuration, slug }) => {
    const repository = await stage.emulator.createRepository('PRJ', slug)
    const own = { integration_id: null, url: '"https://ci.example.com/hook"', secret_wo: '"the written secret"' }
    const workspace = await stage.open(configured(repository, own))
    await workspace.apply()
    await workspace.expectNoChanges()

    await put(repository, { configuration })
    const plan = await workspace.plan()
    await workspace.apply()

    expect(plan.changes).toMatchObject([{ address, action: 'update', attributes: ['secret_state'] }])
    expect((await hooks(repository))[0]?.configuration).toMatchObject({ secret: 'the written secret' })
    await workspace.expectNoChanges()
  })

  test('R130 follows another integration in place', async () => {
    const repository = await stage.emulator.createRepository('PRJ', 'switch')
    const workspace = await stage.open(configured(repository))
    await workspace.apply()
    const [before] = await hooks(repository)

    await workspace.apply(configured(repository, { integration_id: '"second"' }))

    const [after, ...others] = await hooks(repository)
    expect(others).toEqual([])
    expect(after).toMatchObject({
      id: before?.id,
      name: 'Mooring second',
      url: endpoint.replace(/bitbucket$/, 'second'),
    })
    expect(after?.configuration.secret).not.toBe(secret)
    expect(await registrations(repository, 'second')).toMatchObject([{ managedBy: 'terraform' }])
    expect(await registrations(repository)).toEqual([])
    await workspace.expectNoChanges()
  })

  test('R130 warns about a renamed repository, follows it in place, and deletes its webhook there', async () => {
    const repository = await stage.emulator.createRepository('PRJ', 'before')
    const workspace = await stage.open(configured(repository))
    await workspace.apply()
    const [webhook] = await hooks(repository)

    await stage.emulator.rest('PUT', repository.path, { body: { name: 'after' } })
    const warned = await workspace.plan()
    await workspace.configure(configured({ ...repository, slug: 'after' }))
    const plan = await workspace.plan()
    await workspace.apply()

    expect(warned.changes).toEqual([])
    expect(onOneLine(warned.output)).toContain('PRJ/before is now PRJ/after; its webhook went along.')
    expect(plan.changes).toMatchObject([{ address, action: 'update', attributes: ['id', 'repository_slug'] }])
    expect(await workspace.attributes(address)).toMatchObject({ id: `PRJ/after/${webhook?.id}`, hook_id: webhook?.id })
    await workspace.expectNoChanges()

    await stage.emulator.rest('PUT', repository.path.replace(/before$/, 'after'), { body: { name: 'later' } })
    await workspace.expectEmptyAfterDestroy()
    const later = await stage.emulator.rest('GET', `${repository.path.replace(/before$/, 'later')}/webhooks`)
    expect(later.body.values).toEqual([])
  })

  test('R130 replaces it when another repository is meant', async () => {
    const repository = await stage.emulator.createRepository('PRJ', 'here')
    const another = await stage.emulator.createRepository('PRJ', 'there')
    const workspace = await stage.open(configured(repository))
    await workspace.apply()

    await workspace.configure(configured(another))
    const plan = await workspace.plan()
    await workspace.apply()

    expect(plan.changes).toMatchObject([{ address, action: 'delete create' }])
    expect(await hooks(repository)).toEqual([])
    expect(await hooks(another)).toHaveLength(1)
    await workspace.expectNoChanges()
  })

  test('R132 makes it again when it, or its repository, is gone', async () => {
    const repository = await stage.emulator.createRepository('PRJ', 'gone')
    const workspace = await stage.open(configured(repository))
    await workspace.apply()

    await stage.emulator.rest('DELETE', `${repository.path}/webhooks/${(await hooks(repository))[0]?.id}`)
    const plan = await workspace.plan()
    await workspace.apply()
    await stage.emulator.rest('DELETE', repository.path)
    await stage.emulator.idle()
    const without = await workspace.plan()

    expect(plan.changes).toMatchObject([{ address, action: 'create' }])
    expect(without.changes).toMatchObject([{ address, action: 'create' }])
    await workspace.expectEmptyAfterDestroy()
  })

  test('R132 says whether the token or a permission is missing, and keeps the state', async () => {
    const repository = await stage.emulator.createRepository('PRJ', 'permission')
    const workspace = await stage.open(configured(repository))
    await workspace.apply()

    const missing = await workspace.fail({ BITBUCKET_TOKEN: stage.readToken }, 'plan')
    const wrong = await workspace.fail({ BITBUCKET_TOKEN: 'not-a-token' }, 'plan')
    const none = await workspace.fail({ BITBUCKET_TOKEN: '' }, 'plan')

    expect(missing).toContain('The access token is valid, but lacks the permission for this.')
    expect(missing).toContain('with mooring_bitbucket_webhook.hook')
    expect(wrong).toContain('Bitbucket does not accept the access token')
    expect(none).toContain('Bitbucket not configured')
    expect(await workspace.addresses()).toEqual([address])
  })

  test('R132 keeps the prior state where Bitbucket refuses an update', async () => {
    const repository = await stage.emulator.createRepository('PRJ', 'refused')
    const workspace = await stage.open(configured(repository))
    await workspace.apply()
    await put(repository, { configuration: { secret: 'a wrong one' } })
    await stage.emulator.addFault({ kind: 'status', status: 409, method: 'PUT', path: '*/refused/webhooks/*' })

    const refused = await workspace.fail({}, 'apply', '-auto-approve')
    await stage.emulator.clearFaults()
    const plan = await workspace.plan()

    expect(refused).toContain('Bitbucket refused')
    expect(plan.changes).toMatchObject([{ address, action: 'update', attributes: ['secret_state'] }])
    await workspace.apply()
    await workspace.expectNoChanges()
  })

  test('R130 serves a personal repository', async () => {
    const repository = await stage.emulator.createRepository('~reader', 'mine')
    const workspace = await stage.open(configured(repository, { project_key: '"~reader"' }))

    await workspace.apply()

    expect(await hooks(repository)).toHaveLength(1)
    await workspace.expectNoChanges()
    await workspace.expectEmptyAfterDestroy()
  })

  test('R130 takes an integration that is made in the same apply', async () => {
    const repository = await stage.emulator.createRepository('PRJ', 'together')
    const workspace = await stage.open(
      integrationBlock(stage, 'together') + webhookBlock('hook', 'together', repository.slug),
    )

    await workspace.apply()

    await workspace.expectNoChanges()
    await workspace.expectEmptyAfterDestroy()
    expect(await hooks(repository)).toEqual([])
  })
})

interface Webhook {
  readonly id: number
  readonly events: readonly string[]
  readonly configuration: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

async function hooks(repository: TestRepository): Promise<Webhook[]> {
  return (await stage.emulator.rest('GET', `${repository.path}/webhooks`)).body.values
}

async function onlyHook(repository: TestRepository): Promise<Webhook> {
  const [webhook, ...others] = await hooks(repository)
  if (webhook === undefined || others.length > 0) throw new Error(`${repository.slug} has no or many webhooks.`)
  return webhook
}

async function put(repository: TestRepository, fields: object): Promise<void> {
  const { id, ...present } = await onlyHook(repository)
  const { status } = await stage.emulator.rest('PUT', `${repository.path}/webhooks/${id}`, {
    body: { ...present, ...fields },
  })
  expect(status).toBe(200)
}

async function registrations(repository: TestRepository, integrationId = 'bitbucket') {
  const { items } = await stage.server.root.call('listRegistrations', { query: { integrationId, limit: 500 } })
  return items.filter(({ repositoryId }) => repositoryId === repository.id)
}
