import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { operations } from '../../../schemas/api.ts'
import { type Role, roles } from '../../../schemas/api-key.ts'
import type { Permission } from '../../../schemas/operation.ts'
import type { SpaceNode } from '../../../schemas/rules/usable-spaces.ts'
import {
  anonymous,
  authorise,
  authorisedIntegrations,
  authorisedSpaces,
  authoriseIn,
  authoriseIntegration,
  type Caller,
  type IntegrationPlace,
  isRootAdmin,
} from '../../../server/core/authorise.ts'

/** `ChildSpace` inherits from `ParentSpace`, `ClosedSpace` does not, and `FarSpace` hangs below the closed one. */
const spaces = tree([
  ['root', null, false],
  ['ParentSpace', 'root', false],
  ['ChildSpace', 'ParentSpace', true],
  ['GrandchildSpace', 'ChildSpace', true],
  ['ClosedSpace', 'ParentSpace', false],
  ['FarSpace', 'ClosedSpace', true],
  ['OpenSpace', 'root', true],
])

const places: Readonly<Record<string, IntegrationPlace>> = {
  'the default integration': { slug: 'account', spaceId: 'root', isDefault: true },
  'root’s own integration': { slug: 'of-root', spaceId: 'root', isDefault: false },
  'ParentSpace’s integration': { slug: 'of-parent', spaceId: 'ParentSpace', isDefault: false },
  'ChildSpace’s integration': { slug: 'of-child', spaceId: 'ChildSpace', isDefault: false },
  'ClosedSpace’s integration': { slug: 'of-closed', spaceId: 'ClosedSpace', isDefault: false },
}

// Rule | roles of the caller | permission | space | decision
const inSpaces = `
  R24 | admin of root | administer | root | allowed
  R24 | admin of root | administer | GrandchildSpace | allowed
  R24 | admin of ParentSpace | administer | ParentSpace | allowed
  R24 | admin of ParentSpace | administer | ChildSpace | allowed
  R24 | admin of ParentSpace | administer | ClosedSpace | allowed
  R24 | admin of ParentSpace | administer | FarSpace | allowed
  R24 | admin of ParentSpace | read | root | hidden
  R24 | admin of ParentSpace | administer | OpenSpace | hidden
  R24 | writer of ParentSpace | write | ClosedSpace | allowed
  R24 | writer of ParentSpace | administer | ClosedSpace | forbidden
  R24 | reader of ParentSpace | read | FarSpace | allowed
  R24 | reader of ParentSpace | write | FarSpace | forbidden
  R24 | admin of ChildSpace | read | ParentSpace | allowed
  R24 | writer of ChildSpace | read | ParentSpace | allowed
  R24 | reader of ChildSpace | read | ParentSpace | allowed
  R24 | admin of ChildSpace | write | ParentSpace | forbidden
  R24 | admin of ChildSpace | administer | ParentSpace | forbidden
  R24 | admin of ChildSpace | read | root | hidden
  R24 | admin of ChildSpace | read | ClosedSpace | hidden
  R24 | admin of GrandchildSpace | read | ChildSpace | allowed
  R24 | admin of GrandchildSpace | read | ParentSpace | allowed
  R24 | admin of GrandchildSpace | administer | ChildSpace | forbidden
  R24 | admin of GrandchildSpace | read | root | hidden
  R24 | admin of ClosedSpace | read | ParentSpace | hidden
  R24 | admin of ClosedSpace | administer | FarSpace | allowed
  R24 | admin of FarSpace | read | ClosedSpace | allowed
  R24 | admin of FarSpace | administer | ClosedSpace | forbidden
  R24 | admin of FarSpace | read | ParentSpace | hidden
  R24 | reader of OpenSpace | read | root | allowed
  R24 | reader of OpenSpace | read | ParentSpace | hidden
  R24 | admin of OpenSpace | administer | root | forbidden
  R24 | reader of ParentSpace, admin of ChildSpace | administer | ChildSpace | allowed
  R24 | reader of ParentSpace, admin of ChildSpace | administer | ParentSpace | forbidden
  R24 | admin of NoSpace | read | root | hidden
  R27 | reader of ChildSpace | write | ChildSpace | forbidden
  R27 | writer of ChildSpace | write | ChildSpace | allowed
  R27 | writer of ChildSpace | administer | ChildSpace | forbidden
  R27 | admin of ChildSpace | administer | ChildSpace | allowed
  R28 | admin of ChildSpace | administer | root | hidden
  R27a | webhook-registrar of ParentSpace | webhooks | ParentSpace | allowed
  R27a | webhook-registrar of ParentSpace | webhooks | FarSpace | allowed
  R27a | webhook-registrar of ParentSpace | webhooks | root | hidden
  R27a | webhook-registrar of ChildSpace | webhooks | ParentSpace | hidden
  R27a | webhook-registrar of ParentSpace | read | ParentSpace | forbidden
  R27a | webhook-registrar of ParentSpace | administer | ParentSpace | forbidden
  R27a | worker of ParentSpace | work | ParentSpace | allowed
  R27a | worker of ParentSpace | work | ChildSpace | allowed
  R27a | worker of ChildSpace | work | ParentSpace | hidden
  R27a | worker of ParentSpace | read | ParentSpace | forbidden
  R27a | worker of ParentSpace | webhooks | ParentSpace | forbidden
  R27a | admin of root | work | root | forbidden
  S20 | nobody | read | root | unauthenticated
  S20 | no role | read | root | forbidden
`

