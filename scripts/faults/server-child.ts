import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { testSealingKey } from '../../test/support/receiver.ts'

export interface ServerChild {
  readonly child: ChildProcess
  readonly url: string
  readonly port: number
  /** Everything it logged so far. */
  log(): string
  /** Sends the signal, waits for the end, and gives the exit code; `null` after a SIGKILL. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>
}

/**
 * Starts the built server as a process of its own, on a free port, with the sealing key of tests. `wrap` is a command
 * that is put in front of it, a tracer.
 */
export async function startServerChild(databaseUrl: string, wrap: readonly string[] = []): Promise<ServerChild> {
  const main = resolve('dist/server/main.js')
  if (!existsSync(main)) throw new Error(`${main} is not built: run npx tsc.`)
  const [program = '', ...args] = [...wrap, process.execPath, main, 'serve']
  const env = {
    PATH: process.env.PATH,
    MOORING_DATABASE_URL: databaseUrl,
    MOORING_ENCRYPTION_KEY: Buffer.from(testSealingKey).toString('base64'),
    MOORING_BOOTSTRAP_KEY: `00000000-0000-4000-8000-000000000000:${'A'.repeat(43)}`,
    MOORING_LISTEN: '127.0.0.1:0',
    MOORING_STOP_GRACE_SECONDS: '0',
  }
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
  const exited = new Promise<number | null>((done) => child.once('exit', done))
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString()
  })
  const url = await new Promise<string>((done, fail) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      log += `${line}\n`
      const listening = addressIn(line)
      if (listening !== undefined) done(listening)
    })
    void exited.then(() => fail(new Error(`The server ended before it listened:\n${log}`)))
  })
  return {
    child,
    url,
    port: Number(new URL(url).port),
    log: () => log,
    end: async (signal) => {
      child.kill(signal)
      return exited
    },
  }
}

function addressIn(line: string): string | undefined {
  if (!line.includes('"listening"')) return undefined
  const { msg, url } = JSON.parse(line) as { msg?: string; url?: string }
  return msg === 'listening' ? url : undefined
}
