import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { onTestFinished } from 'vitest'

export interface HookProcess {
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  /** The exit code, or the signal's name. */
  readonly ended: Promise<number | string>
  /** Waits until standard output has a JSON line that fits, and gives it. */
  line(fits: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
}

const program = resolve('dist/bitbucket-hook/main.js')

/** Runs the built command; killed when the test ends. */
export function startHook(args: readonly string[], environment: Readonly<Record<string, string>>): HookProcess {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    line: async (fits) => {
      for (const deadline = Date.now() + 15_000; Date.now() < deadline; ) {
        const found = linesOf(stdout).find(fits)
        if (found) return found
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      throw new Error(`No such line came:\n${stdout}\n${stderr}`)
    },
  }
}

/** The lines that are JSON objects and complete. */
export function linesOf(output: string): Record<string, unknown>[] {
  const complete = output.slice(0, output.lastIndexOf('\n') + 1)
  return complete.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
}
