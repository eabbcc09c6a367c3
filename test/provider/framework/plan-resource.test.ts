import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as s from '../../../provider/framework/attributes.ts'
import { at, pathText } from '../../../provider/framework/diagnostics.ts'
import type { Provider, Resource } from '../../../provider/framework/provider.ts'
import { known, refinedUnknown, unknown, type ValueObject } from '../../../provider/framework/value.ts'
import { apply, nothingHeld, plan, sessionWith } from '../../support/resource-harness.ts'

const schema = s.schema({
  attributes: {
    id: s.string({ computed: true }),
    name: s.string({ optional: true, equal: (a, b) => a.toLowerCase() === b.toLowerCase() }),
    host: s.string({ optional: true, replace: true }),
    slug: s.string({ optional: true, computed: true, replace: 'if-configured' }),
    size: s.int({ default: 1 }),
    tags: s.set('string', { default: [] }),
    secret_wo: s.string({ optional: true, writeOnly: true }),
    url: s.string({ computed: true, changesWith: ['host'] }),
    link: s.string({ computed: true, changesWith: ['url'] }),
    hidden: s.string({ computed: true, nullable: true }),
    revision: s.int({ computed: true, changesWith: 'any' }),
    rules: s.objectList(
      {
        port: s.int({ required: true }),
        kind: s.string({ default: 'tcp', replace: true }),
        rule_id: s.string({ computed: true }),
      },
      { optional: true },
    ),
    members: s.objectSet(
      { user: s.string({ required: true, replace: true }), weight: s.int({ default: 1 }) },
      { optional: true },
    ),
  },
  blocks: {
    step: s.listBlock(
      { attributes: { command: s.string({ required: true }), step_id: s.string({ computed: true }) } },
      {},
    ),
  },
})

const thing: Resource<typeof schema, { made: number }> = {
  typeName: 'test_thing',
  schema,
  async modifyPlan({ planned }, { requireReplace, private: kept, diagnostics }) {
    kept.set('planned', true)
    if (planned?.name === 'refuse') diagnostics.error('Refused', 'No.', at('name'))
    if (planned?.name === 'elsewhere') requireReplace(at('name'))
    return planned?.name === 'unlinked' ? { ...planned, hidden: unknown } : undefined
  },
  async create(planned, { client }) {
    client.made += 1
    return {
      ...planned,
      id: `id-${client.made}`,
      slug: known(planned.slug, 'slug'),
      url: `https://${planned.host}`,
      link: `link to https://${planned.host}`,
      hidden: null,
      revision: 1,
      rules: planned.rules?.map((rule) => ({ ...rule, rule_id: `r${rule.port}` })) ?? null,
      step: planned.step.map((step) => ({ ...step, step_id: `s${step.command}` })),
    }
  },
  async read(current) {
    return current
  },
  async update(planned, prior) {
    return {
      ...planned,
      id: prior.id,
      slug: known(planned.slug, prior.slug),
      url: known(planned.url, `https://${planned.host}`),
      link: known(planned.link, `link to https://${planned.host}`),
      hidden: known(planned.hidden, null),
      revision: prior.revision + 1,
      rules: planned.rules?.map((rule) => ({ ...rule, rule_id: known(rule.rule_id, `r${rule.port}`) })) ?? null,
      step: planned.step.map((step) => ({ ...step, step_id: known(step.step_id, `s${step.command}`) })),
    }
  },
  async delete() {},
}

const provider: Provider<ReturnType<typeof emptySchema>, { made: number }> = {
  address: 'registry.terraform.io/test/test',
  version: '1.0.0',
  schema: emptySchema(),
  resources: [thing],
  dataSources: [],
  ephemeralResources: [],
  functions: [],
  async configure() {
    return { made: 0 }
  },
}

function emptySchema() {
  return s.schema({ attributes: {} })
}

const session = () => sessionWith(provider, { made: 0 })
const base: ValueObject = {
  name: 'Base',
  host: 'h',
  rules: [{ port: 80 }, { port: 443 }],
  step: [{ command: 'a' }],
  members: [{ user: 'ann' }],
}

const held = await apply(session(), thing, nothingHeld, base)
const change = (configuration: ValueObject | null) => plan(session(), thing, held, configuration)

test('R139a trap 10: marks every computed attribute unknown on create, and fills in the defaults', async () => {
  const { planned } = await plan(session(), thing, nothingHeld, base)

  expect(planned).toEqual({
    ...base,
    id: unknown,
    slug: unknown,
    url: unknown,
    link: unknown,
    hidden: unknown,
    revision: unknown,
    size: 1,
    tags: [],
    secret_wo: null,
    rules: [
      { port: 80, kind: 'tcp', rule_id: unknown },
      { port: 443, kind: 'tcp', rule_id: unknown },
    ],
    step: [{ command: 'a', step_id: unknown }],
    members: [{ user: 'ann', weight: 1 }],
  })
})