// Rule | roles of the caller | permission | integration | decision
const onIntegrations = `
  R7 | admin of ParentSpace | administer | ParentSpace’s integration | allowed
  R7 | admin of ChildSpace | administer | ParentSpace’s integration | forbidden
  R7 | writer of ParentSpace | administer | ParentSpace’s integration | forbidden
  R7 | admin of ClosedSpace | administer | ParentSpace’s integration | hidden
  R7 | admin of root | administer | the default integration | allowed
  R7 | admin of ParentSpace | administer | the default integration | forbidden
  R25 | reader of ParentSpace | see-integrations | ParentSpace’s integration | allowed
  R25 | reader of ParentSpace | see-integrations | ClosedSpace’s integration | allowed
  R25 | reader of ChildSpace | see-integrations | ParentSpace’s integration | allowed
  R25 | reader of ClosedSpace | see-integrations | ParentSpace’s integration | hidden
  R25 | reader of ChildSpace | see-integrations | ClosedSpace’s integration | hidden
  R25 | reader of ClosedSpace | see-integrations | the default integration | allowed
  R25 | writer of FarSpace | see-integrations | the default integration | allowed
  R25 | reader of ClosedSpace | see-integrations | root’s own integration | hidden
  R25 | reader of OpenSpace | see-integrations | root’s own integration | allowed
  R25 | worker of root | see-integrations | the default integration | forbidden
  R26 | admin of ParentSpace | webhooks | ParentSpace’s integration | allowed
  R26 | admin of ParentSpace | webhooks | ChildSpace’s integration | allowed
  R26 | writer of ParentSpace | webhooks | ParentSpace’s integration | forbidden
  R26 | admin of ChildSpace | webhooks | ParentSpace’s integration | forbidden
  R26 | admin of ClosedSpace | webhooks | ParentSpace’s integration | hidden
  R26 | admin of ParentSpace | webhooks | the default integration | forbidden
  R26 | admin of OpenSpace | webhooks | the default integration | forbidden
  R26 | admin of root | webhooks | the default integration | allowed
  R27a | webhook-registrar of root | webhooks | the default integration | allowed
  R27a | webhook-registrar of root | webhooks | ClosedSpace’s integration | allowed
  R27a | webhook-registrar of ParentSpace | webhooks | ParentSpace’s integration | allowed
  R27a | webhook-registrar of ParentSpace | webhooks | the default integration | hidden
  R27a | webhook-registrar of ParentSpace | see-integrations | the default integration | hidden
  R27a | webhook-registrar of ChildSpace | see-integrations | ParentSpace’s integration | hidden
  R27a | webhook-registrar of ParentSpace | administer | ParentSpace’s integration | forbidden
  S67 | webhook-registrar of root, of-parent alone | webhooks | ParentSpace’s integration | allowed
  S67 | webhook-registrar of root, of-parent alone | webhooks | ChildSpace’s integration | hidden
  S67 | webhook-registrar of root, of-parent alone | see-integrations | the default integration | hidden
  S67 | webhook-registrar of ChildSpace, of-parent alone | webhooks | ParentSpace’s integration | hidden
`

