import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Gauge, type Registry } from 'prom-client'

/** What the gauges ask; each may fail, and then shows nothing. */
export interface GaugeSources {
  readonly version: string
  readonly isQuiet: boolean
  /** Undefined where the database's disk is another machine's. */
  freeBytes(): number | undefined
  diskState(): 'enough' | 'low' | 'full'
  walls(): Promise<{ readonly deadRows: number; readonly partitionDaysAhead: number; readonly notifyQueueUse: number }>
}

/**
 * Shows the next limit before it is reached (L37), and what else an operator watches: the rules in
 * `deploy/prometheus/alerts.yaml` ask for these. NaN stands for what does not exist here. The returned function stops it.
 */
export function watchInstallation(registry: Registry, sources: GaugeSources): () => void {
  new Gauge({
    name: 'mooring_build_info',
    help: 'Always 1; the labels say which release runs, on which Node.js.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version: sources.version, node: process.versions.node }, 1)
  new Gauge({
    name: 'mooring_quiet',
    help: '1 while the server works on a copy and makes no calls and no runs.',
    registers: [registry],
  }).set(sources.isQuiet ? 1 : 0)
  watchDisk(registry, sources)
  watchWalls(registry, sources)
  return watchEventLoop(registry)
}

function watchDisk(registry: Registry, sources: GaugeSources): void {
  new Gauge({
    name: 'mooring_disk_free_bytes',
    help: 'Free bytes on the disk under a SQLite database.',
    registers: [registry],
    collect() {
      this.set(sources.freeBytes() ?? Number.NaN)
    },
  })
  new Gauge({
    name: 'mooring_disk_state',
    help: '1 for the state of the disk: enough, low (deliveries alone are written), full (nothing is).',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const state of ['enough', 'low', 'full']) this.set({ state }, sources.diskState() === state ? 1 : 0)
    },
  })
}

function watchWalls(registry: Registry, sources: GaugeSources): void {
  // One question to the database a scrape: its answer serves the two gauges that are collected with it.
  let asked: ReturnType<GaugeSources['walls']> | undefined
  const ask = () => {
    asked ??= sources.walls().finally(() => {
      asked = undefined
    })
    return asked
  }
  const gauge = (name: string, help: string, wall: 'deadRows' | 'partitionDaysAhead' | 'notifyQueueUse') =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.set(
          await ask().then(
            (walls) => walls[wall],
            () => Number.NaN,
          ),
        )
      },
    })
  gauge('mooring_database_dead_rows', 'Rows that PostgreSQL has not cleared away yet.', 'deadRows')
  gauge('mooring_delivery_partition_days_ahead', 'Days after today whose partition is there.', 'partitionDaysAhead')
  gauge('mooring_notify_queue_use', 'How full PostgreSQL’s queue of notifications is, 0 to 1.', 'notifyQueueUse')
}

const resolutionMs = 10

/** The histogram holds what the timer took in all: its own period is not a delay. */
function watchEventLoop(registry: Registry): () => void {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs })
  delays.enable()
  const secondsOf = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1e3)
  new Gauge({
    name: 'mooring_event_loop_delay_p99_seconds',
    help: 'How late the event loop was, 99th percentile since the last scrape.',
    registers: [registry],
    collect() {
      this.set(delays.count === 0 ? 0 : secondsOf(delays.percentile(99)))
    },
  })
  new Gauge({
    name: 'mooring_event_loop_delay_max_seconds',
    help: 'How late the event loop was at worst since the last scrape.',
    registers: [registry],
    collect() {
      this.set(delays.count === 0 ? 0 : secondsOf(delays.max))
      delays.reset()
    },
  })
  return () => delays.disable()
}
