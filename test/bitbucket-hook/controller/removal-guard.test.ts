import { expect, test } from 'vitest'
import { needsConfirmation } from '../../../bitbucket-hook/controller/removal-guard.ts'

test.for([
  { name: 'B32 nothing to remove needs nothing', count: { removals: 0, registered: 0, wanted: 0 }, expected: false },
  { name: 'B32 five of six are few', count: { removals: 5, registered: 6, wanted: 1 }, expected: false },
  { name: 'B32 six of seven are many', count: { removals: 6, registered: 7, wanted: 1 }, expected: true },
  { name: 'B32 20 of 100 are few', count: { removals: 20, registered: 100, wanted: 80 }, expected: false },
  { name: 'B32 21 of 100 are many', count: { removals: 21, registered: 100, wanted: 79 }, expected: true },
  { name: 'B32 the last one needs a confirmation', count: { removals: 1, registered: 1, wanted: 0 }, expected: true },
])('$name', ({ count, expected }) => {
  expect(needsConfirmation(count)).toBe(expected)
})
