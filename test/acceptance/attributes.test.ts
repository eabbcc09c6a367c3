import { beforeAll, describe, expect, test } from 'vitest'
import { needs } from '../support/left-out.ts'
import { openStage, type Stage, type Workspace } from './stage.ts'

let stage: Stage
let token: string

/** One attribute of one resource: what the configuration says at each step (null: nothing), and what is then in the state. */
interface Row {
  readonly attribute: string
  readonly steps: readonly (readonly [configured: string | null, held: unknown])[]
  /** What the resource needs besides, in place of the base or on top of it. */
  readonly with?: Readonly<Record<string, string | null>>
}

type Arguments = Readonly<Record<string, string | null>>

function block(type: string, name: string, values: Arguments): string {
  const lines = Object.entries(values).flatMap(([key, value]) => (value === null ? [] : `  ${key} = ${value}\n`))
  return `resource "${type}" "${name}" {\n${lines.join('')}}\n`
}

/** Applies step after step, every row as a resource of its own; after each the next plan must be empty. */
async function walk(
  workspace: Workspace,
  type: string,
  rows: readonly Row[],
  base: (attribute: string) => Arguments,
  surroundings = '',
): Promise<void> {
  const last = Math.max(...rows.map(({ steps }) => steps.length))
  for (let step = 0; step < last; step++) {
    const present = rows.map((row) => ({ row, now: row.steps[Math.min(step, row.steps.length - 1)] ?? [null, null] }))
    const blocks = present.map(({ row, now }) =>
      block(type, row.attribute, { ...base(row.attribute), ...row.with, [row.attribute]: now[0] }),
    )

    await workspace.apply(surroundings + blocks.join(''))
    await workspace.expectNoChanges()

    for (const { row, now } of present) {
      const attributes = await workspace.attributes(`${type}.${row.attribute}`)
      expect({ step, [row.attribute]: attributes?.[row.attribute] }).toEqual({ step, [row.attribute]: now[1] })
    }
  }
}

