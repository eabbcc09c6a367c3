import { beforeAll, expect, test } from 'vitest'
import { needs } from '../support/left-out.ts'
import { block } from './attributes.ts'
import {
  attachmentBlock,
  integrationBlock,
  integrationType,
  repositoryOf,
  spaceBlock,
  stackBlock,
  webhookBlock,
} from './configurations.ts'
import { onOneLine, openStage, type Stage } from './stage.ts'

let stage: Stage

needs('terraform')('what the server or Bitbucket refuses', () => {
  beforeAll(async () => {
    stage = await openStage()
    for (const name of ['one', 'two']) await stage.emulator.createRepository('PRJ', name)
  })

  test('R132 keeps the state where a refresh is answered 401 or 403', async () => {
    const configuration = spaceBlock('kept') + integrationBlock(stage, 'kept')
    const workspace = await stage.open(configuration)
    await workspace.apply()
    const before = await workspace.addresses()
    const registrar = await stage.server.root.call('createApiKey', {
      body: { name: 'r', role: 'webhook-registrar', spaceId: 'root' },
    })

    const wrong = await workspace.fail({ MOORING_API_KEY_SECRET: `mrk_${'x'.repeat(43)}` }, 'apply', '-auto-approve')
    const forbidden = await workspace.fail(
      { MOORING_API_KEY_ID: registrar.id, MOORING_API_KEY_SECRET: registrar.secret },
      'apply',
      '-auto-approve',
    )

    expect(wrong).toContain('Mooring refused (invalid_api_key)')
    expect(forbidden).toContain('Mooring refused (forbidden)')
    expect(await workspace.addresses()).toEqual(before)
    await workspace.expectNoChanges()
    await workspace.expectEmptyAfterDestroy()
  })

  test('R132 keeps the state where something else answers at the address', async () => {
    const workspace = await stage.open(spaceBlock('elsewhere'))
    await workspace.apply()

    const notMooring = await workspace.fail({ MOORING_ENDPOINT: stage.emulator.url }, 'plan')
    const wrongPath = await workspace.fail({ MOORING_ENDPOINT: `${stage.server.url}/mooring` }, 'plan')
    const nobody = await workspace.fail({ MOORING_ENDPOINT: 'http://127.0.0.1:1', MOORING_MAX_RETRIES: '0' }, 'plan')

    expect(notMooring).toContain('The server is not Mooring')
    expect(wrongPath).toContain('The server does not know this request')
    expect(nobody).toContain('No answer')
    expect(await workspace.addresses()).toEqual(['mooring_space.elsewhere'])
  })

  test('R132 keeps the prior state where an update is refused', async () => {
    const workspace = await stage.open(
      integrationBlock(stage, 'update') + stackBlock('update', { repository: repositoryOf('update', 'one') }),
    )
    await workspace.apply()
    const before = await workspace.attributes('mooring_stack.update')

    await workspace.configure(
      integrationBlock(stage, 'update') +
        stackBlock('update', { repository: repositoryOf('update', 'nothing'), description: '"new"' }),
    )
    const refused = await workspace.fail({}, 'apply', '-auto-approve')

    expect(refused).toContain('repository_not_in_bitbucket')
    expect(refused).toContain('with mooring_stack.update')
    expect(await workspace.attributes('mooring_stack.update')).toEqual(before)
    await workspace.expectEmptyAfterDestroy()
  })

  test('R136 answers a name that exists with the block that imports it', async () => {
    const mine = spaceBlock('same') + integrationBlock(stage, 'same') + stackBlock('same')
    const first = await stage.open(mine)
    await first.apply()
    const second = await stage.open(mine)

    const refused = await second.fail({}, 'apply', '-auto-approve')

    for (const [type, id] of [
      ['mooring_space', 'same'],
      [integrationType, 'same'],
      ['mooring_stack', 'same'],
    ]) {
      expect(refused).toContain(`import { to = ${type}.<name in this configuration> id = "${id}" }`)
    }
    expect(await second.addresses()).toEqual([])
    await first.expectEmptyAfterDestroy()
  })

  test('R130 refuses a second attachment, and one beside a repository inside the stack', async () => {
    const base =
      integrationBlock(stage, 'conflict') +
      stackBlock('free') +
      stackBlock('taken', { repository: repositoryOf('conflict', 'one') })
    const workspace = await stage.open(base + attachmentBlock('free', 'conflict', 'one'))
    await workspace.apply()
    const again = block('mooring_stack_vcs_attachment', 'again', {
      stack_id: 'mooring_stack.free.id',
      integration_id: `${integrationType}.conflict.id`,
      project_key: '"PRJ"',
      repository_slug: '"two"',
    })

    await workspace.configure(
      base + attachmentBlock('free', 'conflict', 'one') + again + attachmentBlock('taken', 'conflict', 'two'),
    )
    const refused = await workspace.fail({}, 'apply', '-auto-approve')
    await workspace.configure(
      integrationBlock(stage, 'conflict') +
        stackBlock('free', { repository: repositoryOf('conflict', 'one') }) +
        stackBlock('taken', { repository: repositoryOf('conflict', 'one') }) +
        attachmentBlock('free', 'conflict', 'one'),
    )
    const inside = await workspace.fail({}, 'apply', '-auto-approve')

    expect(refused).toContain('import { to = mooring_stack_vcs_attachment.<name in this configuration> id = "free" }')
    expect(refused).toContain('The stack declares its repository itself')
    expect(inside).toContain('stack_already_attached')
    expect(inside).toContain('The stack "free" has an attachment of its own')
    await workspace.expectEmptyAfterDestroy()
  })

  test('R130 replaces a renamed integration, and the plan names the consequences', async () => {
    const workspace = await stage.open(
      integrationBlock(stage, 'old') + stackBlock('attached', { repository: repositoryOf('old', 'one') }),
    )
    await workspace.apply()

    await workspace.configure(
      integrationBlock(stage, 'old', { name: '"new"' }) +
        stackBlock('attached', { repository: repositoryOf('old', 'one') }),
    )
    const plan = await workspace.plan()
    await workspace.apply()

    expect(plan.changes).toContainEqual(
      expect.objectContaining({ address: `${integrationType}.old`, action: 'delete create' }),
    )
    expect(onOneLine(plan.output)).toContain(
      'Its stacks are detached, and its webhook secret changes. The webhook endpoint changes too.',
    )
    expect(onOneLine(plan.output)).toContain('Attached to it now: attached.')
    expect((await stage.server.root.call('getStack', { params: { id: 'attached' } })).attachment?.integrationId).toBe(
      'new',
    )
    await workspace.expectNoChanges()
    await workspace.expectEmptyAfterDestroy()
  })

  test('R139 plans no move that would detach stacks, unless that is allowed', async () => {
    const spaces = spaceBlock('here') + spaceBlock('there')
    const stack = stackBlock('moving', { space_id: 'mooring_space.here.id', repository: repositoryOf('moving', 'one') })
    const integration = (space: string, more = {}) =>
      integrationBlock(stage, 'moving', { space_id: `mooring_space.${space}.id`, ...more })
    const workspace = await stage.open(spaces + stack + integration('here'))
    await workspace.apply()

    await workspace.configure(spaces + stack + integration('there'))
    const refused = await workspace.fail({}, 'plan')
    const unchecked = await workspace.runWith({ MOORING_SKIP_REMOTE_CHECKS: 'true' }, 'plan')
    await workspace.configure(spaces + stack + integration('there', { allow_detach: 'true' }))
    const warned = await workspace.plan()

    expect(refused).toContain('Stacks would be detached')
    expect(refused).toContain('These stacks lose their integration: moving.')
    expect(unchecked.code).toBe(0)
    expect(warned.code).toBe(2)
    expect(onOneLine(warned.output)).toContain('Stacks will be detached')
    expect(warned.output).not.toContain('Error:')
    expect((await stage.server.root.call('getIntegration', { params: { id: 'moving' } })).spaceId).toBe('here')
    await workspace.configure(spaces + stack + integration('here'))
    await workspace.expectEmptyAfterDestroy()
  })

  test('R139 plans no end of inheritance that would detach stacks, unless that is allowed', async () => {
    const rest =
      integrationBlock(stage, 'above') +
      stackBlock('below', { space_id: 'mooring_space.below.id', repository: repositoryOf('above', 'one') })
    const space = (values: Record<string, string>) => spaceBlock('below', values)
    const workspace = await stage.open(rest + space({ inherit_entities: 'true' }))
    await workspace.apply()

    await workspace.configure(rest + space({ inherit_entities: 'false' }))
    const refused = await workspace.fail({}, 'plan')
    await workspace.configure(rest + space({ inherit_entities: 'false', allow_detach: 'true' }))
    const warned = await workspace.plan()

    expect(refused).toContain('These stacks lose their integration: below.')
    expect(warned.code).toBe(2)
    expect(onOneLine(warned.output)).toContain('Stacks will be detached')
    await workspace.expectEmptyAfterDestroy()
  })

  test('R139 names the stacks that the deletion of an integration detaches, and a protected one stays', async () => {
    const stack = stackBlock('staying', {
      repository: '{ integration_id = "doomed", project_key = "PRJ", slug = "one" }',
    })
    const workspace = await stage.open(integrationBlock(stage, 'doomed', { allow_detach_on_destroy: 'false' }))
    await workspace.apply()
    await workspace.configure(integrationBlock(stage, 'doomed', { allow_detach_on_destroy: 'false' }) + stack)
    await workspace.apply()

    await workspace.configure(stack)
    const plan = await workspace.plan()
    const refused = await workspace.fail({}, 'apply', '-auto-approve')

    expect(onOneLine(plan.output)).toContain('Attached to it now: staying.')
    expect(refused).toContain('integration_protected')
    expect(await workspace.addresses()).toContain(`${integrationType}.doomed`)
    await workspace.succeed('destroy', '-auto-approve', '-target=mooring_stack.staying')
    await workspace.expectEmptyAfterDestroy()
  })

  test.for([
    {
      name: 'R130 refuses a default integration outside of root',
      text: () => integrationBlock(stage, 'a', { is_default: 'true', space_id: '"team"' }),
      says: 'A default integration lives in root',
    },
    {
      name: 'R133 refuses two access tokens',
      text: () => integrationBlock(stage, 'a', { access_token: '"x"' }),
      says: 'Set access_token or access_token_wo, not both.',
    },
    {
      name: 'R130 refuses a new integration without a token',
      text: () => integrationBlock(stage, 'a', { access_token_wo: null, access_token_wo_version: null }),
      says: 'An access token is needed',
    },
    {
      name: 'R130 refuses a token that HTTP cannot carry',
      text: () => integrationBlock(stage, 'a', { access_token_wo: '"a b"' }),
      says: 'access_token_wo',
    },
    {
      name: 'R130 refuses a name without a slug',
      text: () => integrationBlock(stage, 'a', { name: '"日本"' }),
      says: 'use Latin letters or digits',
    },
    {
      name: 'R130 refuses an address with a query',
      text: () => integrationBlock(stage, 'a', { api_host: '"https://git.example.com?x"' }),
      says: 'expected http(s)://host',
    },
    {
      name: 'R130 refuses a webhook with two addresses',
      text: () => `${integrationBlock(stage, 'a')}${webhookBlock('a', 'a', 'one', { url: '"https://x.example.com"' })}`,
      says: 'Two addresses',
    },
    {
      name: 'R130 refuses a webhook without an address',
      text: () => `${integrationBlock(stage, 'a')}${webhookBlock('a', 'a', 'one', { integration_id: null })}`,
      says: 'No address',
    },
    {
      name: 'R130 refuses a secret beside an integration',
      text: () => `${integrationBlock(stage, 'a')}${webhookBlock('a', 'a', 'one', { secret_wo: '"x"' })}`,
      says: 'The integration brings the secret',
    },
    {
      name: 'R130 refuses a webhook without events',
      text: () => `${integrationBlock(stage, 'a')}${webhookBlock('a', 'a', 'one', { events: '[]' })}`,
      says: 'At least one event is needed',
    },
  ])('$name', async ({ text, says }) => {
    const workspace = await stage.open(text())

    expect(await workspace.fail({}, 'plan')).toContain(says)
  })

  test('R130 warns about an address without TLS', async () => {
    const workspace = await stage.open(integrationBlock(stage, 'a', { api_host: '"http://git.example.com"' }))

    expect((await workspace.plan()).output).toContain('The access token travels unencrypted')
  })

  test.for([
    {
      name: 'R130 says which half of an API key is missing',
      env: { MOORING_API_KEY_SECRET: '' },
      says: 'the secret is missing',
    },
    { name: 'R130 says how to name the server', env: { MOORING_ENDPOINT: '' }, says: 'Mooring server not configured' },
    { name: 'R130 says that a token needs an address', env: { BITBUCKET_URL: '' }, says: 'A token without an address' },
    {
      name: 'R130 names a wrong environment variable',
      env: { MOORING_MAX_RETRIES: 'many' },
      says: 'MOORING_MAX_RETRIES is "many"',
    },
  ])('$name', async ({ env, says }) => {
    const workspace = await stage.open(spaceBlock('unreachable'))

    expect(await workspace.fail(env, 'apply', '-auto-approve')).toContain(says)
  })
})
