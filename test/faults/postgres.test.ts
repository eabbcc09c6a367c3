import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FaultBench, openFaultBench, type PostgresFault } from '../../scripts/faults/postgres-faults.ts'
import { needs } from '../support/left-out.ts'

/** One server for all of them: what the next fault meets is a server that survived the one before. */
needs('initdb', 'postgres')('a server whose PostgreSQL fails under deliveries and writes', () => {
  let bench: FaultBench

  beforeAll(async () => {
    bench = await openFaultBench()
  })
  afterAll(() => bench?.close())

  const rows: readonly { readonly fault: PostgresFault; readonly holdMs: number; readonly name: string }[] = [
    { fault: 'kill', holdMs: 500, name: 'F14 is killed and started again: nothing acknowledged is lost or doubled' },
    { fault: 'terminate', holdMs: 1_000, name: 'F14 ends all connections, again and again: the pool recovers' },
    { fault: 'connectionLimit', holdMs: 1_000, name: 'F14 takes no connections: the pool recovers when it does again' },
    { fault: 'serialisation', holdMs: 1_000, name: 'F14 rolls back what collides: what was answered is there, once' },
    { fault: 'failover', holdMs: 200, name: 'F14 dies, and its standby takes over: the pool follows' },
  ]

  test.for(rows)('$name', { timeout: 60_000 }, async ({ fault, holdMs }) => {
    const report = await bench.run(fault, holdMs)

    expect(report).toMatchObject({ lost: 0, doubled: 0, unprocessed: 0, wrongAnswers: [] })
    expect(report.acknowledged).toBeGreaterThan(20)
    expect(report.recoverySeconds).toBeLessThan(8)
    expect(report.longestAnswerSeconds).toBeLessThan(20)
  })
})
