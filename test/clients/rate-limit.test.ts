import { expect, onTestFinished, test } from 'vitest'
import { getApplicationProperties, listProjects } from '../../clients/bitbucket/repositories.ts'
import { createCallScheduler, scheduledTransport } from '../../clients/call-scheduler.ts'
import { retryingTransport } from '../../clients/retrying-transport.ts'
import { systemClock } from '../../clients/system-clock.ts'
import { openUndiciTransport } from '../../clients/transport-undici.ts'
import { startTestEmulator } from '../support/emulator.ts'

const clock = systemClock()

async function setUp(
  rateLimit: { capacity: number; fillRate: number },
  ours: { burst: number; callsPerSecond: number },
) {
  const emulator = await startTestEmulator({ rateLimit })
  const transport = openUndiciTransport({})
  onTestFinished(() => transport.close())
  const scheduler = createCallScheduler({ clock, ...ours, maxInFlight: 4 })
  const scheduled = scheduledTransport(transport.send, scheduler, `${emulator.url}|admin`, clock)
  const retrying = retryingTransport(scheduled, {
    clock,
    random: Math.random,
    tries: 4,
    firstBackOffMs: 50,
    longestBackOffMs: 200,
    longestWaitMs: 5_000,
  })
  return { emulator, client: { transport: retrying, baseUrl: emulator.url, token: emulator.adminToken } }
}

test('L20 a lane with the limiter’s own figures never meets it', async () => {
  const { emulator, client } = await setUp({ capacity: 20, fillRate: 60 }, { burst: 20, callsPerSecond: 60 })

  await Promise.all(Array.from({ length: 120 }, () => listProjects(client, {})))

  const statuses = emulator.requests().map(({ status }) => status)
  expect(statuses.length).toBe(120)
  expect(statuses.filter((status) => status === 429)).toEqual([])
})

test('B24 L20 after a 429 every caller waits as long as Bitbucket says, and all get their answer', async () => {
  const { emulator, client } = await setUp({ capacity: 1000, fillRate: 1000 }, { burst: 100, callsPerSecond: 100 })
  await emulator.addFault({ kind: 'status', status: 429, retryAfterSeconds: 1, times: 1 })
  await expect(getApplicationProperties(client)).resolves.toMatchObject({ version: '9.4.2' })
  const [first, second] = emulator.requests()

  expect([first?.status, second?.status]).toEqual([429, 200])
  expect(Number(second?.at) - Number(first?.at)).toBeGreaterThanOrEqual(1_000)
})
