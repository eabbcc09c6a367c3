import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createCallScheduler, scheduledTransport } from '../../clients/call-scheduler.ts'
import type { TransportResponse } from '../../clients/transport.ts'
import { createManualClock } from './manual-clock.ts'

const atlassiansExample = { callsPerSecond: 5, burst: 60, maxInFlight: 4 }

function setUp(options: Partial<typeof atlassiansExample> = {}) {
  const clock = createManualClock()
  const pauses: [string, number][] = []
  const scheduler = createCallScheduler({
    clock,
    ...atlassiansExample,
    ...options,
    onPause: (lane, notBefore) => pauses.push([lane, notBefore - clock.now()]),
  })
  const started: number[] = []
  const start = clock.now()
  const call = async () => {
    started.push(clock.now() - start)
  }
  return { clock, scheduler, started, call, pauses }
}

describe('L20 one lane', () => {
  test('L20 lets a burst, less one second’s calls, through at once, then the rate', async () => {
    const { clock, scheduler, started, call } = setUp()
    for (let count = 0; count < 65; count++) void scheduler.schedule('bb|bot', call)

    await clock.advance(0)
    expect(started.length).toBe(55)
    await clock.advance(2_000)

    expect(started.length).toBe(65)
    expect(started.slice(55)).toEqual([200, 400, 600, 800, 1_000, 1_200, 1_400, 1_600, 1_800, 2_000])
  })

  test('L20 has at most four calls in flight, in the order they came', async () => {
    const { clock, scheduler } = setUp()
    const order: number[] = []
    const finish: (() => void)[] = []
    for (let index = 0; index < 6; index++) {
      const call = () =>
        new Promise<void>((resolve) => {
          order.push(index)
          finish.push(resolve)
        })
      void scheduler.schedule('bb|bot', call)
    }

    await clock.advance(10_000)
    expect(order).toEqual([0, 1, 2, 3])
    finish[1]?.()
    await clock.advance(0)

    expect(order).toEqual([0, 1, 2, 3, 4])
  })

  test('L20 a failing call gives its place back and fails alone', async () => {
    const { scheduler } = setUp({ maxInFlight: 1 })

    const failing = scheduler.schedule('bb|bot', () => Promise.reject(new Error('no')))
    const next = scheduler.schedule('bb|bot', async () => 'yes')

    await expect(failing).rejects.toThrow('no')
    expect(await next).toBe('yes')
  })

  test('a caller that gives up takes no token and never calls', async () => {
    const { clock, scheduler, started, call } = setUp({ burst: 1 })
    const controller = new AbortController()
    void scheduler.schedule('bb|bot', call)
    const given = scheduler.schedule('bb|bot', call, controller.signal)
    const outcome = expect(given).rejects.toThrow('enough')
    void scheduler.schedule('bb|bot', call)
    await clock.advance(0)

    controller.abort(new Error('enough'))

    await outcome
    await clock.advance(200)
    expect(started).toEqual([0, 200])
  })

  test('L20 a pause holds all callers of the lane, and leaves no burst behind', async () => {
    const { clock, scheduler, started, call, pauses } = setUp()
    scheduler.pause('bb|bot', clock.now() + 30_000)
    for (let count = 0; count < 3; count++) void scheduler.schedule('bb|bot', call)

    await clock.advance(31_000)

    expect(started).toEqual([30_200, 30_400, 30_600])
    expect(pauses).toEqual([['bb|bot', 30_000]])
  })

  test('L20 a shorter pause does not shorten a longer one', async () => {
    const { clock, scheduler, started, call } = setUp()
    scheduler.pause('bb|bot', clock.now() + 30_000)
    scheduler.pause('bb|bot', clock.now() + 1_000)
    void scheduler.schedule('bb|bot', call)

    await clock.advance(40_000)

    expect(started).toEqual([30_200])
  })

  test('L20 lanes do not wait for one another', async () => {
    const { clock, scheduler, started, call } = setUp()
    scheduler.pause('bb|bot', clock.now() + 30_000)
    void scheduler.schedule('bb|other', call)

    await clock.advance(0)

    expect(started).toEqual([0])
  })

  test('L20 never exceeds the bucket, whenever calls come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(2_000), { minLength: 1, maxLength: 40 }), async (gaps) => {
        const { clock, scheduler, started, call } = setUp({ callsPerSecond: 2, burst: 3 })
        for (const gap of gaps) {
          void scheduler.schedule('bb|bot', call)
          await clock.advance(gap)
        }
        await clock.advance(60_000)
        expect(started.length).toBe(gaps.length)
        for (const [first, from] of started.entries()) {
          for (const [last, to] of started.entries()) {
            if (last >= first) expect(last - first + 1).toBeLessThanOrEqual(1 + ((to - from) / 1000) * 2 + 1e-6)
          }
        }
      }),
      { numRuns: 30 },
    )
  })
})

describe('L20 through a transport', () => {
  const answer = (status: number, headers: Record<string, string>): TransportResponse => ({
    status,
    headers,
    body: new Uint8Array(),
  })

  test('L20 a 429 pauses the lane for every caller, as long as it says', async () => {
    const { clock, scheduler, started, call } = setUp()
    const send = scheduledTransport(async () => answer(429, { 'retry-after': '9' }), scheduler, 'bb|bot', clock)

    const response = await send({ method: 'GET', url: 'https://bb.example.com/', headers: {} })
    void scheduler.schedule('bb|bot', call)
    await clock.advance(20_000)

    expect(response.status).toBe(429)
    expect(started).toEqual([9_200])
  })

  test('L20 a 429 that says nothing pauses the lane for a second', async () => {
    const { clock, scheduler, started, call } = setUp()
    const send = scheduledTransport(async () => answer(429, {}), scheduler, 'bb|bot', clock)

    await send({ method: 'GET', url: 'https://bb.example.com/', headers: {} })
    void scheduler.schedule('bb|bot', call)
    await clock.advance(20_000)

    expect(started).toEqual([1_200])
  })
})
