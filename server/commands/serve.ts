import type { Command } from 'commander'
import type { Logger } from 'pino'
import { readConfig } from '../config.ts'
import { systemClock } from '../core/clock.ts'
import { createLogger } from '../core/logger.ts'
import { steadyClock } from '../core/steady-clock.ts'
import { openLogDestination } from '../log-destination.ts'
import { type RunningServer, startServer } from '../start-server.ts'
import type { HomeWish } from '../store/home.ts'

const longestStopMs = 29_000

/** Adds `serve`. */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('Serve the API and receive webhooks. Configured by the environment: see docs/configuration.md.')
    .option(
      '--take-over',
      'make this copied or restored database the installation; stop the one it was taken from first',
    )
    .option('--quiet', 'make this database a copy that keeps quiet until --take-over: for clones of a whole machine')
    .action(serve)
}

interface ServeOptions {
  readonly takeOver?: boolean
  readonly quiet?: boolean
}

/** Serves until a signal; the first stops gracefully, the second at once (F18). */
async function serve(options: ServeOptions): Promise<void> {
  process.umask(0o077)
  const config = readConfig(process.env)
  const log = createLogger(config.logLevel, openLogDestination())
  let server: RunningServer | undefined
  // Before anything is held: without a handler of ours Node would open its inspector (S45).
  process.on('SIGUSR1', () => logState(log, server))
  const starting = startServer(config, {
    clock: steadyClock(systemClock, () => performance.now()),
    log,
    terminal: process.stdout,
    homeWish: wishOf(options),
  })
  let isStopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(1)
    isStopping = true
    log.info({ signal }, 'stopping')
    setTimeout(() => process.exit(1), longestStopMs).unref()
    starting
      .then((running) => running.close())
      .then(() => {
        log.info('stopped')
        process.exit(0)
      })
      .catch((error: unknown) => {
        log.error({ err: error }, 'stopped badly')
        process.exit(1)
      })
  }
  // A signal during the start stops what was started.
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  server = await starting
}

function wishOf({ takeOver = false, quiet = false }: ServeOptions): HomeWish {
  if (takeOver && quiet) throw new Error('--take-over and --quiet exclude one another.')
  if (takeOver) return 'take_over'
  return quiet ? 'be_quiet' : 'keep'
}

/** What an operator may want to know of a server that hangs: numbers and states, never a value from a request (S45). */
function logState(log: Logger, server: RunningServer | undefined): void {
  const { rss, heapUsed, external } = process.memoryUsage()
  log.warn(
    {
      process: { pid: process.pid, uptimeSeconds: Math.round(process.uptime()), rss, heapUsed, external },
      resources: countOf(process.getActiveResourcesInfo()),
      server: server?.state() ?? 'starting',
    },
    'state, as SIGUSR1 asked',
  )
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
