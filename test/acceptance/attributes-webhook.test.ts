import { beforeAll, expect, test } from 'vitest'
import { needs } from '../support/left-out.ts'
import { block, row, slugOf, walk } from './attributes.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage

const integration = 'mooring_bitbucket_datacenter_integration'
const eight = JSON.stringify([
  'pr:comment:added',
  'pr:from_ref_updated',
  'pr:merged',
  'pr:modified',
  'pr:opened',
  'pr:reviewer:approved',
  'pr:reviewer:unapproved',
  'repo:refs_changed',
])

needs('terraform')('every attribute of a webhook: set, changed, emptied, unset again', () => {
  beforeAll(async () => {
    stage = await openStage()
  })

  test('R130 leaves nothing to plan after an apply: mooring_bitbucket_webhook', async () => {
    const workspace = await stage.open('')
    const alone = (address: string) => ({ integration_id: null, url: `"https://${address}.example.com"` })
    const rows = [
      row('project_key', ['"prj" → "prj"', '"PRJ" → "prj"']),
      row('repository_slug', ['"w-repository-slug" → "w-repository-slug"', '"another" → "another"']),
      row('integration_id', [`${integration}.first.id → "the-first"`, `${integration}.second.id → "the-second"`]),
      row('name', ['→ "Mooring The first"', '"Mine" → "Mine"', '→ "Mooring The first"']),
      row(
        'url',
        ['"https://a.example.com/x" → "https://a.example.com/x"', '"https://b.test/?y=1" → "https://b.test/?y=1"'],
        {
          integration_id: null,
        },
      ),
      row('events', [
        `→ ${eight}`,
        '["repo:refs_changed"] → ["repo:refs_changed"]',
        '["repo:refs_changed", "repo:forked"] → ["repo:forked", "repo:refs_changed"]',
        `→ ${eight}`,
      ]),
      row('events_policy', ['→ "at-least"', '"exact" → "exact"', '→ "at-least"']),
      row('secret', ['→ null', '"of mine 1" → "of mine 1"', '"of mine 2" → "of mine 2"', '→ null'], alone('c')),
      row('secret_wo', ['"a written secret 1" → null', '"a written secret 2" → null'], alone('d')),
      row('secret_wo_version', ['→ null', '"1" → "1"', '→ null'], { ...alone('e'), secret_wo: '"a written secret 3"' }),
      row('active', ['→ true', 'false → false', 'true → true', '→ true']),
      row('ssl_verification_required', ['→ true', 'false → false', '→ true']),
      row('adopt_existing', ['→ true', 'false → false', '→ true']),
    ]
    for (const { attribute } of rows) await stage.emulator.createRepository('PRJ', `w-${slugOf(attribute)}`)
    await stage.emulator.createRepository('PRJ', 'another')
    const common = { api_host: JSON.stringify(stage.emulator.url), access_token_wo: '"a-token-of-somebody"' }
    const integrations = ['first', 'second'].map((name) =>
      block(integration, name, { ...common, name: `"The ${name}"` }),
    )
    const base = (attribute: string) => ({
      project_key: '"PRJ"',
      repository_slug: `"w-${slugOf(attribute)}"`,
      integration_id: `${integration}.first.id`,
    })

    await walk(workspace, 'mooring_bitbucket_webhook', rows, base, integrations.join(''))
    expect(await webhooks('w-secret-wo')).toMatchObject([{ configuration: { secret: 'a written secret 2' } }])
    await workspace.expectEmptyAfterDestroy()

    for (const { attribute } of rows) expect(await webhooks(`w-${slugOf(attribute)}`)).toEqual([])
  })
})

async function webhooks(slug: string): Promise<unknown> {
  return (await stage.emulator.rest('GET', `/rest/api/latest/projects/PRJ/repos/${slug}/webhooks`)).body.values
}
