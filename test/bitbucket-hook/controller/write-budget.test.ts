import { expect, test } from 'vitest'
import { createWriteBudget } from '../../../bitbucket-hook/controller/write-budget.ts'

test('B30 a webhook is written five times an hour at most, each webhook for itself', () => {
  let now = 0
  const budget = createWriteBudget(() => now)

  const first = Array.from({ length: 6 }, () => budget.take('a'))
  const other = budget.take('b')
  now = 3_599_999
  const within = budget.take('a')
  now = 3_600_000
  const after = budget.take('a')

  expect(first).toEqual([true, true, true, true, true, false])
  expect([other, within, after]).toEqual([true, false, true])
})
