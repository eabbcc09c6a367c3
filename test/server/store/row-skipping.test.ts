import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryRoot } from '../../../scripts/repository-root.ts'

const skips = /\.offset\(|\boffset\s+[$?\d]/i
const counts = /countAll\b|\bfn\s*\.\s*count\b|\bcount\s*\(\s*\*/i

/** Files whose counts are of tables that do not grow with traffic: what is in a space, and the schema itself. */
const countingFiles = ['store/spaces.ts', 'store/dialect/sqlite-connection.ts']

test('L10 no statement of the server skips rows, and none counts those of a table that grows with traffic', () => {
  const server = join(repositoryRoot(), 'server')
  const files = readdirSync(server, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const sources = files.map((file) => ({ file, text: readFileSync(join(server, file), 'utf8') }))

  expect(files.length).toBeGreaterThan(50)
  expect(sources.filter(({ text }) => skips.test(text)).map(({ file }) => file)).toEqual([])
  expect(
    sources.filter(({ file, text }) => counts.test(text) && !countingFiles.includes(file)).map(({ file }) => file),
  ).toEqual([])
})

test.for([
  { name: 'L10 the check sees an offset of the query builder', pattern: skips, text: 'query.limit(5).offset(10)' },
  { name: 'L10 the check sees an offset of plain SQL', pattern: skips, text: 'select 1 limit 5 OFFSET $2' },
  { name: 'L10 the check sees a count of the query builder', pattern: counts, text: "e.fn.countAll().as('n')" },
  { name: 'L10 the check sees a count of plain SQL', pattern: counts, text: 'select count(*) from delivery' },
])('$name', ({ pattern, text }) => {
  expect(text).toMatch(pattern)
})
