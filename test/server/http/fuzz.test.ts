import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { databases } from '../../support/databases.ts'
import { reportOf } from '../../support/fuzz/report.ts'
import type { WireRequest } from '../../support/fuzz/requests.ts'
import { fuzzApi } from '../../support/fuzz/run.ts'

const corpus = JSON.parse(readFileSync('test/server/http/fuzz-corpus.json', 'utf8')) as WireRequest[]
const requests = 1_000

for (const database of databases) {
  describe(database.name, () => {
    test('R204 whatever callers of any role send is answered in time, as its documentation says', {
      timeout: 240_000,
    }, async () => {
      const seed = Number(process.env.MOORING_SEED ?? Math.floor(Math.random() * 2 ** 31))
      const openDatabase = () => database.open()

      const report = reportOf(await fuzzApi({ openDatabase, requests, seed, corpus, provoke: 'some' }))

      const about = `MOORING_SEED=${seed}; for fuzz-corpus.json: ${JSON.stringify(report.failing)}`
      expect(report.wrong, about).toEqual([])
      expect(report.validPercent, about).toBeGreaterThanOrEqual(40)
      expect(report.fewestSuccesses, about).toBeGreaterThanOrEqual(5)
      // `npm run faults -- R204` sees that too: it takes SQLite five seconds to give up a lock.
      expect(report.unseenCodes, about).toEqual(database.name === 'sqlite' ? ['database_unavailable'] : [])
      console.info(
        `${database.name}: ${report.requests} requests, ${report.validPercent} % valid, each operation answered 2xx at least ${report.fewestSuccesses} times, ${report.provoked} provoked, ${report.seenPairs} of ${report.declaredPairs} declared answers, seed ${seed}`,
      )
    })
  })
}
