import { expect, test } from 'vitest'
import { openFaultBench } from '../../scripts/faults/postgres-faults.ts'
import { needs } from '../support/left-out.ts'

needs('initdb', 'postgres')('a network that forgets connections', () => {
  test('F14 connections on which nothing comes any more are given up, and their statements answered 503', {
    timeout: 60_000,
  }, async () => {
    const bench = await openFaultBench()
    try {
      const report = await bench.run('firewall', 0)

      expect(report).toMatchObject({ lost: 0, doubled: 0, unprocessed: 0, wrongAnswers: [] })
      expect(report.recoverySeconds).toBeLessThan(15)
      expect(report.longestAnswerSeconds).toBeLessThan(20)
    } finally {
      await bench.close()
    }
  })
})
