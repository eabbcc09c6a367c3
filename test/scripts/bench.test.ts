import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { judge, median } from '../../bench/target.ts'
import { repositoryRoot } from '../../scripts/repository-root.ts'
import { findProgram } from '../support/programs.ts'

const bench = join(repositoryRoot(), 'dist/scripts/bench.js')
const run = promisify(execFile)

test('a smoke run of all benches prints one JSON line per target, whole and with the documented keys', async () => {
  const { stdout } = await run(process.execPath, [bench, '--smoke', '--json'])

  const lines = stdout.trim().split('\n')
  const targets = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  for (const target of targets) {
    expect(Object.keys(target)).toEqual(['target', 'value', 'goal', 'met', 'peer', 'rounds', 'spread'])
    expect(target).toEqual({
      target: expect.stringMatching(/^(ingestion|lists|provider-start|queue)\.[A-Za-z0-9.]+$/),
      value: expect.any(Number),
      goal: expect.stringMatching(/^(>=|<=|<)[0-9.]+$/),
      met: expect.any(Boolean),
      peer: expect.any(String),
      rounds: expect.any(Number),
      spread: [expect.any(Number), expect.any(Number)],
    })
    expect(target.value).toBeGreaterThan(0)
  }
  const names = targets.map(({ target }) => target)
  expect(new Set(names).size).toBe(names.length)
  expect(names).toEqual(
    expect.arrayContaining([
      'ingestion.verifyOnly.cpuShare',
      'ingestion.durable.cpuShare',
      'ingestion.durable.requestsPerSecond',
      'ingestion.durable.p99',
      'ingestion.durable.rssMb',
      'provider-start.startRatio',
      'provider-start.bundleKb',
      'lists.sqlite.stacks.p99Ratio',
      'queue.claimBatch.sqlite',
      'queue.claimBatch.sqlite',
    ]),
  )
  const measuresPostgres = names.includes('ingestion.durablePostgres.cpuShare')
  expect(measuresPostgres).toBe(findProgram('initdb') !== undefined && findProgram('postgres') !== undefined)
}, 180_000)

test('a bench that does not exist is named, with those that do', async () => {
  const running = run(process.execPath, [bench, 'nonsense', '--json'])

  await expect(running).rejects.toMatchObject({
    stderr: expect.stringContaining('There is no bench "nonsense": choose among '),
    stdout: '',
  })
})

test.for([
  { goal: '>=0.33', value: 0.33, met: true },
  { goal: '>=0.33', value: 0.329, met: false },
  { goal: '<=4', value: 4, met: true },
  { goal: '<=4', value: 4.01, met: false },
  { goal: '<150', value: 150, met: false },
  { goal: '<150', value: 149, met: true },
] as const)('$value against the goal $goal: $met', ({ goal, value, met }) => {
  expect(judge('a.b', goal, 'peer', [value])).toMatchObject({ value, met, rounds: 1, spread: [value, value] })
})

test('the value of a target is the median, whatever the order, and lies between the quarter points', () => {
  const rounds = fc.array(fc.integer({ min: 1, max: 999 }), { minLength: 1, maxLength: 50 })
  void fc.assert(
    fc.property(rounds, (values) => {
      const { value, spread } = judge('a.b', '>=0', 'peer', values)
      const reversed = judge('a.b', '>=0', 'peer', [...values].reverse())

      expect(reversed).toEqual(judge('a.b', '>=0', 'peer', values))
      expect(spread[0]).toBeLessThanOrEqual(value)
      expect(spread[1]).toBeGreaterThanOrEqual(value)
      expect(values.filter((each) => each <= median(values)).length).toBeGreaterThanOrEqual(values.length / 2)
      expect(values.filter((each) => each >= median(values)).length).toBeGreaterThanOrEqual(values.length / 2)
    }),
  )
})
