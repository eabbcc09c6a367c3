import { expect, test } from 'vitest'
import { createFailureLimiter } from '../../../server/core/failure-limiter.ts'

const start = 60_000 * 1_000

test('S17 ten failures a minute pass, the eleventh does not, and each subject has its own count', () => {
  const limiter = createFailureLimiter(10)

  const first = Array.from({ length: 11 }, (_, index) => limiter.countFailure('one', start + index))

  expect(first).toEqual([...Array(10).fill(false), true])
  expect(limiter.countFailure('two', start)).toBe(false)
})

test('S17 the count slides: half a minute later half of the failures still weigh', () => {
  const limiter = createFailureLimiter(10)
  for (let index = 0; index < 10; index++) limiter.countFailure('one', start)

  const soon = Array.from({ length: 6 }, () => limiter.countFailure('one', start + 90_000))

  expect(soon).toEqual([false, false, false, false, false, true])
  expect(limiter.countFailure('one', start + 240_000)).toBe(false)
})

test('S17 many subjects share one count instead of growing the memory', () => {
  const limiter = createFailureLimiter(10)
  for (let index = 0; index < 10_000; index++) limiter.countFailure(`filler ${index}`, start)

  const beyond = Array.from({ length: 11 }, (_, index) => limiter.countFailure(`beyond ${index}`, start))

  expect(beyond.at(-1)).toBe(true)
})
