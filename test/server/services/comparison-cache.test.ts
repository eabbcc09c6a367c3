import { expect, test } from 'vitest'
import { createComparisonCache } from '../../../server/services/comparison-cache.ts'

const options = { keepMs: 1_000, most: 2 }

/** A question that counts how often it was asked. */
function question<Answer>(answer: () => Promise<Answer>) {
  const state = { asked: 0 }
  return {
    state,
    ask: () => {
      state.asked += 1
      return answer()
    },
  }
}

test('L21 askers at the same time wait for the first, and later ones get its answer', async () => {
  const cache = createComparisonCache<string>(options)
  const { state, ask } = question(async () => 'files')

  const answers = await Promise.all([cache.get('a', 0, ask), cache.get('a', 0, ask)])
  answers.push(await cache.get('a', 999, ask))

  expect(answers).toEqual(['files', 'files', 'files'])
  expect(state.asked).toBe(1)
})

test('L21 an answer is asked for again after its time', async () => {
  const cache = createComparisonCache<string>(options)
  const { state, ask } = question(async () => 'files')
  await cache.get('a', 0, ask)

  await cache.get('a', 1_000, ask)

  expect(state.asked).toBe(2)
})

test('L21 a failure is not kept', async () => {
  const cache = createComparisonCache<string>(options)
  let fails = true
  const { state, ask } = question(async () => {
    if (fails) throw new Error('away')
    return 'files'
  })
  await expect(cache.get('a', 0, ask)).rejects.toThrow('away')
  fails = false

  expect(await cache.get('a', 0, ask)).toBe('files')
  expect(state.asked).toBe(2)
})

test('L21 the oldest answer leaves when there are too many', async () => {
  const cache = createComparisonCache<string>(options)
  const { state, ask } = question(async () => 'files')
  for (const key of ['a', 'b', 'c']) await cache.get(key, 0, ask)

  await cache.get('c', 0, ask)
  await cache.get('a', 0, ask)

  expect(state.asked).toBe(4)
})
