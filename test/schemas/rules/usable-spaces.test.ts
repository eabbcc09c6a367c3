import { expect, test } from 'vitest'
import { canUseIntegration, type SpaceNode, usableSpaces } from '../../../schemas/rules/usable-spaces.ts'

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
