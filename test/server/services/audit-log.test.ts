import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { anonymous, type Caller } from '../../../server/core/authorise.ts'
import { createLogger } from '../../../server/core/logger.ts'
import { listAudit, logAuditHead } from '../../../server/services/audit-log.ts'
import { recordAudit } from '../../../server/store/audit.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases } from '../../support/databases.ts'
import { startTestServer } from '../../support/server.ts'
import { openTestDatabase } from '../../support/server-database.ts'

const rootAdmin: Caller = {
  ...anonymous,
  kind: 'account',
  keyId: randomUUID(),
  grants: [{ role: 'admin', spaceId: 'root' }],
}

async function fill(db: Database): Promise<void> {
  for (let n = 1; n <= 9; n += 1) {
    const entry = { actor: n % 2 === 0 ? 'key:a' : 'server', action: `act.${n % 3}`, object: `thing:${n % 3}` }
    await recordAudit(db, 10_000 - n, [{ ...entry, details: { n } }])
  }
}

for (const database of databases) {
  describe(database.name, () => {
    test('R12 the audit log is listed newest or oldest first, page by page, by sequence and not by time', async () => {
      const db = await openTestDatabase(database)
      await fill(db)
      for (const order of ['newest', 'oldest'] as const) {
        const seen: number[] = []
        let cursor: string | null | undefined
        do {
          const page = await listAudit(db, rootAdmin, { limit: 4, order, ...(cursor ? { cursor } : {}) })
          seen.push(...page.items.map(({ sequence }) => sequence))
          cursor = page.nextCursor
          if (order === 'newest') await recordAudit(db, 1, [{ actor: 'late', action: 'x', object: 'y' }])
        } while (cursor !== null)
        const firstNine = seen.filter((sequence) => sequence <= 9)
        expect(firstNine).toEqual(order === 'oldest' ? [1, 2, 3, 4, 5, 6, 7, 8, 9] : [9, 8, 7, 6, 5, 4, 3, 2, 1])
      }
    })

    test.for([
      { filter: { object: 'thing:1' }, sequences: [1, 4, 7] },
      { filter: { actor: 'key:a' }, sequences: [2, 4, 6, 8] },
      { filter: { action: 'act.0', actor: 'key:a' }, sequences: [6] },
      { filter: { since: new Date(9_998).toISOString() }, sequences: [1, 2] },
      { filter: { object: "thing:1' or 1=1 --" }, sequences: [] },
    ])('R12 the audit log can be narrowed to $filter', async ({ filter, sequences }) => {
      const db = await openTestDatabase(database)
      await fill(db)

      const { items } = await listAudit(db, rootAdmin, { limit: 50, order: 'oldest', ...filter })

      expect(items.map(({ sequence }) => sequence)).toEqual(sequences)
    })

    test('R12 the API shows the log to admins of the root space alone', async () => {
      const server = await startTestServer(database)
      await server.root.call('createSpace', { body: { name: 'Team' } })
      const body = { name: 'team admin', role: 'admin' as const, spaceId: 'team' }
      const teamAdmin = await server.root.call('createApiKey', { body })
      const token = await server.token({ keyId: teamAdmin.id, keySecret: teamAdmin.secret })

      const { items } = await server.root.call('listAudit', { query: { object: 'space:team' } })
      const refused = await server.request('GET', '/api/v1/audit', { token })
      const unknown = await server.request('GET', '/api/v1/audit', { token: null })
      const wrong = await server.request('GET', '/api/v1/audit?since=yesterday')
      const foreign = Buffer.from('["audit newest","1e9x"]').toString('base64url')
      const odd = await server.request('GET', `/api/v1/audit?cursor=${foreign}`)

      expect(items).toEqual([
        expect.objectContaining({ action: 'space.create', actor: `key:${server.rootKey.keyId}`, object: 'space:team' }),
      ])
      expect([refused.status, unknown.status, wrong.status, odd.status]).toEqual([403, 401, 422, 422])
    })

    test('S71 the head of the chain is logged', async () => {
      const db = await openTestDatabase(database)
      await fill(db)
      let text = ''

      await logAuditHead(db, createLogger('info', { write: (line: string) => (text += line) }))

      const last = await db.selectFrom('audit').select('mac').where('sequence', '=', 9).executeTakeFirstOrThrow()
      expect(JSON.parse(text)).toMatchObject({ msg: 'audit head', sequence: 9, mac: last.mac })
    })
  })
}
