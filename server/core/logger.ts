import pino, { type Logger } from 'pino'

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

/**
 * JSON escapes C0 itself, but lets DEL, C1, bidirectional and zero-width characters through (S47). A line of JSON
 * holds them inside texts alone, so each may be written as `\uXXXX`.
 */
function escapeForTerminal(line: string): string {
  return line.replace(
    /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
