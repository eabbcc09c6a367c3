import { beforeAll, test } from 'vitest'
import { needs } from '../support/left-out.ts'
import { block, row, slugOf, titleOf, walk } from './attributes.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage
let token: string
let host: string

needs('terraform')('every attribute of what the server holds: set, changed, emptied, unset again', () => {
  beforeAll(async () => {
    stage = await openStage()
    host = JSON.stringify(stage.emulator.url)
    for (const name of ['one', 'two']) await stage.emulator.createRepository('PRJ', name)
    token = JSON.stringify(stage.readToken)
  })

  test('R130 leaves nothing to plan after an apply: mooring_space', async () => {
    const workspace = await stage.open('')
    const rows = [
      row('name', ['"Name" → "Name"', '"A ”name”" → "A ”name”"'], { slug: '"s-name"' }),
      row('slug', ['→ "s-slug"', '"s-slug" → "s-slug"', '"s-slug-2" → "s-slug-2"', '→ "s-slug-2"']),
      row('parent_space_id', ['→ "root"', 'mooring_space.parent.id → "parent"', '"root" → "root"', '→ "root"']),
      row('inherit_entities', ['→ false', 'true → true', 'false → false', '→ false']),
      row('allow_detach', ['→ false', 'true → true', 'false → false', '→ false']),
      row('description', ['→ ""', String.raw`"A **b**\n\"c\"" → "A **b**\n\"c\""`, '"" → ""', '→ ""']),
      row('labels', ['→ []', '["b", "a"] → ["a", "b"]', '[] → []', '→ []']),
    ]
    const base = (attribute: string) => ({ name: `"S ${titleOf(attribute)}"` })

    await walk(workspace, 'mooring_space', rows, base, block('mooring_space', 'parent', { name: '"Parent"' }))
    await workspace.expectEmptyAfterDestroy()
  })

  test('R130 leaves nothing to plan after an apply: mooring_bitbucket_datacenter_integration', async () => {
    const workspace = await stage.open('')
    const [users, elsewhere] = ['"https://git.example.com/users"', '"https://git.example.com"']
    const rows = [
      row('name', ['"I name" → "I name"', '"I name 2" → "I name 2"']),
      row('is_default', ['→ false', 'true → true', 'false → false', '→ false']),
      row('space_id', ['→ "root"', 'mooring_space.above.id → "above"', '"root" → "root"', '→ "root"']),
      row('api_host', [`${host} → ${host}`, `${elsewhere} → ${elsewhere}`, `${host} → ${host}`]),
      row('user_facing_host', [
        `→ ${host}`,
        `${users} → ${users}`,
        `${host} → ${host}`,
        `${users} → ${users}`,
        `→ ${host}`,
      ]),
      row('username', ['→ null', '"reader" → "reader"', '"" → ""', '→ null']),
      row('access_token', [`${token} → ${token}`, '"another" → "another"', `${token} → ${token}`], {
        access_token_wo: null,
      }),
      row('access_token_wo', [`${token} → null`, '"another" → null']),
      row('access_token_wo_version', ['→ null', '"1" → "1"', '"2" → "2"', '→ null']),
      row('labels', ['→ []', '["b", "a"] → ["a", "b"]', '[] → []', '→ []']),
      row('description', ['→ ""', '"text" → "text"', '"" → ""', '→ ""']),
      row('allow_detach', ['→ false', 'true → true', 'false → false', '→ false']),
      row('allow_detach_on_destroy', ['→ true', 'false → false', 'true → true', '→ true']),
    ]
    const base = (attribute: string) => ({
      name: `"I ${titleOf(attribute)}"`,
      api_host: host,
      access_token_wo: token,
    })

    await walk(workspace, integration, rows, base, block('mooring_space', 'above', { name: '"Above"' }))
    await workspace.expectEmptyAfterDestroy()
  })

  test('R130 leaves nothing to plan after an apply: mooring_stack', async () => {
    const workspace = await stage.open('')
    // The state keeps the spelling that the key had first.
    const own = (slug: string, key: string, id: string | null) => {
      const configured = `{ project_key = "${key}", slug = "${slug}"${id === null ? '' : `, integration_id = ${id}`} }`
      const held = { project_key: 'prj', slug, integration_id: id === null ? null : 'the-second' }
      return `${configured} → ${JSON.stringify(held)}`
    }
    const second = `${integration}.second.id`
    const rows = [
      row('name', ['"T name" → "T name"', '"T name 2" → "T name 2"']),
      row('slug', ['→ "t-slug"', '"t-slug" → "t-slug"', '"t-slug-2" → "t-slug-2"', '→ "t-slug-2"']),
      row('space_id', ['→ "root"', 'mooring_space.other.id → "other"', '"root" → "root"', '→ "root"']),
      row('branch', ['"main" → "main"', '"release/1.0" → "release/1.0"']),
      row('project_root', ['→ ""', '"stacks/a" → "stacks/a"', '"" → ""', '→ ""']),
      row('repository', [
        '→ null',
        own('one', 'prj', null),
        own('two', 'PRJ', null),
        own('two', 'PRJ', second),
        own('one', 'prj', second),
        own('one', 'prj', null),
        '→ null',
      ]),
      row('labels', ['→ []', '["b", "a"] → ["a", "b"]', '[] → []', '→ []']),
      row('description', ['→ ""', '"text" → "text"', '"" → ""', '→ ""']),
    ]
    const base = (attribute: string) => ({
      name: `"T ${titleOf(attribute)}"`,
      branch: '"main"',
      depends_on: `[${integration}.default]`,
    })

    await walk(workspace, 'mooring_stack', rows, base, surroundings())
    await workspace.expectEmptyAfterDestroy()
  })

  test('R130 leaves nothing to plan after an apply: mooring_stack_vcs_attachment', async () => {
    const workspace = await stage.open('')
    const rows = [
      row('stack_id', ['mooring_stack.stack_id.id → "a-stack-id"', 'mooring_stack.another.id → "a-another"']),
      row('integration_id', ['→ null', `${integration}.second.id → "the-second"`, '→ null']),
      row('project_key', ['"prj" → "prj"', '"PRJ" → "prj"']),
      row('repository_slug', ['"one" → "one"', '"two" → "two"']),
    ]
    const stacks = [...rows.map(({ attribute }) => attribute), 'another'].map((name) =>
      block('mooring_stack', name, { name: `"A ${slugOf(name)}"`, branch: '"main"' }),
    )
    const base = (attribute: string) => ({
      stack_id: `mooring_stack.${attribute}.id`,
      project_key: '"PRJ"',
      repository_slug: '"one"',
      depends_on: `[${integration}.default]`,
    })

    await walk(workspace, 'mooring_stack_vcs_attachment', rows, base, surroundings() + stacks.join(''))
    await workspace.expectEmptyAfterDestroy()
  })
})

const integration = 'mooring_bitbucket_datacenter_integration'

function surroundings(): string {
  const common = { api_host: host, access_token_wo: token }
  return [
    block(integration, 'default', { ...common, name: '"The default"', is_default: 'true' }),
    block(integration, 'second', { ...common, name: '"The second"' }),
    block('mooring_space', 'other', { name: '"Other"', inherit_entities: 'true' }),
  ].join('')
}
