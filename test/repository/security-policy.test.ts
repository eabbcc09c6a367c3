import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryRoot } from '../../scripts/repository-root.ts'

test('S82 the security policy says how to report, what is supported, and how long an answer takes', () => {
  const policy = readFileSync(join(repositoryRoot(), 'SECURITY.md'), 'utf8')

  expect(policy).toMatch(/report a weakness privately/i)
  expect(policy).toMatch(/^## What is supported$/m)
  expect(policy).toMatch(/within \d+ working days/i)
  expect(policy).toMatch(/within \d+ days/i)
})
