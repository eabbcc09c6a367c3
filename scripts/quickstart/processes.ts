import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createWriteStream, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { repositoryRoot } from '../repository-root.ts'

const run = promisify(execFile)

export interface Part {
  readonly name: string
  readonly pid: number
  /** The file that holds what it printed. */
  readonly log: string
  /** The first JSON line with an `url` that it printed. */
  readonly ready: Record<string, unknown>
  stop(): Promise<void>
}

/**
 * Starts one of the products as a process of its own, and waits until it prints a JSON line that has an
 * `url`. Fails with the end of its log when it exits first, or says nothing for 30 s.
 */
export async function startPart(
  name: string,
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  logFolder: string,
): Promise<Part> {
  const log = join(logFolder, `${name}.log`)
  const child = spawn(process.execPath, [join(repositoryRoot(), 'dist', script), ...args], {
    env: { ...baseEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const file = createWriteStream(log, { flags: 'a' })
  child.stderr.pipe(file, { end: false })
  child.stdout.pipe(file, { end: false })
  const ready = await waitForAddress(name, child, log)
  return { name, pid: child.pid ?? 0, log, ready, stop: () => stopChild(child) }
}

/** Runs a program to its end; throws with its output when the exit code is not one of `accept`. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: {
    readonly cwd: string
    readonly env?: Readonly<Record<string, string>>
    readonly accept?: readonly number[]
  },
): Promise<{ code: number; output: string }> {
  try {
    const { stdout, stderr } = await run(program, args, {
      cwd: options.cwd,
      env: { ...baseEnvironment(), ...options.env },
      maxBuffer: 64 * 1024 * 1024,
    })
    return { code: 0, output: stdout + stderr }
  } catch (error) {
    const failure = error as { code?: number; stdout?: string; stderr?: string }
    const output = `${failure.stdout ?? ''}${failure.stderr ?? ''}`
    if (typeof failure.code === 'number' && options.accept?.includes(failure.code))
      return { code: failure.code, output }
    throw new Error(`${program} ${args[0] ?? ''} failed:\n${output}`, { cause: error })
  }
}

/** What the parts need of our own environment; MOORING_*, BITBUCKET_* and TF_* of the caller do not leak in. */
function baseEnvironment(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'SystemRoot', 'USERPROFILE']
  return Object.fromEntries(kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

async function waitForAddress(name: string, child: ChildProcess, log: string): Promise<Record<string, unknown>> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${name} did not start within 30 s:\n${lastLines(log)}`)), 30_000)
    child.once('error', reject)
    child.once('exit', (code) =>
      reject(new Error(`${name} ended with exit code ${code} before it was ready:\n${lastLines(log)}`)),
    )
    lines.on('line', (line) => {
      const parsed = parseObject(line)
      if (typeof parsed?.url !== 'string') return
      clearTimeout(timer)
      resolve(parsed)
    })
  })
}

function lastLines(log: string): string {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-10).join('\n')
  } catch {
    return '(it printed nothing)'
  }
}

function parseObject(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  await ended
  clearTimeout(timer)
}
