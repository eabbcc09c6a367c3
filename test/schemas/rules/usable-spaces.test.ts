import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canUseIntegration, explainUse, type SpaceNode, usableSpaces } from '../../../schemas/rules/usable-spaces.ts'

const root = { id: 'root', parentId: null, inheritEntities: false }
const inherits = (id: string, parentId: string): SpaceNode => ({ id, parentId, inheritEntities: true })
const stands = (id: string, parentId: string): SpaceNode => ({ id, parentId, inheritEntities: false })

test.for([
  { name: 'R22 a space uses itself', spaces: [stands('a', 'root')], from: 'a', usable: ['a'] },
  {
    name: 'R22 an inheriting space uses its parent',
    spaces: [inherits('a', 'root')],
    from: 'a',
    usable: ['a', 'root'],
  },
  {
    name: 'R22 inheritance goes on through every space that inherits',
    spaces: [inherits('a', 'root'), inherits('b', 'a')],
    from: 'b',
    usable: ['b', 'a', 'root'],
  },
  {
    name: 'R22 a space in between that does not inherit ends the way',
    spaces: [stands('a', 'root'), inherits('b', 'a')],
    from: 'b',
    usable: ['b', 'a'],
  },
  {
    name: 'R22 nothing is used from below or from beside',
    spaces: [inherits('a', 'root'), inherits('b', 'a'), inherits('c', 'root')],
    from: 'a',
    usable: ['a', 'root'],
  },
  { name: 'R22 root uses itself, also if it claims to inherit', spaces: [], from: 'root', usable: ['root'] },
  { name: 'R22 an unknown space uses nothing', spaces: [], from: 'gone', usable: [] },
  { name: 'R22 an unknown parent ends the way', spaces: [inherits('a', 'gone')], from: 'a', usable: ['a'] },
  {
    name: 'R22 a cycle that damage made ends the way',
    spaces: [inherits('a', 'c'), inherits('b', 'a'), inherits('c', 'b')],
    from: 'a',
    usable: ['a', 'c', 'b'],
  },
  { name: 'R22 a space that is its own parent ends the way', spaces: [inherits('a', 'a')], from: 'a', usable: ['a'] },
])('$name', ({ spaces, from, usable }) => {
  expect(usableSpaces(from, tree(spaces))).toEqual(usable)
})

test.for([
  {
    name: 'R22 the default integration serves a space that inherits nothing',
    isDefault: true,
    spaceId: 'root',
    can: true,
  },
  { name: 'R22 another integration of root does not', isDefault: false, spaceId: 'root', can: false },
  { name: 'R22 an integration of the space itself does', isDefault: false, spaceId: 'a', can: true },
])('$name', ({ isDefault, spaceId, can }) => {
  expect(canUseIntegration({ isDefault, spaceId }, 'a', tree([stands('a', 'root')]))).toBe(can)
})

function tree(spaces: readonly SpaceNode[]): ReadonlyMap<string, SpaceNode> {
  return new Map([root, ...spaces].map((space) => [space.id, space]))
}

test.for([
  { name: 'R22 why: it is the default', isDefault: true, at: 'root', reason: 'default', path: ['c'] },
  { name: 'R22 why: it lives here', isDefault: false, at: 'c', reason: 'same_space', path: ['c'] },
  { name: 'R22 why: every link inherits', isDefault: false, at: 'b', reason: 'inherited', path: ['c', 'b'] },
  { name: 'R22 why not: a link does not inherit', isDefault: false, at: 'root', reason: 'blocked', path: ['c', 'b'] },
  { name: 'R22 why not: it lives beside', isDefault: false, at: 'd', reason: 'elsewhere', path: ['c', 'b'] },
  { name: 'R22 why not: it lives nowhere', isDefault: false, at: 'gone', reason: 'elsewhere', path: ['c', 'b'] },
])('$name', ({ isDefault, at, reason, path }) => {
  const spaces = tree([stands('b', 'root'), inherits('c', 'b'), inherits('d', 'root')])

  expect(explainUse({ isDefault, spaceId: at }, 'c', spaces)).toEqual({
    isUsable: !['blocked', 'elsewhere'].includes(reason),
    reason,
    path,
  })
})

test('R22 the explanation always agrees with the rule', () => {
  const ids = ['root', 'a', 'b', 'c', 'd']
  const node = (id: string) =>
    fc.record({ id: fc.constant(id), parentId: fc.constantFrom(null, ...ids), inheritEntities: fc.boolean() })
  fc.assert(
    fc.property(
      fc.tuple(...ids.map(node)),
      fc.constantFrom(...ids),
      fc.record({ isDefault: fc.boolean(), spaceId: fc.constantFrom(...ids) }),
      (nodes, spaceId, integration) => {
        const spaces = new Map(nodes.map((each) => [each.id, each]))
        const { isUsable, reason, path } = explainUse(integration, spaceId, spaces)

        expect(isUsable).toBe(canUseIntegration(integration, spaceId, spaces))
        expect(path[0]).toBe(spaceId)
        if (reason === 'inherited') expect(path.at(-1)).toBe(integration.spaceId)
        if (reason === 'blocked') expect(path).not.toContain(integration.spaceId)
      },
    ),
  )
})
