import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { lacks, needs, sharedPath } from './left-out.ts'
import { explainMissing, findProgram, getProgram } from './programs.ts'

needs('git')('a suite whose program is there', () => {
  test('runs', () => {
    expect(lacks('git')).toBe(false)
    expect(existsSync(getProgram('git'))).toBe(true)
  })
})

test('finds no program where there is none, and says why it is wanted and how to get it', () => {
  expect(findProgram('terraform', '')).toBe(undefined)
  expect(explainMissing('terraform')).toMatch(
    /^terraform or tofu was not found; the acceptance tests .*; to get it: ht/,
  )
})

test('finds the newest PostgreSQL of a system that keeps it away from PATH', () => {
  const found = findProgram('initdb', '')

  if (existsSync('/usr/lib/postgresql')) expect(found).toMatch(/^\/usr\/lib\/postgresql\/\d+\/bin\/initdb$/)
  else expect(found ?? 'none').toMatch(/initdb$|^none$/)
})

test('looks for reference data beside the checkout', () => {
  expect(sharedPath('spec')).toMatch(/\/spec$/)
})
