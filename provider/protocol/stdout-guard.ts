/** Writes to the real standard output, which is left to the handshake alone. */
export type WriteStdout = (line: string) => void

/**
 * Sends everything that anybody writes to standard output to standard error instead: one stray line before the handshake
 * and Terraform takes the plugin for broken (trap 2). Call it before anything else is imported; it returns the real thing.
 */
export function guardStdout(): WriteStdout {
  const write = process.stdout.write.bind(process.stdout)
  process.stdout.write = process.stderr.write.bind(process.stderr)
  for (const method of ['log', 'info', 'debug', 'table', 'dir'] as const) console[method] = console.error
  return (line) => void write(line)
}
