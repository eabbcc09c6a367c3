import { beforeAll, expect, test } from 'vitest'
import { needs } from '../support/left-out.ts'
import {
  attachmentBlock,
  integrationBlock,
  integrationType,
  repositoryOf,
  stackBlock,
  webhookBlock,
} from './configurations.ts'
import { onOneLine, openStage, type Stage } from './stage.ts'

let stage: Stage

needs('terraform')('an integration that is deleted behind Terraform’s back', () => {
  beforeAll(async () => {
    stage = await openStage()
    for (const name of ['one', 'two']) await stage.emulator.createRepository('PRJ', name)
  })

  test('R81 R132 is made again, its stacks are attached again, and its webhook gets the new secret', async () => {
    const workspace = await stage.open(
      integrationBlock(stage, 'bitbucket') +
        stackBlock('inline', { repository: repositoryOf('bitbucket', 'one') }) +
        stackBlock('attached') +
        attachmentBlock('attached', 'bitbucket', 'two') +
        webhookBlock('one', 'bitbucket', 'one'),
    )
    await workspace.apply()
    const before = await webhook()

    await stage.server.root.call('deleteIntegration', { params: { id: 'bitbucket' }, query: {} })
    const plan = await workspace.plan()
    await workspace.apply()

    expect(Object.fromEntries(plan.changes.map(({ address, action }) => [address, action]))).toEqual({
      [`${integrationType}.bitbucket`]: 'create',
      'mooring_stack.inline': 'update',
      'mooring_stack_vcs_attachment.attached': 'create',
      'mooring_bitbucket_webhook.one': 'update',
    })
    expect(onOneLine(plan.output)).toContain('The stack "inline" lost its integration at')
    expect(onOneLine(plan.output)).toContain('(integration_deleted) and refuses events. It followed PRJ/one.')
    const { secret } = await stage.server.root.call('readWebhookCredentials', { params: { id: 'bitbucket' } })
    const after = await webhook()
    expect(after.id).toBe(before.id)
    expect(after.configuration.secret).toBe(secret)
    expect(secret).not.toBe(before.configuration.secret)
    for (const id of ['inline', 'attached']) {
      const stack = await stage.server.root.call('getStack', { params: { id } })
      expect(stack).toMatchObject({ detached: null, attachment: { integrationId: 'bitbucket' } })
    }
    await workspace.expectNoChanges()
    await workspace.expectEmptyAfterDestroy()
  })

  test('R130 one that is replaced under the same id leaves nothing detached and no webhook with the old secret', async () => {
    const configuration = (isDefault: string) =>
      integrationBlock(stage, 'replaced', { is_default: isDefault }) +
      stackBlock('follower', { repository: repositoryOf('replaced', 'one') }) +
      stackBlock('joined') +
      attachmentBlock('joined', 'replaced', 'two') +
      webhookBlock('one', 'replaced', 'one')
    const workspace = await stage.open(configuration('false'))
    await workspace.apply()

    await workspace.configure(configuration('true'))
    const plan = await workspace.plan()
    await workspace.apply()

    expect(onOneLine(plan.output)).toContain('Attached to it now: follower, joined.')
    await workspace.expectNoChanges()
    const { secret } = await stage.server.root.call('readWebhookCredentials', { params: { id: 'replaced' } })
    expect((await webhook()).configuration.secret).toBe(secret)
    await workspace.expectEmptyAfterDestroy()
  })

  test('R81 shows a detached stack in its attributes, and one without a repository of its own says nothing', async () => {
    const workspace = await stage.open(
      integrationBlock(stage, 'short-lived') +
        stackBlock('follows', { repository: repositoryOf('short-lived', 'one') }) +
        stackBlock('free'),
    )
    await workspace.apply()
    await stage.server.root.call('deleteIntegration', { params: { id: 'short-lived' }, query: {} })

    await workspace.succeed('apply', '-refresh-only', '-auto-approve')

    expect(await workspace.attributes('mooring_stack.follows')).toMatchObject({
      repository: null,
      detached: true,
      detached_reason: 'integration_deleted',
    })
    expect(await workspace.attributes('mooring_stack.free')).toMatchObject({ detached: null, detached_reason: null })
    await workspace.apply()
    await workspace.expectNoChanges()
  })
})

async function webhook() {
  return (await stage.emulator.rest('GET', '/rest/api/latest/projects/PRJ/repos/one/webhooks')).body.values[0]
}
