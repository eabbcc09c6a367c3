import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sourceViolations } from './source-rules.ts'

test.for([
  {
    name: 'S64 refuses a pattern built from data',
    file: 'server/a.ts',
    source: 'const a = (b: string) => new RegExp(b)',
  },
  { name: 'S64 refuses one with a variable part', file: 'schemas/a.ts', source: 'RegExp(`^${' + 'name}$`)' },
  { name: 'refuses the named import of zod', file: 'schemas/a.ts', source: "import { z } from 'zod'" },
  { name: 'refuses the default import of zod', file: 'schemas/a.ts', source: "import z from 'zod'" },
  { name: 'refuses a part of zod', file: 'schemas/a.ts', source: "import * as z from 'zod/mini'" },
  { name: 'refuses a named type of zod', file: 'schemas/a.ts', source: "import type { ZodType } from 'zod'" },
  { name: 'refuses a mocked module', file: 'test/a.test.ts', source: "vi.mock('./a.ts')" },
])('$name', ({ file, source }) => {
  expect(sourceViolations(file, `\n${source}`)).toEqual([expect.stringMatching(/^[^:]+:2: /)])
})

test.for([
  { name: 'accepts literal patterns', file: 'server/a.ts', source: "/^a$/.test(b); new RegExp('^a$', 'v')" },
  { name: 'accepts the namespace import of zod', file: 'schemas/a.ts', source: "import * as z from 'zod'" },
  { name: 'accepts its types alone', file: 'schemas/a.ts', source: "import type * as z from 'zod'" },
  { name: 'accepts built patterns in tests', file: 'test/a.test.ts', source: 'new RegExp(b)' },
])('$name', ({ file, source }) => {
  expect(sourceViolations(file, source)).toEqual([])
})

describe('this repository', () => {
  const files = readdirSync('.', { withFileTypes: true })
    .filter((item) => item.isDirectory() && !/^(\.|node_modules$|dist$|coverage$|docs$)/.test(item.name))
    .flatMap(({ name }) => readdirSync(name, { recursive: true, encoding: 'utf8' }).map((file) => join(name, file)))
    .filter((file) => /\.tsx?$/.test(file) && !/(^|\/)(generated|node_modules)\//.test(file))

  test('S64 builds no pattern from data, imports zod whole, and mocks nothing', () => {
    expect(files).toContain('test/repository/source-rules.test.ts')

    expect(files.flatMap((file) => sourceViolations(file, readFileSync(file, 'utf8')))).toEqual([])
  })

  test('has no barrels', () => {
    expect(files.filter((file) => /\/index\.tsx?$/.test(file))).toEqual([])
  })
})
