import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const passing = "test('adds', () => { expect(1 + 1).toBe(2) })"
const failing = "test('adds wrongly', () => { expect(1 + 1).toBe(3) })"
const needing = (need: string) => `needs('${need}')('a suite that needs it', () => { ${passing} })`

test('ends with the count alone', () => {
  const { lines, code } = npmTest({ 'a.test.ts': passing, 'b.test.ts': passing })

  expect(lines.at(-1)).toBe('2 passed, 0 failed')
  expect(code).toBe(0)
})

test('fails when a test fails', () => {
  const { lines, code } = npmTest({ 'a.test.ts': `${passing}\n${failing}` })

  expect(lines.at(-1)).toBe('1 passed, 1 failed')
  expect(code).toBe(1)
})

test.for([
  { name: 'a file that cannot be loaded', source: "import './nowhere.ts'" },
  { name: 'a hook that throws', source: `beforeAll(() => { throw new Error('no') })\n${passing}` },
  { name: 'an error outside every test', source: `${passing}\nPromise.reject(new Error('stray'))` },
])('counts $name as a failure, and leaves nothing out for it', ({ source }) => {
  const { lines, code } = npmTest({ 'a.test.ts': passing, 'b.test.ts': source })

  expect(lines.at(-1)).toMatch(/^[12] passed, 1 failed$/)
  expect(lines.filter((line) => line.startsWith('left out'))).toEqual([])
  expect(code).toBe(1)
})

test('fails when there is nothing to run', () => {
  const { lines, code } = npmTest({ 'a.test.ts': passing }, ['no-such-file'])

  expect(lines.at(-1)).toBe('0 passed, 0 failed')
  expect(code).toBe(1)
})

test('runs only the files whose path contains the filter', () => {
  const { lines } = npmTest({ 'one.test.ts': passing, 'other.test.ts': failing }, ['one'])

  expect(lines.at(-1)).toBe('1 passed, 0 failed')
})

test('says which suite was left out, why, and how to get what it needs', () => {
  const { lines, code, stderr } = npmTest({ 'a.test.ts': passing, 'b.test.ts': needing('strace') })

  expect(lines.at(-2)).toMatch(
    /^left out: .*b\.test\.ts: a suite that needs it: strace was not found; .* trace .*; to get it: apt-get install/,
  )
  expect(lines.at(-1)).toBe('1 passed, 0 failed')
  expect(code).toBe(0)
  expect(stderr).toContain('mooring: strace was not found')
})

test('fails for a suite left out when everything is asked for', () => {
  const { lines, code } = npmTest({ 'a.test.ts': passing, 'b.test.ts': needing('strace') }, [], '1')

  expect(lines.at(-2)).toMatch(/^MOORING_TEST_ALL is set/)
  expect(lines.at(-1)).toBe('1 passed, 0 failed')
  expect(code).toBe(1)
})

test('lets a suite be left out that needs ../shared, even when everything is asked for', () => {
  const { lines, code } = npmTest({ 'a.test.ts': passing, 'b.test.ts': needing('shared') }, [], '1')

  expect(lines.at(-2)).toMatch(/^left out: .*: the folder \.\.\/shared with reference data is not there$/)
  expect(code).toBe(0)
})

test('names a test that was skipped without a reason, and fails for it when everything is asked for', () => {
  const files = { 'a.test.ts': passing, 'b.test.ts': passing.replace('test(', 'test.skip(') }

  expect(npmTest(files)).toMatchObject({ code: 0 })
  const { lines, code } = npmTest(files, [], '1')

  expect(lines.at(-3)).toMatch(/^left out: .*b\.test\.ts: adds: skipped in its file without a reason/)
  expect(code).toBe(1)
})

test('takes a name for a filter, not for a reason to report the rest as left out', () => {
  const { lines, code } = npmTest({ 'a.test.ts': `${passing}\n${failing}` }, ['-t', 'adds$'], '1')

  expect(lines.at(-1)).toBe('1 passed, 0 failed')
  expect(lines.filter((line) => line.startsWith('left out'))).toEqual([])
  expect(code).toBe(0)
})

/** Runs the built `npm test` over files of its own, in an environment that has neither strace nor `../shared`. */
function npmTest(files: Readonly<Record<string, string>>, args: readonly string[] = [], all = '') {
  mkdirSync('.mooring', { recursive: true })
  const folder = mkdtempSync(resolve('.mooring/npm-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'vitest.config.ts'), "export default { test: { pool: 'forks' } }\n")
  const support = resolve('test/support/left-out.ts')
  const imports = `import { beforeAll, expect, test } from 'vitest'\nimport { needs } from '${support}'\n`
  for (const [name, source] of Object.entries(files)) writeFileSync(join(folder, name), imports + source)

  const { stdout, stderr, status } = spawnSync(process.execPath, ['dist/scripts/test.js', '--root', folder, ...args], {
    encoding: 'utf8',
    env: { HOME: folder, PATH: folder, MOORING_TEST_ALL: all, MOORING_SHARED: join(folder, 'nothing'), NO_COLOR: '1' },
  })
  return { lines: stdout.trimEnd().split('\n'), stderr, code: status }
}
