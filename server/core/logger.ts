import pino, { type Logger } from 'pino'
import { escapeForTerminal } from '../../schemas/rules/escape-for-terminal.ts'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const

/** Where secrets could stand in an object that is logged; their values are replaced (S46). */
const redactedPaths = ['accessToken', 'secret', 'keySecret', 'token', 'authorization', 'password', 'cookie'].flatMap(
  (name) => [name, `*.${name}`, `*.*.${name}`],
)

/** Makes the server's log: one JSON line each, to `destination`, secrets redacted by path. */
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

/** The fields of an error that are logged: a list, since a library's error may hold headers or values of rows (S46). */
export function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { name: typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  const cause = error.cause === undefined || depth > 3 ? {} : { cause: describeError(error.cause, depth + 1) }
  return { name: error.name, message: error.message, ...code, stack: error.stack, ...cause }
}
