import fc from 'fast-check'
import { expect, test } from 'vitest'
import { slugify } from '../../../schemas/rules/slug.ts'

test.for([
  { name: 'R3a letters become lower case', from: 'Team A', to: 'team-a' },
  { name: 'R3a marks are stripped', from: 'Zürich Café', to: 'zurich-cafe' },
  { name: 'R3a marks that stand alone are stripped', from: 'e\u0301te\u0301', to: 'ete' },
  { name: 'R3a compatible forms are one', from: 'Ｂｉｔ ﬁ ②', to: 'bit-fi-2' },
  { name: 'R3a a run of anything else is one hyphen', from: 'a _./:\u2003- b', to: 'a-b' },
  { name: 'R3a there is none at the ends', from: '--(a)--', to: 'a' },
  { name: 'R3a letters without a Latin form are left out', from: 'команда 7', to: '7' },
  { name: 'R3a a letter that does not decompose becomes a hyphen', from: 'straße', to: 'stra-e' },
  { name: 'R3a a name without Latin letters or digits has no slug', from: '東京', to: '' },
  { name: 'R3a punctuation alone has no slug', from: ' -_- ', to: '' },
  { name: 'R3a at most 63 characters remain', from: 'a'.repeat(64), to: 'a'.repeat(63) },
  { name: 'R3a a hyphen that the cut leaves at the end goes', from: `${'a'.repeat(62)} b`, to: 'a'.repeat(62) },
  { name: 'R3a a hyphen at the start takes no place', from: `-${'a'.repeat(64)}`, to: 'a'.repeat(63) },
])('$name', ({ from, to }) => {
  expect(slugify(from)).toBe(to)
})

test('R3a a slug is empty or a path segment of its own, and is its own slug', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (name) => {
      const slug = slugify(name)
      expect(slug).toMatch(/^$|^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
      expect(slug).not.toContain('--')
      expect(slugify(slug)).toBe(slug)
    }),
  )
})