test.for<{ name: string; configuration: ValueObject; expected: ValueObject | 'as before'; replaces?: string[] }>([
  { name: 'R139a trap 10: plans nothing unknown where nothing changes', configuration: base, expected: 'as before' },
  { name: 'a set in another order is no change', configuration: { ...base, tags: [] }, expected: 'as before' },
  {
    name: 'another spelling of an equal value is no change',
    configuration: { ...base, name: 'BASE' },
    expected: 'as before',
  },
  { name: 'a write-only value is no change', configuration: { ...base, secret_wo: 'x' }, expected: 'as before' },
  {
    name: 'an update keeps stable facts and the null of a nullable one, and opens what changes with anything',
    configuration: { ...base, size: 2 },
    expected: {
      size: 2,
      id: 'id-1',
      slug: 'slug',
      url: 'https://h',
      link: 'link to https://h',
      hidden: null,
      revision: unknown,
    },
  },
  {
    name: 'what changes with another attribute opens, and what changes with that one too',
    configuration: { ...base, host: 'other' },
    expected: { host: 'other', url: unknown, link: unknown, id: 'id-1' },
    replaces: ['host'],
  },
  {
    name: 'R139a trap 10: an unknown value stays as refined as it came',
    configuration: { ...base, name: refinedUnknown({ notNull: true, prefix: 'n-' }) },
    expected: { name: refinedUnknown({ notNull: true, prefix: 'n-' }), id: 'id-1' },
  },
  {
    name: 'a removed optional attribute becomes null, a removed default returns',
    configuration: { host: 'h' },
    expected: { name: null, size: 1, rules: null, step: [], members: null },
  },
  {
    name: 'R139a trap 10: list elements keep their computed part only where their configured part is the same',
    configuration: { ...base, rules: [{ port: 80 }, { port: 8443 }, { port: 1 }] },
    expected: {
      rules: [
        { port: 80, kind: 'tcp', rule_id: 'r80' },
        { port: 8443, kind: 'tcp', rule_id: unknown },
        { port: 1, kind: 'tcp', rule_id: unknown },
      ],
    },
  },
  {
    name: 'blocks are treated like lists',
    configuration: { ...base, step: [{ command: 'a' }, { command: 'b' }] },
    expected: {
      step: [
        { command: 'a', step_id: 'sa' },
        { command: 'b', step_id: unknown },
      ],
    },
  },
  {
    name: 'replaces for a nested attribute, at its place',
    configuration: { ...base, rules: [{ port: 80, kind: 'udp' }, { port: 443 }] },
    expected: {},
    replaces: ['rules[0].kind'],
  },
  {
    name: 'replaces for a set element at the set',
    configuration: { ...base, members: [{ user: 'bob' }] },
    expected: {},
    replaces: ['members'],
  },
  {
    name: 'does not replace for another attribute of the same set element',
    configuration: { ...base, members: [{ user: 'ann', weight: 2 }] },
    expected: { members: [{ user: 'ann', weight: 2 }] },
  },
  {
    name: 'replaces if configured',
    configuration: { ...base, slug: 'new' },
    expected: { slug: 'new' },
    replaces: ['slug'],
  },
  {
    name: 'replaces where the resource says so',
    configuration: { ...base, name: 'elsewhere' },
    expected: {},
    replaces: ['name'],
  },
  {
    name: 'lets the resource open an attribute',
    configuration: { ...base, name: 'unlinked' },
    expected: { hidden: unknown },
  },
])('$name', async ({ configuration, expected, replaces = [] }) => {
  const { planned, requiresReplace } = await change(configuration)

  if (expected === 'as before') expect(planned).toEqual(held.state)
  else expect(planned).toMatchObject(expected)
  expect(requiresReplace.map(pathText)).toEqual(replaces)
})

test('a destroy stays a destroy, and carries private data', async () => {
  const { planned, requiresReplace, private: kept } = await change(null)

  expect({ planned, requiresReplace, kept }).toEqual({ planned: null, requiresReplace: [], kept: { planned: true } })
})

test('collects what the resource has to say', async () => {
  const { diagnostics } = await change({ ...base, name: 'refuse' })

  expect(diagnostics).toEqual([{ severity: 'error', summary: 'Refused', detail: 'No.', path: at('name') }])
})

const configurations = fc.record(
  {
    name: fc.constantFrom('Base', 'base', 'other', null),
    host: fc.constantFrom('h', 'i', null),
    slug: fc.constantFrom('slug', 'x', null),
    size: fc.constantFrom(1, 2, null),
    tags: fc.constantFrom(['a', 'b'], ['b', 'a'], [], null),
    secret_wo: fc.constantFrom('s', null),
    rules: fc.option(
      fc.array(fc.record({ port: fc.integer({ min: 1, max: 3 }), kind: fc.constantFrom('tcp', 'udp', null) }), {
        maxLength: 3,
      }),
    ),
    members: fc.option(
      fc.uniqueArray(fc.record({ user: fc.constantFrom('ann', 'bob', 'cyd'), weight: fc.constantFrom(1, 2, null) }), {
        maxLength: 3,
        selector: ({ user }) => user,
      }),
    ),
    step: fc.array(fc.record({ command: fc.constantFrom('a', 'b') }), { maxLength: 2 }),
  },
  { requiredKeys: ['step'] },
)

test('R130 any change applies as Terraform demands, and the plan after it finds nothing to do', async () => {
  await fc.assert(
    fc.asyncProperty(configurations, configurations, async (first, second) => {
      const own = session()
      const before = await apply(own, thing, nothingHeld, first)
      const after = await apply(own, thing, before, second)
      const again = await plan(own, thing, after, second)

      expect(after.diagnostics).toEqual([])
      expect(again.planned).toEqual(after.state)
      expect(again.requiresReplace).toEqual([])
    }),
    { numRuns: 500 },
  )
})
