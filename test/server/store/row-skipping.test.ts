import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryRoot } from '../../../scripts/repository-root.ts'

const skips = /\.offset\(|\boffset\s+[$?\d]/i
const counts = /countAll\b|\bfn\s*\.\s*count\b|\bcount\s*\(\s*\*/i

/** Files whose counts are of tables that do not grow with traffic: what is in a space, jobs that wait, the schema itself. */
const boundedCounts = [
  'store/spaces.ts',
  'store/keyset-page.ts',
  'store/dialect/sqlite-connection.ts',
  'store/dialect/postgres-job-queue.ts',
  'store/dialect/sqlite-job-queue.ts',
  'store/dialect/worker-heartbeat.ts',
]
/** Files of commands and of the start, which count whole tables because that is what they are asked for. */
const countingCommands = [
  'store/audit-key.ts',
  'store/audit-verify.ts',
  'store/sealed-columns.ts',
  'store/dialect/backup-postgres.ts',
  'store/dialect/backup-sqlite.ts',
  'store/dialect/restore-postgres.ts',
  'store/dialect/examine-postgres.ts',
]
const countingFiles = [...boundedCounts, ...countingCommands]
/** Files with lists that grow with traffic: their pages say no count. */
const trafficFiles = ['store/deliveries.ts', 'store/runs.ts', 'store/audit.ts', 'store/webhook-targets.ts']

test('L10 no statement of the server skips rows, and none counts those of a table that grows with traffic', () => {
  const server = join(repositoryRoot(), 'server')
  const files = readdirSync(server, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const sources = files.map((file) => ({ file, text: readFileSync(join(server, file), 'utf8') }))

  expect(files.length).toBeGreaterThan(50)
  expect(sources.filter(({ text }) => skips.test(text)).map(({ file }) => file)).toEqual([])
  expect(
    sources.filter(({ file, text }) => counts.test(text) && !countingFiles.includes(file)).map(({ file }) => file),
  ).toEqual([])
  const ofTraffic = sources.filter(({ file }) => trafficFiles.includes(file))
  expect(ofTraffic).toHaveLength(trafficFiles.length)
  expect(ofTraffic.filter(({ text }) => text.includes('countAtMost')).map(({ file }) => file)).toEqual([])
})

test.for([
  { name: 'L10 the check sees an offset of the query builder', pattern: skips, text: 'query.limit(5).offset(10)' },
  { name: 'L10 the check sees an offset of plain SQL', pattern: skips, text: 'select 1 limit 5 OFFSET $2' },
  { name: 'L10 the check sees a count of the query builder', pattern: counts, text: "e.fn.countAll().as('n')" },
  { name: 'L10 the check sees a count of plain SQL', pattern: counts, text: 'select count(*) from delivery' },
])('$name', ({ pattern, text }) => {
  expect(text).toMatch(pattern)
})
