import { expect, test } from 'vitest'
import { startHookWorld } from './hook-world.ts'

test('B25 B57 a first pass stays within the rate and the calls in flight, with two requests per repository', async () => {
  const count = 40
  const [rate, burst, inFlight] = [40, 60, 3]
  const world = await startHookWorld({ repositories: Array.from({ length: count }, (_, index) => `repo-${index}`) })
  await world.emulator.addFault({ kind: 'latency', ms: 30, path: '*/webhooks' })
  const before = world.emulator.requests().length
  const start = Date.now()

  await world.run('apply', {
    MOORING_HOOK_CALLS_PER_SECOND: String(rate),
    MOORING_HOOK_BURST: String(burst),
    MOORING_HOOK_IN_FLIGHT: String(inFlight),
  })

  const seconds = (Date.now() - start) / 1000
  const requests = world.emulator.requests().slice(before)
  const times = requests.map(({ at }) => at).sort((left, right) => left - right)
  for (const [first, from] of times.entries()) {
    for (const [last, to] of times.entries()) {
      if (last > first) expect(last - first + 1).toBeLessThanOrEqual(burst + (rate * (to - from + 10)) / 1000)
    }
  }
  const underWay = requests.map(({ at }) =>
    requests.filter((other) => other.at <= at && at < other.at + other.durationMs),
  )
  expect(Math.max(...underWay.map(({ length }) => length))).toBeLessThanOrEqual(inFlight)
  expect(requests.length).toBeLessThanOrEqual(2 * count + 1) // one for the version
  expect(seconds).toBeLessThan(1.1 * ((2 * count - (burst - rate)) / rate) + 1)
})
