import { expect, test } from 'vitest'
import { type ControllerOptions, createController } from '../../../bitbucket-hook/controller/controller.ts'
import { TerminalError } from '../../../bitbucket-hook/controller/terminal-error.ts'
import { createManualClock } from '../../clients/manual-clock.ts'

function setUp(reconcile: ControllerOptions['reconcile'], options: Partial<ControllerOptions> = {}) {
  const clock = createManualClock()
  const tried: { readonly key: string; readonly at: number }[] = []
  const start = clock.now()
  const controller = createController({
    clock,
    random: () => 0.5,
    workers: 2,
    firstBackOffMs: 1_000,
    longestBackOffMs: 4_000,
    tries: Number.POSITIVE_INFINITY,
    ...options,
    reconcile: (key) => {
      tried.push({ key, at: clock.now() - start })
      return reconcile(key)
    },
  })
  return { clock, controller, tried, times: () => tried.map(({ at }) => at) }
}

/** Work that ends when the test says so. */
function createGate() {
  const waiting = new Map<string, () => void>()
  return {
    pass: (key: string) =>
      new Promise<{ kind: 'done' }>((resolve) => waiting.set(key, () => resolve({ kind: 'done' }))),
    open: (key: string) => waiting.get(key)?.(),
  }
}

test('a key that is queued twice is worked on once', async () => {
  const { controller, tried } = setUp(async () => ({ kind: 'done' }), { workers: 1 })

  for (const key of ['a', 'b', 'b', 'c', 'b']) controller.add(key)
  await controller.drained()

  expect(tried.map(({ key }) => key)).toEqual(['a', 'b', 'c'])
})

test('a key is never worked on twice at once; added meanwhile, it comes again afterwards', async () => {
  const gate = createGate()
  const { clock, controller, tried } = setUp(gate.pass)

  controller.add('a')
  controller.add('a')
  controller.add('a')
  await clock.advance(1)
  const meanwhile = tried.length
  gate.open('a')
  await clock.advance(1)

  expect([meanwhile, tried.length]).toEqual([1, 2])
  gate.open('a')
  await controller.drained()
  expect(tried).toHaveLength(2)
})

test('no more keys are worked on at once than there are workers', async () => {
  const gate = createGate()
  const { clock, controller, tried } = setUp(gate.pass)

  for (const key of ['a', 'b', 'c']) controller.add(key)
  await clock.advance(1)

  expect(tried.map(({ key }) => key)).toEqual(['a', 'b'])
  gate.open('b')
  await clock.advance(1)
  expect(tried.map(({ key }) => key)).toEqual(['a', 'b', 'c'])
})

test('B24 an ordinary throw is tried again, with a back-off that doubles up to its limit', async () => {
  const { clock, controller, times } = setUp(() => Promise.reject(new Error('passing')))

  controller.add('a')
  await clock.advance(8_000)

  expect(times()).toEqual([0, 500, 1_500, 3_500, 5_500, 7_500])
  await controller.stop()
})

test('B24 the back-off has full jitter: it may be nothing at all', async () => {
  const { clock, controller, times } = setUp(() => Promise.reject(new Error('passing')), { random: () => 0, tries: 4 })

  controller.add('a')
  await clock.advance(1)

  expect(times()).toEqual([0, 0, 0, 0])
})

test('a terminal error is not tried again until the key is added again', async () => {
  const { clock, controller, times } = setUp(() => Promise.reject(new TerminalError('lasting')))

  controller.add('a')
  await clock.advance(60_000)
  const tries = times().length
  controller.add('a')
  await clock.advance(1)

  expect([tries, times().length]).toEqual([1, 2])
})

test('B23 a requeued key comes back when it said, and is not hurried by being added', async () => {
  const { clock, controller, times } = setUp(async () => ({ kind: 'requeue', afterMs: 10_000 }))

  controller.add('a')
  await clock.advance(5_000)
  controller.add('a')
  await clock.advance(5_000)

  expect(times()).toEqual([0, 10_000])
  await controller.stop()
})

test('a key whose tries are used up is given up, and settled', async () => {
  const { clock, controller, times } = setUp(() => Promise.reject(new Error('passing')), { tries: 3 })
  let isSettled = false

  controller.add('a')
  await controller.drained()
  void controller.settled().then(() => {
    isSettled = true
  })
  await clock.advance(600)
  const whileBackingOff = isSettled
  await clock.advance(60_000)

  expect(whileBackingOff).toBe(false)
  expect(isSettled).toBe(true)
  expect(times()).toHaveLength(3)
})

test('stopping ends what is worked on and starts nothing more', async () => {
  const gate = createGate()
  const { clock, controller, tried } = setUp(gate.pass, { workers: 1 })
  for (const key of ['a', 'b']) controller.add(key)
  await clock.advance(1)
  let isStopped = false

  const stopped = controller.stop().then(() => {
    isStopped = true
  })
  await clock.advance(1)
  const before = isStopped
  gate.open('a')
  await stopped
  controller.add('c')
  await clock.advance(1)

  expect(before).toBe(false)
  expect(tried.map(({ key }) => key)).toEqual(['a'])
})

test('stopping while a key waits lets those go who wait for it', async () => {
  const { controller } = setUp(() => Promise.reject(new Error('passing')))
  controller.add('a')
  await controller.drained()
  const settled = controller.settled()

  await controller.stop()

  await settled
})
