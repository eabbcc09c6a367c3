import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareVersions, isAtLeastVersion } from '../../../schemas/rules/version-order.ts'

test('B19 orders versions by number, not by text', () => {
  const ordered = ['8.7', '8.8', '8.10', '8.19', '9.0', '10.0']

  expect([...ordered].reverse().sort(compareVersions)).toEqual(ordered)
})

test.for([
  { name: 'B19 missing numbers are zero', left: '8', right: '8.0.0', order: 0 },
  { name: 'B19 what follows the numbers does not count', left: '9.4.0-SNAPSHOT', right: '9.4.0', order: 0 },
  { name: 'B19 a patch is newer', left: '8.19.1', right: '8.19', order: 1 },
  { name: 'B19 text without a number is older than everything', left: 'unknown', right: '0.1', order: -1 },
])('$name', ({ left, right, order }) => {
  expect(compareVersions(left, right)).toBe(order)
  expect(compareVersions(right, left)).toBe(order === 0 ? 0 : -order)
})

test('B19 a version is at least itself', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(999), { minLength: 1, maxLength: 4 }), (numbers) => {
      const version = numbers.join('.')
      expect(isAtLeastVersion(version, version)).toBe(true)
      expect(isAtLeastVersion(version, `${version}.1`)).toBe(false)
      expect(isAtLeastVersion(`${version}.1`, version)).toBe(true)
    }),
  )
})
