#!/usr/bin/env node
import { Command } from 'commander'
import { readConfig } from './config.ts'
import { systemClock } from './core/clock.ts'
import { createLogger } from './core/logger.ts'
import { startServer } from './start-server.ts'
import { readVersion } from './version.ts'

const longestStopMs = 29_000

/** Serves until a signal; the first stops gracefully, the second at once (F18). */
async function serve(): Promise<void> {
  process.umask(0o077)
  const config = readConfig(process.env)
  const log = createLogger(config.logLevel, process.stdout)
  const starting = startServer(config, { clock: systemClock, log, terminal: process.stdout })
  let isStopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(1)
    isStopping = true
    log.info({ signal }, 'stopping')
    setTimeout(() => process.exit(1), longestStopMs).unref()
    starting
      .then((server) => server.close())
      .then(() => {
        log.info('stopped')
        process.exit(0)
      })
      .catch((error: unknown) => {
        log.error({ err: error }, 'stopped badly')
        process.exit(1)
      })
  }
  // Before anything is held: a signal during the start stops what was started.
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  await starting
}

const program = new Command('mooring-server')
  .description('Connects infrastructure stacks to Bitbucket Data Center.')
  .version(readVersion())
program
  .command('serve')
  .description('Serve the API and receive webhooks. Configured by the environment: see docs/configuration.md.')
  .action(serve)

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`mooring-server: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
