import pino, { type Logger } from 'pino'
import { escapeForTerminal } from '../schemas/rules/escape-for-terminal.ts'
import type { logLevels } from './configuration.ts'

/** Where secrets could stand in an object that is logged; their values are replaced (B13). */
const redactedPaths = ['secret', 'keySecret', 'token', 'authorization', 'password', 'configuration'].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
])

/** Makes the hook's log: one JSON line per event to `destination`, secrets redacted by path. */
export function createLogger(level: (typeof logLevels)[number], destination: { write(text: string): unknown }): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redactedPaths, censor: '[redacted]' },
      serializers: { err: describeError },
    },
    { write: (line: string) => destination.write(escapeForTerminal(line)) },
  )
}

/** The fields of an error that are logged: a list, since a library's error may hold headers. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { name: typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  return { name: error.name, message: error.message, ...code, stack: error.stack }
}
