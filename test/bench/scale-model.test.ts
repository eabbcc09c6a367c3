import { expect, test } from 'vitest'
import { assume, loadOf, scaleModel } from '../../bench/scale-model.ts'

const enterprise = { repositories: 20_000, bitbuckets: 2, isWorldwide: false } as const

test('computes an enterprise’s load from pushes and pull requests', () => {
  const load = loadOf(enterprise, assume([]))

  expect(load.deliveriesPerDay).toBeCloseTo(118_000)
  expect(load.deliveriesPerPeakSecondOfHour).toBeCloseTo(4.92, 1)
  expect(load.bitbucketCallsNaive).toBeCloseTo(9.08, 1)
  expect(load.bitbucketCallsBest).toBeCloseTo(2.42, 1)
})

test('twice the pushes are twice the runs, and every assumption is printed', () => {
  const doubled = assume(['pushesPerDay=4'])

  expect(loadOf(enterprise, doubled).runsPerDay).toBeCloseTo(2 * loadOf(enterprise, assume([])).runsPerDay)
  for (const name of Object.keys(doubled)) expect(scaleModel(doubled)).toContain(`\`${name}=`)
})

test.for(['pushes=4', 'pushesPerDay=', 'pushesPerDay=many', '__proto__=1'])('refuses the assumption %s', (change) => {
  expect(() => assume([change])).toThrow(/is no assumption: write <name>=<number>, with one of pushesPerDay/)
})
