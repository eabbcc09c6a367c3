import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { ComparedFiles } from '../services/ask-bitbucket.ts'
import { createComparisonCache } from '../services/comparison-cache.ts'
import type { Installation } from '../services/installation.ts'
import type { Wake } from '../store/dialect/wake.ts'
import { startDeliveryLoop } from './delivery-loop.ts'
import { createProcessingMetrics } from './processing-metrics.ts'
import { startStatusLoop } from './status-loop.ts'
import { startUpkeepLoop } from './upkeep-loop.ts'

export interface JobsDeps {
  readonly installation: Pick<Installation, 'db' | 'clock' | 'publicUrl' | 'bitbucket'>
  readonly wake: Wake
  readonly log: Logger
  /** Where the metrics of processing appear; without it nothing is counted. */
  readonly registry?: Registry
}

export interface Jobs {
  /**
   * Claims nothing more, finishes what is in flight, and gives back what Bitbucket keeps waiting for longer than
   * eight seconds.
   */
  stop(): Promise<void>
}

const graceMs = 8_000
const dayMs = 86_400_000

/** Starts what the server does by itself: processing deliveries, sending build statuses, upkeep. */
export function startJobs({ installation, wake, log, registry }: JobsDeps): Jobs {
  const { db, clock, bitbucket } = installation
  const stopping = new AbortController()
  const metrics = registry && createProcessingMetrics(registry)
  const world = { db, clock, log, bitbucketClient: bitbucket.bitbucketClient, signal: stopping.signal }
  const deliveries = startDeliveryLoop({
    ...world,
    // Where the address is not known nobody reaches the server but from its own machine.
    publicUrl: () => installation.publicUrl() ?? 'http://localhost',
    comparisons: createComparisonCache<ComparedFiles>({ keepMs: dayMs, most: 256 }),
    onVerdict: (verdict) => metrics?.verdict(verdict),
    onRuns: () => {
      wake.wake('runCreated')
      wake.wake('buildStatusChanged')
    },
  })
  const statuses = startStatusLoop(world)
  const upkeep = startUpkeepLoop({ db, clock, log })
  const unsubscribe = [
    wake.onWake('deliveryStored', () => deliveries.kick()),
    wake.onWake('buildStatusChanged', () => statuses.kick()),
  ]
  return {
    stop: async () => {
      for (const end of unsubscribe) end()
      const grace = setTimeout(() => stopping.abort(new Error('The server stops.')), graceMs)
      await Promise.all([deliveries.stop(), statuses.stop(), upkeep.stop()])
      clearTimeout(grace)
    },
  }
}