needs('terraform')('every attribute, set, changed, emptied and unset again', () => {
  beforeAll(async () => {
    stage = await openStage()
    for (const name of ['one', 'two']) await stage.emulator.createRepository('PRJ', name)
    await stage.emulator.createUser('reader')
    await stage.emulator.grant('reader', 'PROJECT_READ', 'PRJ')
    token = await stage.emulator.createToken('reader', ['PROJECT_READ', 'REPO_READ'])
  })

  test('R130 leaves nothing to plan after an apply: mooring_space', async () => {
    const workspace = await stage.open('')

    await walk(
      workspace,
      'mooring_space',
      [
        {
          attribute: 'name',
          steps: [
            ['"Name"', 'Name'],
            ['"Another ”name”"', 'Another ”name”'],
          ],
          with: { slug: '"s-name"' },
        },
        {
          attribute: 'slug',
          steps: [
            [null, 's-slug'],
            ['"s-slug"', 's-slug'],
            ['"s-slug-2"', 's-slug-2'],
            [null, 's-slug-2'],
          ],
        },
        {
          attribute: 'parent_space_id',
          steps: [
            [null, 'root'],
            ['mooring_space.parent.id', 'parent'],
            ['"root"', 'root'],
            [null, 'root'],
          ],
        },
        {
          attribute: 'inherit_entities',
          steps: [
            [null, false],
            ['true', true],
            ['false', false],
            [null, false],
          ],
        },
        {
          attribute: 'allow_detach',
          steps: [
            [null, false],
            ['true', true],
            ['false', false],
            [null, false],
          ],
        },
        {
          attribute: 'description',
          steps: [
            [null, ''],
            ['"A **text**\\nof two lines"', 'A **text**\nof two lines'],
            ['""', ''],
            [null, ''],
          ],
        },
        {
          attribute: 'labels',
          steps: [
            [null, []],
            ['["b", "a"]', ['a', 'b']],
            ['[]', []],
            [null, []],
          ],
        },
      ],
      (attribute) => ({ name: `"S ${attribute.replaceAll('_', ' ')}"` }),
      'resource "mooring_space" "parent" {\n  name = "Parent"\n}\n',
    )
  })

  test('R130 leaves nothing to plan after an apply: mooring_bitbucket_datacenter_integration', async () => {
    const workspace = await stage.open('')
    const host = JSON.stringify(stage.emulator.url)
    const localhost = stage.emulator.url.replace('127.0.0.1', '[::1]')
    const users = '"https://git.example.com/bitbucket"'

    await walk(
      workspace,
      'mooring_bitbucket_datacenter_integration',
      [
        {
          attribute: 'name',
          steps: [
            ['"I name"', 'I name'],
            ['"I name 2"', 'I name 2'],
          ],
        },
        {
          attribute: 'is_default',
          steps: [
            [null, false],
            ['true', true],
            ['false', false],
            [null, false],
          ],
        },
        {
          attribute: 'space_id',
          steps: [
            [null, 'root'],
            ['mooring_space.above.id', 'above'],
            ['"root"', 'root'],
            [null, 'root'],
          ],
        },
        {
          attribute: 'api_host',
          steps: [
            [host, stage.emulator.url],
            ['"https://git.example.com"', 'https://git.example.com'],
            [host, stage.emulator.url],
          ],
        },
        {
          attribute: 'user_facing_host',
          steps: [
            [null, stage.emulator.url],
            [users, JSON.parse(users)],
            [host, stage.emulator.url],
            [users, JSON.parse(users)],
            [null, stage.emulator.url],
          ],
        },
        {
          attribute: 'username',
          steps: [
            [null, null],
            ['"reader"', 'reader'],
            ['""', ''],
            [null, null],
          ],
        },
        {
          attribute: 'access_token',
          steps: [
            [JSON.stringify(token), token],
            ['"another token"', 'another token'],
            [JSON.stringify(token), token],
          ],
          with: { access_token_wo: null },
        },
        {
          attribute: 'access_token_wo',
          steps: [
            [JSON.stringify(token), null],
            ['"another token"', null],
          ],
        },
        {
          attribute: 'access_token_wo_version',
          steps: [
            [null, null],
            ['"1"', '1'],
            ['"2"', '2'],
            [null, null],
          ],
        },
        {
          attribute: 'labels',
          steps: [
            [null, []],
            ['["b", "a"]', ['a', 'b']],
            ['[]', []],
            [null, []],
          ],
        },
        {
          attribute: 'description',
          steps: [
            [null, ''],
            ['"text"', 'text'],
            ['""', ''],
            [null, ''],
          ],
        },
        {
          attribute: 'allow_detach',
          steps: [
            [null, false],
            ['true', true],
            ['false', false],
            [null, false],
          ],
        },
        {
          attribute: 'allow_detach_on_destroy',
          steps: [
            [null, true],
            ['false', false],
            ['true', true],
            [null, true],
          ],
        },
      ],
      (attribute) => ({
        name: `"I ${attribute.replaceAll('_', ' ')}"`,
        api_host: host,
        access_token_wo: JSON.stringify(token),
        // Something else changes too while the attribute is unset again.
        description: `"${localhost.length}"`,
      }),
      'resource "mooring_space" "above" {\n  name = "Above"\n}\n',
    )
  })

  describe('with two integrations', () => {
    let integrations: string
    beforeAll(() => {
      const common = `  api_host = ${JSON.stringify(stage.emulator.url)}\n  access_token_wo = ${JSON.stringify(token)}\n`
      integrations = `
resource "mooring_bitbucket_datacenter_integration" "default" {
  name       = "The default"
  is_default = true
${common}}
resource "mooring_bitbucket_datacenter_integration" "second" {
  name = "The second"
${common}}
resource "mooring_space" "other" {
  name             = "Other"
  inherit_entities = true
}
`
    })
    const second = 'mooring_bitbucket_datacenter_integration.second.id'
    const theDefault = 'mooring_bitbucket_datacenter_integration.default'

    test('R130 leaves nothing to plan after an apply: mooring_stack', async () => {
      const workspace = await stage.open('')
      const repository = (slug: string, id: string | null, key = 'PRJ') =>
        [
          `{ project_key = "${key}", slug = "${slug}"${id === null ? '' : `, integration_id = ${id}`} }`,
          { project_key: key, slug, integration_id: id === null ? null : 'the-second' },
        ] as const

      await walk(
        workspace,
        'mooring_stack',
        [
          {
            attribute: 'name',
            steps: [
              ['"T name"', 'T name'],
              ['"T name 2"', 'T name 2'],
            ],
          },
          {
            attribute: 'slug',
            steps: [
              [null, 't-slug'],
              ['"t-slug"', 't-slug'],
              ['"t-slug-2"', 't-slug-2'],
              [null, 't-slug-2'],
            ],
          },
          {
            attribute: 'space_id',
            steps: [
              [null, 'root'],
              ['mooring_space.other.id', 'other'],
              ['"root"', 'root'],
              [null, 'root'],
            ],
          },
          {
            attribute: 'branch',
            steps: [
              ['"main"', 'main'],
              ['"release/1.0"', 'release/1.0'],
            ],
          },
          {
            attribute: 'project_root',
            steps: [
              [null, ''],
              ['"stacks/a"', 'stacks/a'],
              ['""', ''],
              [null, ''],
            ],
          },
          {
            attribute: 'repository',
            steps: [
              [null, null],
              repository('one', null),
              repository('two', null, 'prj'),
              repository('two', second),
              repository('one', second),
              repository('one', null),
              [null, null],
            ],
          },
          {
            attribute: 'labels',
            steps: [
              [null, []],
              ['["b", "a"]', ['a', 'b']],
              ['[]', []],
              [null, []],
            ],
          },
          {
            attribute: 'description',
            steps: [
              [null, ''],
              ['"text"', 'text'],
              ['""', ''],
              [null, ''],
            ],
          },
        ],
        (attribute) => ({
          name: `"T ${attribute.replaceAll('_', ' ')}"`,
          branch: '"main"',
          depends_on: `[${theDefault}]`,
        }),
        integrations,
      )
      await workspace.succeed('destroy', '-auto-approve')
      expect(await workspace.addresses()).toEqual([])
    })

    test('R130 leaves nothing to plan after an apply: mooring_stack_vcs_attachment', async () => {
      const workspace = await stage.open('')
      const stacks = ['integration_id', 'project_key', 'repository_slug', 'stack_id', 'another']
        .map((name) => block('mooring_stack', name, { name: `"A ${name.replaceAll('_', ' ')}"`, branch: '"main"' }))
        .join('')

      await walk(
        workspace,
        'mooring_stack_vcs_attachment',
        [
          {
            attribute: 'stack_id',
            steps: [
              ['mooring_stack.stack_id.id', 'a-stack-id'],
              ['mooring_stack.another.id', 'a-another'],
            ],
          },
          {
            attribute: 'integration_id',
            steps: [
              [null, null],
              [second, 'the-second'],
              [null, null],
            ],
          },
          {
            attribute: 'project_key',
            steps: [
              ['"PRJ"', 'PRJ'],
              ['"prj"', 'PRJ'],
            ],
          },
          {
            attribute: 'repository_slug',
            steps: [
              ['"one"', 'one'],
              ['"two"', 'two'],
            ],
          },
        ],
        (attribute) => ({
          stack_id: `mooring_stack.${attribute}.id`,
          project_key: '"PRJ"',
          repository_slug: '"one"',
          depends_on: `[${theDefault}]`,
        }),
        integrations + stacks,
      )
      await workspace.succeed('destroy', '-auto-approve')
    })

    test('R130 leaves nothing to plan after an apply: mooring_bitbucket_webhook', async () => {
      const workspace = await stage.open('')
      const rows: readonly Row[] = [
        {
          attribute: 'project_key',
          steps: [
            ['"PRJ"', 'PRJ'],
            ['"prj"', 'PRJ'],
          ],
        },
        {
          attribute: 'repository_slug',
          steps: [
            ['"w-repository-slug"', 'w-repository-slug'],
            ['"two"', 'two'],
          ],
        },
        {
          attribute: 'integration_id',
          steps: [
            [`${theDefault}.id`, 'the-default'],
            [second, 'the-second'],
          ],
        },
        {
          attribute: 'name',
          steps: [
            [null, 'Mooring The default'],
            ['"Mine"', 'Mine'],
            [null, 'Mooring The default'],
          ],
        },
        {
          attribute: 'url',
          steps: [
            ['"https://a.example.com/x"', 'https://a.example.com/x'],
            ['"https://b.example.com/?y=1"', 'https://b.example.com/?y=1'],
          ],
          with: { integration_id: null },
        },
        {
          attribute: 'events',
          steps: [
            [null, expect.arrayContaining(['repo:refs_changed', 'pr:opened'])],
            ['["repo:refs_changed"]', ['repo:refs_changed']],
            ['["repo:refs_changed", "repo:forked"]', ['repo:forked', 'repo:refs_changed']],
            [null, expect.arrayContaining(['pr:opened'])],
          ],
        },
        {
          attribute: 'events_policy',
          steps: [
            [null, 'at-least'],
            ['"exact"', 'exact'],
            [null, 'at-least'],
          ],
        },
        {
          attribute: 'secret',
          steps: [
            [null, null],
            ['"a secret of mine 1"', 'a secret of mine 1'],
            ['"another secret of mine"', 'another secret of mine'],
            [null, null],
          ],
          with: { integration_id: null, url: '"https://c.example.com"' },
        },
        {
          attribute: 'secret_wo',
          steps: [
            ['"a written secret 1"', null],
            ['"a written secret 2"', null],
          ],
          with: { integration_id: null, url: '"https://d.example.com"' },
        },
        {
          attribute: 'secret_wo_version',
          steps: [
            [null, null],
            ['"1"', '1'],
            [null, null],
          ],
          with: { integration_id: null, url: '"https://e.example.com"', secret_wo: '"a written secret 3"' },
        },
        {
          attribute: 'active',
          steps: [
            [null, true],
            ['false', false],
            ['true', true],
            [null, true],
          ],
        },
        {
          attribute: 'ssl_verification_required',
          steps: [
            [null, true],
            ['false', false],
            [null, true],
          ],
        },
        {
          attribute: 'adopt_existing',
          steps: [
            [null, true],
            ['false', false],
            [null, true],
          ],
        },
      ]
      for (const { attribute } of rows)
        await stage.emulator.createRepository('PRJ', `w-${attribute.replaceAll('_', '-')}`)

      await walk(
        workspace,
        'mooring_bitbucket_webhook',
        rows,
        (attribute) => ({
          project_key: '"PRJ"',
          repository_slug: `"w-${attribute.replaceAll('_', '-')}"`,
          integration_id: `${theDefault}.id`,
        }),
        integrations,
      )
      await workspace.succeed('destroy', '-auto-approve')

      for (const { attribute } of rows) {
        const path = `/rest/api/latest/projects/PRJ/repos/w-${attribute.replaceAll('_', '-')}/webhooks`
        expect((await stage.emulator.rest('GET', path)).body.values).toEqual([])
      }
    })
  })
})
