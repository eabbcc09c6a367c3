import fc from 'fast-check'
import { expect, test } from 'vitest'
import { timeOfUuidv7, uuidv7 } from '../../../server/core/uuid-v7.ts'

test('L10 an id is a UUID of version 7 that carries its time', () => {
  const now = Date.now() + 60_000

  const id = uuidv7(now)

  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(timeOfUuidv7(id)).toBe(now)
})

test('L10 each id is greater than the one before, whatever the clock does', () => {
  const start = Date.now() + 120_000
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 200 }), (steps) => {
      let last = ''
      for (const step of steps) {
        const id = uuidv7(start + step)
        expect(id > last).toBe(true)
        last = id
      }
    }),
  )
})

test('L10 ids stay in order beyond the 4,096 that one millisecond holds', () => {
  const now = Date.now() + 180_000

  const ids = Array.from({ length: 10_000 }, () => uuidv7(now))

  expect(ids).toEqual([...new Set(ids)].sort())
})
