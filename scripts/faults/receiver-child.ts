import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

/** The built receiver-only process; faults and some tests run what `npx tsc` emitted. */
export const receiverProgram = resolve('dist/test/support/receiver-process.js')

export interface ReceiverChild {
  readonly child: ChildProcess
  readonly port: number
  /** From the start of opening the database until the port was open. */
  readonly openMs: number
  /** Ends it without a last word, and waits until it is gone. */
  kill(): Promise<void>
}

/** Starts the receiver as a process of its own; `wrap` puts a tracer in front of it. */
export async function startReceiverChild(databaseUrl: string, wrap: readonly string[] = []): Promise<ReceiverChild> {
  if (!existsSync(receiverProgram)) throw new Error(`${receiverProgram} is not built: run npx tsc.`)
  const [program = '', ...args] = [...wrap, process.execPath, receiverProgram, databaseUrl]
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: join(receiverProgram, '../../../..') })
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const exited = new Promise<void>((done) => child.once('exit', () => done()))
  const ready = new Promise<{ port: number; openMs: number }>((done, fail) => {
    if (child.stdout) createInterface({ input: child.stdout }).once('line', (line) => done(JSON.parse(line)))
    void exited.then(() => fail(new Error(`the receiver ended before it was ready: ${errors}`)))
  })
  const { port, openMs } = await ready
  return {
    child,
    port,
    openMs,
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
