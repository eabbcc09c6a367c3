import { writeSync } from 'node:fs'

/** Writes to the real standard output, which is left to the handshake alone. */
export type WriteStdout = (line: string) => void

/**
 * Sends everything that anybody writes to standard output to standard error instead: one stray line before the handshake
 * and Terraform takes the plugin for broken (trap 2). Call it before anything else is imported; it returns the real thing.
 * Neither stream is opened here, since that would take longer than the rest of the way to the handshake.
 */
export function guardStdout(): WriteStdout {
  Object.defineProperty(process, 'stdout', { get: () => process.stderr, configurable: true, enumerable: true })
  return (line) => void writeSync(1, line)
}
