import { randomBytes } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startServerChild } from '../../../scripts/faults/server-child.ts'
import { databases } from '../../support/databases.ts'
import { insertIntegration, sendWebhook } from '../../support/receiver.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'

const senders = 16
const enough = 200

for (const database of databases) {
  describe(database.name, () => {
    test('R34 F18 a server that is stopped under load has stored every delivery that it acknowledged', {
      timeout: 60_000,
    }, async () => {
      const url = await openTestDatabaseUrl(database)
      const db = connectTestDatabase(url)
      const integration = await insertIntegration(db, 'acme')
      const server = await startServerChild(url)
      onTestFinished(async () => {
        await server.end('SIGKILL')
      })
      const acknowledged: string[] = []
      let stopping: Promise<number | null> | undefined
      let stoppedAt = 0
      async function sendOnAndOn(): Promise<void> {
        for (;;) {
          const requestId = randomBytes(16).toString('hex')
          const body = JSON.stringify({ requestId, text: 'x'.repeat(5_800) })
          const sent = sendWebhook(server.url, integration, body, { 'x-request-id': requestId })
          const status = await sent.then((answer) => answer.status).catch(() => undefined)
          if (status === 202) acknowledged.push(requestId)
          else if (stopping !== undefined) return
          else throw new Error(`answered ${status} before the stop`)
          if (acknowledged.length === enough) {
            stoppedAt = performance.now()
            stopping = server.end('SIGTERM')
          }
        }
      }

      await Promise.all(Array.from({ length: senders }, sendOnAndOn))

      expect(await stopping).toBe(0)
      expect(performance.now() - stoppedAt).toBeLessThan(30_000)
      const rows = await db.selectFrom('delivery').select('request_id').execute()
      const stored = new Set(rows.map((row) => row.request_id))
      expect(acknowledged.length).toBeGreaterThanOrEqual(enough)
      expect(acknowledged.filter((requestId) => !stored.has(requestId))).toEqual([])
      expect(rows).toHaveLength(stored.size)
    })
  })
}
