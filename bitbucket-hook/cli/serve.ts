import { createCaretaker } from '../controller/caretaker.ts'
import { createPass } from '../controller/pass.ts'
import { startSweeps } from '../controller/sweeps.ts'
import type { OpenWorld } from '../open-world.ts'
import { startStatusServer } from './status-server.ts'

/** How long repositories that are being worked on may take to end; then their requests are broken off. */
const graceMs = 10_000

export interface ServeOptions {
  readonly workers: number
  readonly intervalMs: number
  readonly listen: { readonly host: string; readonly port: number }
}

export interface RunningService {
  /** Where /healthz and /metrics are answered. */
  readonly url: string
  stop(): Promise<void>
}

/** Starts the service: sweeps without end, and the little server that tells how it does. */
export async function serve(world: OpenWorld, options: ServeOptions): Promise<RunningService> {
  const caretaker = createCaretaker(world, {
    workers: options.workers,
    tries: Number.POSITIVE_INFINITY,
    firstBackOffMs: 5_000,
    longestBackOffMs: Math.max(5_000, options.intervalMs),
  })
  let health: Parameters<typeof startStatusServer>[2] = () => ({
    status: 'starting',
    lastSuccess: null,
    lastResult: null,
  })
  const status = await startStatusServer(options.listen, world.metrics, () => health())
  const sweeps = startSweeps(world, caretaker, createPass(world, caretaker), options.intervalMs)
  health = sweeps.health
  return {
    url: status.url,
    stop: async () => {
      const grace = setTimeout(() => world.abort(), graceMs)
      await sweeps.stop()
      clearTimeout(grace)
      await status.close()
      await world.close()
    },
  }
}
