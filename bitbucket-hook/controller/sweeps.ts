import type { CallClock } from '../../clients/call-scheduler.ts'
import type { Caretaker } from './caretaker.ts'
import type { Pass } from './pass.ts'
import type { PassReport } from './repository-report.ts'
import type { World } from './world.ts'

/** The first wait after a sweep that could not begin is between 0 and this. */
const firstBackOffMs = 2_000

/** What /healthz tells. */
export interface SweepHealth {
  readonly status: 'starting' | 'ok' | 'degraded'
  /** When a sweep last reached its end. */
  readonly lastSuccess: string | null
  readonly lastResult: PassReport['result'] | 'unreachable' | null
}

export interface Sweeps {
  health(): SweepHealth
  /** Begins nothing more, lets what is under way end, and resolves then. */
  stop(): Promise<void>
}

/**
 * Sweeps over all repositories again and again. `intervalMs` is the shortest time between two starts; a sweep that
 * takes longer is followed by the next at once.
 */
export function startSweeps(
  { clock, log, random }: Pick<World, 'clock' | 'log' | 'random'>,
  caretaker: Caretaker,
  pass: Pass,
  intervalMs: number,
): Sweeps {
  const stopping = new AbortController()
  let lastSuccess: number | null = null
  let lastResult: SweepHealth['lastResult'] = null

  async function sweep(): Promise<boolean> {
    try {
      const { result, counts, startedAt, finishedAt } = await pass.run({ untilSettled: false })
      if (stopping.signal.aborted) return true
      lastResult = result
      if (result !== 'failed') lastSuccess = clock.now()
      const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000
      log.info({ result, seconds, ...counts }, 'sweep finished')
      return true
    } catch (error) {
      if (stopping.signal.aborted) return true
      lastResult = 'unreachable'
      log.error({ err: error }, 'sweep could not begin')
      return false
    }
  }

  async function loop(): Promise<void> {
    let failures = 0
    while (!stopping.signal.aborted) {
      const startedAt = clock.now()
      failures = (await sweep()) ? 0 : failures + 1
      const backOff = Math.floor(random() * firstBackOffMs * 2 ** (failures - 1))
      const wait = failures > 0 ? Math.min(backOff, intervalMs) : intervalMs - (clock.now() - startedAt)
      await sleepUnlessStopped(clock, Math.max(0, wait), stopping.signal)
    }
  }

  const ended = loop()
  return {
    health: () => ({
      status: lastResult === null ? 'starting' : lastResult === 'complete' ? 'ok' : 'degraded',
      lastSuccess: lastSuccess === null ? null : new Date(lastSuccess).toISOString(),
      lastResult,
    }),
    stop: async () => {
      stopping.abort(new Error('The service stops.'))
      await caretaker.stop()
      await ended
    },
  }
}

async function sleepUnlessStopped(clock: CallClock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
