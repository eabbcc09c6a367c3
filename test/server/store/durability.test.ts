import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startServerChild } from '../../../scripts/faults/server-child.ts'
import { databases } from '../../support/databases.ts'
import { needs } from '../../support/left-out.ts'
import { getProgram } from '../../support/programs.ts'
import { insertIntegration, sendWebhook } from '../../support/receiver.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'

/** What a traced system call means to a delivery. */
type Step = 'body read' | 'log written' | 'log flushed' | 'acknowledged'

needs('strace')('the system calls of a server that receives', () => {
  test('R34 F3 between the last byte of a delivery and its 202 the log is written and then flushed', {
    timeout: 60_000,
  }, async () => {
    const [sqlite] = databases
    if (sqlite === undefined) throw new Error('no database')
    const url = await openTestDatabaseUrl(sqlite)
    const db = connectTestDatabase(url)
    const integration = await insertIntegration(db, 'acme')
    const folder = mkdtempSync(join(tmpdir(), 'mooring-trace-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const trace = join(folder, 'trace')
    const calls = 'read,readv,write,writev,pwrite64,pwritev,fsync,fdatasync'
    const server = await startServerChild(url, [
      getProgram('strace'),
      // -D: the tracer is a grandchild, so that signals reach the server itself.
      ...['-D', '-f', '-y', '-s', '40', '-e', `trace=${calls}`, '-o', trace],
    ])
    onTestFinished(async () => {
      await server.end('SIGKILL')
    })

    for (let sent = 0; sent < 10; sent += 1) {
      expect((await sendWebhook(server.url, integration, `{"number":${sent}}`)).status).toBe(202)
    }
    await Promise.all(Array.from({ length: 30 }, () => sendWebhook(server.url, integration, '{"together":true}')))
    expect(await server.end('SIGTERM')).toBe(0)
    await vi.waitUntil(() => readFileSync(trace, 'utf8').includes('+++ exited with 0 +++'), 10_000)

    const steps = readFileSync(trace, 'utf8').split('\n').map(stepOf)
    const alone = steps.filter((step) => step !== undefined).slice(0, nthIndex(steps, 10))
    expect(acknowledgedUnflushed(steps)).toBe(0)
    expect(alone.filter((step) => step === 'acknowledged')).toHaveLength(10)
    expect(steps.filter((step) => step === 'acknowledged')).toHaveLength(40)
    expect(steps.filter((step) => step === 'log flushed').length).toBeGreaterThanOrEqual(11)
  })

  test('F3 the checker of the trace notices a missing flush, and one that comes too late', () => {
    const good: Step[] = ['body read', 'log written', 'log flushed', 'acknowledged', 'acknowledged']

    expect(acknowledgedUnflushed(good)).toBe(0)
    expect(acknowledgedUnflushed(['body read', 'log written', 'acknowledged', 'log flushed'])).toBe(1)
    expect(acknowledgedUnflushed(['body read', 'acknowledged'])).toBe(1)
    expect(acknowledgedUnflushed([...good, 'body read', 'acknowledged'])).toBe(1)
  })
})

function stepOf(line: string): Step | undefined {
  if (/ (pwrite64|pwritev|write|writev)\(\d+<[^>]*mooring\.db-wal>/.test(line)) return 'log written'
  if (/ (fsync|fdatasync)\(\d+<[^>]*mooring\.db-wal>/.test(line)) return 'log flushed'
  if (/ readv?\(\d+<socket:.*"POST \/webhooks/.test(line)) return 'body read'
  if (/ writev?\(\d+<socket:.*HTTP\/1\.1 202/.test(line)) return 'acknowledged'
  return undefined
}

/** How many acknowledgements had not both a write and a flush of the log behind them since the delivery was read. */
function acknowledgedUnflushed(steps: readonly (Step | undefined)[]): number {
  let state: 'clean' | 'read' | 'written' | 'flushed' = 'clean'
  let wrong = 0
  for (const step of steps) {
    if (step === 'body read') state = 'read'
    else if (step === 'log written') state = 'written'
    else if (step === 'log flushed' && state === 'written') state = 'flushed'
    else if (step === 'acknowledged' && state !== 'flushed') wrong += 1
  }
  return wrong
}

/** The number of steps until the n-th acknowledgement is among them. */
function nthIndex(steps: readonly (Step | undefined)[], n: number): number {
  const known = steps.filter((step) => step !== undefined)
  let seen = 0
  for (const [index, step] of known.entries()) {
    if (step === 'acknowledged') seen += 1
    if (seen === n) return index + 1
  }
  return known.length
}
