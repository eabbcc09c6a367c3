import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { onTestFinished } from 'vitest'

export interface CommandOutcome {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningCommand {
  readonly child: ChildProcess
  /** Resolves at the first output on standard error. */
  readonly spoke: Promise<unknown>
  readonly ended: Promise<CommandOutcome>
}

/** Starts the built `mooring-server` with these arguments and this environment alone; killed when the test ends. */
export function startServerCommand(args: readonly string[], env: Readonly<Record<string, string>>): RunningCommand {
  const child = spawn(process.execPath, [resolve('dist/server/main.js'), ...args], {
    cwd: tmpdir(),
    env,
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
  const spoke = once(child.stderr, 'data').catch(() => undefined)
  const ended = once(child, 'close').then(([code]: (number | null)[]) => ({ code: code ?? null, stdout, stderr }))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { child, spoke, ended }
}

/** Runs such a command to its end. */
export function runServerCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<CommandOutcome> {
  return startServerCommand(args, env).ended
}