test.for(rowsOf(inSpaces))('$rule $who: $permission in $where is $decision', (row) => {
  expect(authoriseIn(row.caller, row.permission, row.where, spaces)).toBe(row.decision)
})

test.for(rowsOf(onIntegrations))('$rule $who: $permission on $where is $decision', (row) => {
  const place = places[row.where]
  if (!place) throw new Error(`There is no integration "${row.where}".`)

  expect(authoriseIntegration(row.caller, row.permission, place, spaces)).toBe(row.decision)
})

test.for([
  { who: 'nobody', permissions: ['anyone', 'sign-in'] },
  { who: 'the bootstrap key', permissions: ['anyone', 'sign-in', 'api-keys:create'] },
  { who: 'a user without roles', permissions: ['anyone', 'sign-in', 'self', 'session', 'account', 'api-keys:create'] },
  {
    who: 'webhook-registrar of root',
    permissions: ['anyone', 'sign-in', 'self', 'session', 'see-integrations', 'webhooks'],
  },
  { who: 'worker of root', permissions: ['anyone', 'sign-in', 'self', 'session', 'work'] },
  {
    who: 'reader of ChildSpace',
    permissions: ['anyone', 'sign-in', 'self', 'session', 'account', 'api-keys:create', 'read', 'see-integrations'],
  },
  {
    who: 'writer of ChildSpace',
    permissions: [
      'anyone',
      'sign-in',
      'self',
      'session',
      'account',
      'api-keys:create',
      'read',
      'write',
      'see-integrations',
    ],
  },
  {
    who: 'admin of ChildSpace',
    permissions: [
      'anyone',
      'sign-in',
      'self',
      'session',
      'account',
      'api-keys:create',
      'read',
      'write',
      'administer',
      'see-integrations',
      'webhooks',
    ],
  },
])('S20 R27a $who has these permissions and no other', ({ who, permissions }) => {
  expect(everyPermission.filter((permission) => authorise(callerOf(who), permission) === 'allowed').sort()).toEqual(
    [...permissions].sort(),
  )
})

test('R28 a root admin is an Admin of root, and nobody else is', () => {
  expect(isRootAdmin(callerOf('admin of root'))).toBe(true)
  for (const who of ['writer of root', 'admin of OpenSpace', 'nobody', 'the bootstrap key', 'a user without roles']) {
    expect(isRootAdmin(callerOf(who)), who).toBe(false)
  }
})

test('R26 S21 every list shows exactly what each decision allows, whatever the tree, the roles and the narrowing', async () => {
  await fc.assert(
    fc.property(world(), ({ tree: random, caller, integrations }) => {
      for (const permission of ['read', 'administer', 'webhooks', 'see-integrations', 'work'] as const) {
        const scope = authorisedSpaces(caller, permission, random)
        for (const id of random.keys()) {
          const isListed = scope === 'all' || scope.has(id)
          expect(isListed, `${permission} in ${id}`).toBe(authoriseIn(caller, permission, id, random) === 'allowed')
        }
        const { spaces: inThese, defaults, slugs } = authorisedIntegrations(caller, permission, random)
        for (const place of integrations) {
          const isIn = inThese === 'all' || inThese.has(place.spaceId) || (defaults && place.isDefault)
          const isListed = isIn && (slugs === null || slugs.has(place.slug))
          const decision = authoriseIntegration(caller, permission, place, random)
          expect(isListed, `${permission} on ${place.slug}`).toBe(decision === 'allowed')
        }
      }
    }),
  )
})

test('R24 a cycle of parents, which nothing makes, neither hangs nor opens anything', () => {
  const corrupt = tree([
    ['root', null, false],
    ['A', 'B', true],
    ['B', 'A', true],
    ['C', 'C', true],
  ])

  expect(authoriseIn(callerOf('admin of A'), 'read', 'B', corrupt)).toBe('allowed')
  for (const id of ['root', 'C', 'gone']) {
    expect(authoriseIn(callerOf('admin of A'), 'read', id, corrupt), id).toBe('hidden')
  }
})

