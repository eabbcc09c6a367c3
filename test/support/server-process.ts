import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { onTestFinished } from 'vitest'

/** The built server as its own process. */
export interface ServerProcess {
  readonly child: ChildProcess
  /** Where it listens; rejects when it ends before that. */
  listening(): Promise<string>
  stdout(): string
  stderr(): string
  /** Its exit code; null where a signal ended it. */
  ended(): Promise<number | null>
}

/** Starts `mooring-server serve` with this environment alone; killed at the end of the test if it still runs. */
export function startServerProcess(
  env: Readonly<Record<string, string>>,
  cwd: string,
  options: readonly string[] = [],
): ServerProcess {
  const child = spawn(process.execPath, [resolve('dist/server/main.js'), 'serve', ...options], {
    cwd,
    env: { MOORING_LISTEN: '127.0.0.1:0', MOORING_STOP_GRACE_SECONDS: '0', MOORING_DISK_LOW_WATER_MIB: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended: () => ended,
    listening: async () => {
      for (;;) {
        const line = stdout.split('\n').find((text) => text.includes('"msg":"listening"'))
        if (line !== undefined) return (JSON.parse(line) as { url: string }).url
        const event = await Promise.race([once(child.stdout, 'data').then(() => 'data'), ended.then(() => 'ended')])
        if (event === 'ended') throw new Error(`The server ended before it listened: ${stderr}${stdout}`)
      }
    },
  }
}
