import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { ComparedFiles } from '../services/ask-bitbucket.ts'
import { createComparisonCache } from '../services/comparison-cache.ts'
import type { Installation } from '../services/installation.ts'
import type { Verdict } from '../store/delivery-queue.ts'
import type { Wake } from '../store/dialect/wake.ts'
import type { JobQueue } from '../store/job-queue.ts'
import { startDeliveryLoop } from './delivery-loop.ts'
import { createProcessingMetrics } from './processing-metrics.ts'
import { watchQueue } from './queue-metrics.ts'
import { startScheduleLoop } from './schedule-loop.ts'
import { startStatusLoop } from './status-loop.ts'
import { type JobTask, jobTasks } from './tasks.ts'

export interface JobsDeps {
  readonly installation: Pick<Installation, 'db' | 'clock' | 'publicUrl' | 'bitbucket'>
  readonly wake: Wake
  /** Opened with the settings of `jobTasks`; started and stopped here. */
  readonly queue: JobQueue
  readonly log: Logger
  /** Where the metrics of processing appear; without it nothing is counted. */
  readonly registry?: Registry
  /** False while the disk is nearly full: then nothing but deliveries, and what makes room, is written (F6). */
  readonly mayWork?: () => boolean
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

/** Starts what the server does by itself: processing deliveries, sending build statuses, the tasks of the queue. */
export function startJobs({ installation, wake, queue, log, registry, mayWork = () => true }: JobsDeps): Jobs {
  const { db, clock, bitbucket } = installation
  const stopping = new AbortController()
  const metrics = registry && createProcessingMetrics(registry)
  const world = { db, clock, log, bitbucketClient: bitbucket.bitbucketClient, signal: stopping.signal }
  const processing = {
    ...world,
    // Where the address is not known nobody reaches the server but from its own machine.
    publicUrl: () => installation.publicUrl() ?? 'http://localhost',
    comparisons: createComparisonCache<ComparedFiles>({ keepMs: dayMs, most: 256 }),
    onVerdict: (verdict: Verdict) => metrics?.verdict(verdict),
    onRuns: () => {
      wake.wake('runCreated')
      wake.wake('buildStatusChanged')
    },
  }
  const deliveries = startDeliveryLoop(processing, mayWork)
  const statuses = startStatusLoop(world, mayWork)
  const tasks: Readonly<Record<string, JobTask>> = jobTasks
  if (registry) watchQueue(registry, queue)
  queue.start(async (job) => tasks[job.task]?.run({ db, clock, log, queue }, job))
  const schedule = startScheduleLoop({ db, clock, log, queue, tasks })
  const unsubscribe = [
    wake.onWake('deliveryStored', () => deliveries.kick()),
    wake.onWake('buildStatusChanged', () => statuses.kick()),
  ]
  return {
    stop: async () => {
      for (const end of unsubscribe) end()
      const grace = setTimeout(() => stopping.abort(new Error('The server stops.')), graceMs)
      await Promise.all([deliveries.stop(), statuses.stop(), schedule.stop().then(() => queue.stop())])
      clearTimeout(grace)
    },
  }
}
