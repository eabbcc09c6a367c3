#!/usr/bin/env node
import { Command, Option } from 'commander'
import { systemClock } from '../clients/system-clock.ts'
import { escapeForTerminal } from '../schemas/rules/escape-for-terminal.ts'
import { environmentHelp } from './cli/help.ts'
import { printReport } from './cli/print-report.ts'
import { exitCodeOf, runOnce } from './cli/run-once.ts'
import { serve } from './cli/serve.ts'
import { type Configuration, dangersOf, type logLevels, readConfiguration } from './configuration.ts'
import type { World } from './controller/world.ts'
import { createLogger } from './logger.ts'
import { openWorld } from './open-world.ts'
import { readVersion } from './version.ts'

interface OnceOptions {
  readonly json?: true
  readonly confirm?: true
}

/** Serves until a signal; the first stops gracefully, the second at once. */
async function startService(): Promise<void> {
  const configuration = readConfiguration(process.env)
  const log = createLogger(configuration.logLevel, process.stdout)
  for (const danger of dangersOf(configuration)) log.warn({ danger }, 'dangerous setting')
  const world = openWorld(configuration, { mode: 'apply', clock: systemClock(), random: Math.random, log })
  const service = await serve(world, { ...configuration, workers: configuration.bitbucket.inFlight })
  process.stdout.write(`${JSON.stringify({ url: service.url })}\n`)
  let isStopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(1)
    isStopping = true
    log.info({ signal }, 'stopping')
    service.stop().then(
      () => {
        log.info('stopped')
        process.exit(0)
      },
      (error: unknown) => {
        log.error({ err: error }, 'stopped badly')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

/** The report goes to standard output, what happens on the way to standard error. */
async function goOver(mode: World['mode'], options: OnceOptions): Promise<void> {
  const given = readConfiguration(process.env)
  const configuration: Configuration = options.confirm ? { ...given, removals: 'confirmed' } : given
  // On a terminal the report says it all; a level that somebody asked for is kept.
  const level = process.env.MOORING_HOOK_LOG_LEVEL ? given.logLevel : quietLevel
  const log = createLogger(level, process.stderr)
  const world = openWorld(configuration, { mode, clock: systemClock(), random: Math.random, log })
  try {
    const report = await runOnce(world, configuration.bitbucket.inFlight)
    process.stdout.write(escapeForTerminal(options.json ? `${JSON.stringify(report, null, 2)}\n` : printReport(report)))
    process.exitCode = exitCodeOf(report)
  } finally {
    await world.close()
  }
}

const quietLevel: (typeof logLevels)[number] = 'error'
const json = () => new Option('--json', 'print the whole report as JSON')

const program = new Command('bitbucket-hook')
  .description(
    'Registers the right webhook on every Bitbucket repository that a Mooring stack is attached to, and keeps it right.',
  )
  .version(readVersion())
  .addHelpText('after', environmentHelp)
program
  .command('serve')
  .description('Sweep over all repositories again and again, and repair what differs. Logs JSON lines.')
  .action(startService)
program
  .command('plan')
  .description('Show what would be written, and write nothing. Exit code: 0 no drift, 2 drift, 1 error.')
  .addOption(json())
  .action((options: OnceOptions) => goOver('plan', options))
program
  .command('apply')
  .description('Look at all repositories once and put right what differs. Exit code: 0, or 1 where something failed.')
  .addOption(json())
  .option('--confirm', 'remove webhooks of repositories that are attached no longer, however many they are')
  .action((options: OnceOptions) => goOver('apply', options))

try {
  await program.parseAsync()
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(escapeForTerminal(`bitbucket-hook: ${message}\n`))
  process.exitCode = 1
}
