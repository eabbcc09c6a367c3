import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type Loop, startLoop } from '../../../server/jobs/loop.ts'

const silent = pino({ level: 'silent' })

function start(turn: () => Promise<boolean>, everyMs = 60_000): Loop {
  const loop = startLoop({ name: 'test', everyMs, log: silent, turn })
  onTestFinished(() => loop.stop())
  return loop
}

test('L7 a kick during a turn is answered by another turn, never by two at once', async () => {
  let turns = 0
  let atOnce = 0
  let most = 0
  const loop = start(async () => {
    turns += 1
    most = Math.max(most, ++atOnce)
    await new Promise((resolve) => setTimeout(resolve, 10))
    atOnce -= 1
    return false
  })
  for (let kick = 0; kick < 5; kick++) loop.kick()

  await vi.waitFor(() => expect(turns).toBe(2))
  await new Promise((resolve) => setTimeout(resolve, 40))

  expect([turns, most]).toEqual([2, 1])
})

test('L7 a loop looks every so often, also after a failure', async () => {
  let turns = 0
  start(async () => {
    turns += 1
    throw new Error('away')
  }, 5)

  await vi.waitFor(() => expect(turns).toBeGreaterThan(3))
})

test('R208 stopping waits for the present turn and starts none after it', async () => {
  let ended = 0
  const loop = start(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    ended += 1
    return true
  })

  await loop.stop()
  loop.kick()
  await new Promise((resolve) => setTimeout(resolve, 40))

  expect(ended).toBe(1)
})
