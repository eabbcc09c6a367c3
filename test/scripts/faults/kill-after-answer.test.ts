import { describe, expect, test } from 'vitest'
import { killAfterAnswers } from '../../../scripts/faults/kill-after-answer.ts'
import { databases } from '../../support/databases.ts'

const rounds = 20

for (const database of databases) {
  describe(database.name, () => {
    test(`R34 F2 a server that is killed ${rounds} times loses no delivery that it had acknowledged`, {
      timeout: 120_000,
    }, async () => {
      const seed = Math.floor(Math.random() * 2 ** 31)

      const report = await killAfterAnswers(await database.open(), rounds, seed)

      expect(report.acknowledged).toBeGreaterThan(rounds)
      expect({ seed, lost: report.lost, doubled: report.doubled }).toEqual({ seed, lost: 0, doubled: 0 })
    })
  })
}
