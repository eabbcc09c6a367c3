import { expect, test } from 'vitest'
import { killAccessMutants } from '../../scripts/faults/access-mutants.ts'

/** One check of the router, one of a service, one of a list; `npm run faults -- R26` takes out every one in turn. */
const three = new Set([
  'server/http/api-router.js: authorise 1',
  'server/services/integration-view.js: authoriseIntegration 1',
  'server/services/spaces.js: authorisedSpaces 1',
])
const isLong = process.env.MOORING_TEST_LONG === '1'

test('R26 a server that leaves out one check is found out by the search of its answers', {
  timeout: isLong ? 1_200_000 : 300_000,
}, async () => {
  const report = await killAccessMutants(26, ({ name }) => isLong || three.has(name))

  expect(report.withoutMutant).toEqual([])
  expect(report.survivors).toEqual([])
  expect(report.mutants).toBeGreaterThanOrEqual(three.size)
})
