import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { operations } from '../../../schemas/api.ts'
import type { SpaceNode } from '../../../schemas/rules/usable-spaces.ts'
import {
  anonymous,
  authorise,
  authorisedSpaces,
  authoriseIn,
  type Caller,
  type CallerRole,
} from '../../../server/core/authorise.ts'

const spaces = tree({ root: null, team: 'root', service: 'team', other: 'root' })

function caller(role: CallerRole, spaceId = 'root'): Caller {
  return role === 'anonymous' ? anonymous : { role, keyId: 'a-key', spaceId }
}

test.for([
  {
    role: 'anonymous',
    anyone: 'allowed',
    create: 'unauthenticated',
    webhooks: 'unauthenticated',
    rest: 'unauthenticated',
  },
  { role: 'bootstrap', anyone: 'allowed', create: 'allowed', webhooks: 'forbidden', rest: 'forbidden' },
  { role: 'webhook-registrar', anyone: 'allowed', create: 'forbidden', webhooks: 'allowed', rest: 'forbidden' },
  { role: 'root-admin', anyone: 'allowed', create: 'allowed', webhooks: 'allowed', rest: 'allowed' },
] as const)(
  'S20 R27a the role $role has exactly the permissions of the table',
  ({ role, anyone, create, webhooks, rest }) => {
    expect(authorise(caller(role), 'anyone')).toBe(anyone)
    expect(authorise(caller(role), 'api-keys:create')).toBe(create)
    expect(authorise(caller(role), 'webhooks')).toBe(webhooks)
    expect(authorise(caller(role), 'administer')).toBe(rest)
  },
)

test.for([
  { registrarOf: 'root', root: 'allowed', team: 'allowed', service: 'allowed', other: 'allowed' },
  { registrarOf: 'team', root: 'hidden', team: 'allowed', service: 'allowed', other: 'hidden' },
  { registrarOf: 'service', root: 'hidden', team: 'hidden', service: 'allowed', other: 'hidden' },
  { registrarOf: 'gone', root: 'hidden', team: 'hidden', service: 'hidden', other: 'hidden' },
])('R27a a registrar of $registrarOf sees its space and those below, and nothing else exists for it', (row) => {
  const registrar = caller('webhook-registrar', row.registrarOf)

  for (const space of ['root', 'team', 'service', 'other'] as const) {
    expect(authoriseIn(registrar, 'webhooks', space, spaces), space).toBe(row[space])
  }
})

test('R27a the list of spaces and the decision about each agree, whatever the tree', async () => {
  await fc.assert(
    fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 10 }), fc.nat(9), (parents, own) => {
      // Parents may form cycles: a corrupt tree must neither hang nor open anything.
      const world = tree(Object.fromEntries(parents.map((parent, id) => [`s${id}`, `s${parent}`])))
      const registrar = caller('webhook-registrar', `s${own}`)

      const listed = authorisedSpaces(registrar, 'webhooks', world)

      for (const id of world.keys()) {
        const isListed = listed === 'all' || listed.has(id)
        expect(isListed).toBe(authoriseIn(registrar, 'webhooks', id, world) === 'allowed')
      }
    }),
  )
})

test('R27a a caller without the permission has no spaces at all', () => {
  expect(authorisedSpaces(caller('bootstrap'), 'webhooks', spaces)).toEqual(new Set())
  expect(authorisedSpaces(anonymous, 'webhooks', spaces)).toEqual(new Set())
  expect(authorisedSpaces(caller('root-admin'), 'webhooks', spaces)).toBe('all')
})

test('S20 only these operations are open to anyone, and each other names its permission', () => {
  const open = Object.entries(operations).filter(([, { permission }]) => permission === 'anyone')

  expect(open.map(([id]) => id).sort()).toEqual(['createToken', 'getMeta'])
  expect(operations.createApiKey.permission).toBe('api-keys:create')
})

function tree(parents: Readonly<Record<string, string | null>>): Map<string, SpaceNode> {
  return new Map(
    Object.entries(parents).map(([id, parentId]) => [id, { id, parentId, inheritEntities: false } satisfies SpaceNode]),
  )
}
