import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
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
import { openStage, type Stage } from './stage.ts'

let stage: Stage
let configuration: string

needs('terraform')('import', () => {
  beforeAll(async () => {
    stage = await openStage()
    for (const name of ['one', 'two']) await stage.emulator.createRepository('PRJ', name)
    configuration =
      spaceBlock('team', { description: '"A space"', labels: '["a", "b"]', inherit_entities: 'true' }) +
      integrationBlock(stage, 'bitbucket', { description: '"line 1\\nline 2 $${x}"', labels: '["a"]' }) +
      stackBlock('inline', { repository: repositoryOf('bitbucket', 'one'), space_id: 'mooring_space.team.id' }) +
      stackBlock('attached') +
      attachmentBlock('attached', 'bitbucket', 'two') +
      webhookBlock('one', 'bitbucket', 'one') +
      `resource "mooring_bitbucket_webhook" "alone" {
  project_key     = "PRJ"
  repository_slug = "one"
  url             = "https://ci.example.com/hook?x=1"
  events          = ["repo:refs_changed"]
}
`
    await (await stage.open(configuration)).apply()
  })

  test('R131 generates a valid configuration that plans nothing but imports', async () => {
    const alone = await hookId('https://ci.example.com/hook?x=1')
    const workspace = await stage.open(
      [
        importBlock('mooring_space.team', 'team'),
        importBlock(`${integrationType}.bitbucket`, 'name:bitbucket'),
        importBlock('mooring_stack.inline', 'inline'),
        importBlock('mooring_stack.attached', 'attached'),
        importBlock('mooring_stack_vcs_attachment.attached', 'attached'),
        importBlock(
          'mooring_bitbucket_webhook.one',
          `PRJ/one?url=${stage.server.url}/webhooks/bitbucket-datacenter/bitbucket`,
        ),
        importBlock('mooring_bitbucket_webhook.alone', `PRJ/one/${alone}`),
      ].join(''),
    )

    await workspace.succeed('plan', '-generate-config-out=generated.tf')
    const generated = await readFile(join(workspace.folder, 'generated.tf'), 'utf8')
    await workspace.succeed('validate')
    const plan = await workspace.plan()

    expect(plan.changes.map(({ action, isImport }) => ({ action, isImport }))).toEqual(
      Array.from({ length: 7 }, () => ({ action: 'no-op', isImport: true })),
    )
    expect(generated).toMatch(/integration_id += "bitbucket"/)
    expect(generated).toMatch(/url += "https:\/\/ci\.example\.com\/hook\?x=1"/)
    expect(generated).not.toContain(stage.readToken)

    await workspace.apply()
    await workspace.expectNoChanges()
    const original = await (await stage.open(configuration)).succeed('validate')
    expect(original).toContain('The configuration is valid.')
  })

  test('R131 plans no change but the version of the token for the configuration that the object was made by', async () => {
    const workspace = await stage.open(configuration)
    await workspace.succeed('import', 'mooring_space.team', 'team')
    await workspace.succeed('import', `${integrationType}.bitbucket`, 'bitbucket')
    await workspace.succeed('import', 'mooring_stack.inline', 'inline')
    await workspace.succeed('import', 'mooring_stack.attached', 'attached')
    await workspace.succeed('import', 'mooring_stack_vcs_attachment.attached', 'attached')
    await workspace.succeed(
      'import',
      'mooring_bitbucket_webhook.one',
      `prj/one/${await hookId(`${stage.server.url}/webhooks/bitbucket-datacenter/bitbucket`)}`,
    )
    await workspace.succeed('import', 'mooring_bitbucket_webhook.alone', 'PRJ/one?url=https://ci.example.com/hook?x=1')

    const plan = await workspace.plan()

    expect(plan.drift).toEqual([])
    expect(plan.changes).toEqual([
      {
        address: `${integrationType}.bitbucket`,
        action: 'update',
        attributes: ['access_token_wo_version'],
        isImport: false,
      },
    ])
    await workspace.apply()
    await workspace.expectNoChanges()
  })

  test.for([
    {
      title: 'R131 says that there is nothing to import: a space',
      address: 'mooring_space.team',
      id: 'nobody',
      words: 'Cannot import non-existent remote object',
    },
    {
      title: 'R131 says that there is nothing to import: a webhook',
      address: 'mooring_bitbucket_webhook.one',
      id: 'PRJ/one/4711',
      words: 'found no object',
    },
    {
      title: 'R131 says what an import id looks like: an id that is no slug',
      address: 'mooring_stack.inline',
      id: 'In Line',
      words: 'expected a slug',
    },
    {
      title: 'R131 says what an import id looks like: a webhook',
      address: 'mooring_bitbucket_webhook.one',
      id: 'one',
      words: 'PROJECT/repository/<webhook id>',
    },
  ])('$title', async ({ address, id, words }) => {
    const workspace = await stage.open(configuration)

    const { code, stderr } = await workspace.run('import', address, id)

    expect(code).toBe(1)
    expect(stderr.replace(/\s+/g, ' ')).toContain(words)
    expect(await workspace.addresses()).toEqual([])
  })
})

function importBlock(to: string, id: string): string {
  return `import {\n  to = ${to}\n  id = ${JSON.stringify(id)}\n}\n`
}

async function hookId(url: string): Promise<number> {
  const { body } = await stage.emulator.rest('GET', '/rest/api/latest/projects/PRJ/repos/one/webhooks')
  return body.values.find((webhook: { readonly url: string }) => webhook.url === url).id
}
