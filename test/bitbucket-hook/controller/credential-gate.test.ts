import { expect, test } from 'vitest'
import { type CredentialVerdict, createCredentialGate } from '../../../bitbucket-hook/controller/credential-gate.ts'

function setUp() {
  const changes: boolean[] = []
  const gate = createCredentialGate((isAccepted) => changes.push(isAccepted))
  let calls = 0
  const ask = (verdict: CredentialVerdict) =>
    gate.pass(
      async () => {
        calls += 1
        await new Promise((resolve) => setImmediate(resolve))
        return verdict
      },
      (result) => result,
    )
  return { gate, changes, ask, calls: () => calls }
}

const several = (verdict: CredentialVerdict, count = 10) => Array<CredentialVerdict>(count).fill(verdict)

test.for([
  { name: 'B22 a refusal costs one call', verdicts: several('refused'), calls: 1, changes: [false] },
  {
    name: 'B22 three unexplained refusals in a row are the credential’s',
    verdicts: several('unclear'),
    calls: 3,
    changes: [false],
  },
  {
    name: 'B22 two in a row are not',
    verdicts: ['unclear', 'unclear', 'accepted', 'unclear', 'unclear', 'accepted'],
    calls: 6,
    changes: [],
  },
  { name: 'B22 no answer says nothing of the credential', verdicts: several('unknown'), calls: 10, changes: [] },
] as const)('$name', async ({ verdicts, calls, changes }) => {
  const world = setUp()

  for (const verdict of verdicts) await world.ask(verdict)

  expect(world.calls()).toBe(calls)
  expect(world.changes).toEqual(changes)
})

test('B22 all at once cost one call too, while nothing is known', async () => {
  const world = setUp()

  const results = await Promise.all(several('refused').map(world.ask))

  expect(world.calls()).toBe(1)
  expect(results.filter((result) => result === undefined)).toHaveLength(9)
})

test('B22 one alert for a whole episode, and one all-clear', async () => {
  const world = setUp()

  for (const verdict of ['refused', 'refused', 'unknown', 'accepted', 'accepted'] as const) {
    world.gate.reset()
    await world.ask(verdict)
  }

  expect(world.changes).toEqual([false, true])
})

test('a failure of the work itself blocks nobody', async () => {
  const { gate, ask } = setUp()
  const failed = gate.pass(
    () => Promise.reject(new Error('a bug')),
    () => 'accepted',
  )

  await expect(failed).rejects.toThrow('a bug')

  expect(await ask('accepted')).toBe('accepted')
})
