import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FaultBench, openFaultBench } from '../../scripts/faults/postgres-faults.ts'
import { needs } from '../support/left-out.ts'

needs('initdb', 'postgres')('a server whose PostgreSQL is away for longer than anybody waits', () => {
  let bench: FaultBench

  beforeAll(async () => {
    bench = await openFaultBench()
  })
  afterAll(() => bench?.close())

  test('F14 R40 R207 answers 503 with the time to come back, says why it is not ready, and recovers by itself', {
    timeout: 60_000,
  }, async () => {
    const report = await bench.run('stop', 9_000)

    // An answer that is neither a success nor a 503 with Retry-After is a wrong one.
    expect(report).toMatchObject({ lost: 0, doubled: 0, unprocessed: 0, wrongAnswers: [] })
    expect(report.refused).toBeGreaterThan(0)
    expect(report.refusedWrites).toBeGreaterThan(0)
    expect(report.readyReasons).toContain('the database cannot be reached')
    expect(report.recoverySeconds).toBeLessThan(8)
    expect(report.longestAnswerSeconds).toBeLessThan(20)
  })

  test('F14 a frozen PostgreSQL holds deliveries until it thaws, and nothing hangs on it', {
    timeout: 60_000,
  }, async () => {
    const report = await bench.run('freeze', 6_000)

    expect(report).toMatchObject({ lost: 0, doubled: 0, unprocessed: 0, wrongAnswers: [] })
    expect(report.readyReasons).toContain('the database does not answer')
    expect(report.recoverySeconds).toBeLessThan(8)
    expect(report.longestAnswerSeconds).toBeLessThan(20)
  })
})