test('R24 one more role never takes the sight of anything away', async () => {
  await fc.assert(
    fc.property(world(), fc.constantFrom(...roles), ({ tree: random, caller }, role) => {
      for (const spaceId of random.keys()) {
        const more = { ...caller, grants: [...caller.grants, { role, spaceId }] }
        for (const id of random.keys()) {
          if (authoriseIn(caller, 'read', id, random) === 'allowed') {
            expect(authoriseIn(more, 'read', id, random)).toBe('allowed')
          }
        }
      }
    }),
    { numRuns: 40 },
  )
})

test('S20 only these operations are open to anyone, and each other names its permission', () => {
  const open = Object.entries(operations).filter(([, { permission }]) => ['anyone', 'sign-in'].includes(permission))

  expect(open.map(([id]) => id).sort()).toEqual(['createSession', 'createToken', 'getMeta'])
  for (const [id, { permission }] of Object.entries(operations)) expect(everyPermission, id).toContain(permission)
})

const everyPermission: readonly Permission[] = [
  'anyone',
  'sign-in',
  'self',
  'session',
  'account',
  'api-keys:create',
  'read',
  'write',
  'administer',
  'see-integrations',
  'webhooks',
  'work',
]

function rowsOf(table: string) {
  return table
    .trim()
    .split('\n')
    .map((line) => {
      const [rule = '', who = '', permission = '', where = '', decision = ''] = line
        .split('|')
        .map((cell) => cell.trim())
      return { rule, who, permission: permission as Permission, where, decision, caller: callerOf(who) }
    })
}

/** `admin of root, reader of ParentSpace`; `…, of-parent alone` narrows to an integration. */
function callerOf(who: string): Caller {
  if (who === 'nobody') return anonymous
  const account: Caller = { kind: 'account', keyId: 'a key', userId: null, grants: [], integrations: null }
  if (who === 'the bootstrap key') return { ...account, kind: 'bootstrap' }
  if (who === 'a user without roles') return { ...account, userId: 'a user' }
  const parts = who.split(', ')
  const grants = parts.flatMap((part) => {
    const [, role, spaceId] = /^(\S+) of (\S+)$/.exec(part) ?? []
    return role === undefined || spaceId === undefined ? [] : [{ role: role as Role, spaceId }]
  })
  const alone = parts.flatMap((part) => /^(\S+) alone$/.exec(part)?.[1] ?? [])
  return { ...account, grants, integrations: alone.length > 0 ? new Set(alone) : null }
}

/** Trees of up to ten spaces, roles and integrations in them. */
function world() {
  return fc
    .record({
      parents: fc.array(fc.tuple(fc.nat(9), fc.boolean()), { minLength: 1, maxLength: 9 }),
      grants: fc.array(fc.tuple(fc.constantFrom(...roles), fc.nat(9)), { maxLength: 3 }),
      places: fc.array(fc.nat(9), { maxLength: 6 }),
      narrowed: fc.option(fc.array(fc.nat(6), { minLength: 1, maxLength: 3 })),
    })
    .map(({ parents, grants, places: homes, narrowed }) => {
      const name = (index: number) => (index === 0 ? 'root' : `s${Math.min(index, parents.length)}`)
      const nodes = parents.map(
        ([parent, inherits], index) =>
          [name(index + 1), name(Math.min(parent, index)), inherits] as [string, string, boolean],
      )
      const caller: Caller = {
        kind: 'account',
        keyId: 'a key',
        userId: null,
        grants: grants.map(([role, space]) => ({ role, spaceId: name(space) })),
        integrations: narrowed && new Set(narrowed.map((index) => `i${index}`)),
      }
      const integrations: IntegrationPlace[] = [
        { slug: 'i0', spaceId: 'root', isDefault: true },
        ...homes.map((home, index) => ({ slug: `i${index + 1}`, spaceId: name(home), isDefault: false })),
      ]
      return { tree: tree([['root', null, false], ...nodes]), caller, integrations }
    })
}

function tree(nodes: readonly (readonly [string, string | null, boolean])[]): Map<string, SpaceNode> {
  return new Map(nodes.map(([id, parentId, inheritEntities]) => [id, { id, parentId, inheritEntities }]))
}
