import { randomBytes } from 'node:crypto'
import { Migrator, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createSealer } from '../../../../server/core/sealer.ts'
import { recordAudit } from '../../../../server/store/audit.ts'
import { chainEarlierRows } from '../../../../server/store/audit-first-chain.ts'
import { openAuditKey } from '../../../../server/store/audit-key.ts'
import { verifyAudit } from '../../../../server/store/audit-verify.ts'
import { migrate } from '../../../../server/store/migrate.ts'
import { tables } from '../../../../server/store/migrations/001-tables.ts'
import { databases } from '../../../support/databases.ts'
import { connectTestDatabase } from '../../../support/server-database.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('S71 a log of the first release keeps its rows, and is chained at the first start of this one', async () => {
      const db = connectTestDatabase(await database.open())
      const first = new Migrator({ db, provider: { getMigrations: async () => ({ '001-tables': tables }) } })
      expect((await first.migrateToLatest()).error).toBeUndefined()
      const rows = [3, 1, 2].map((n) => ({
        id: `01900000-0000-7000-8000-00000000000${n}`,
        at: n,
        object: `thing:${n}`,
        once: n === 2 ? 'once' : null,
      }))
      for (const { id, at, object, once } of rows) {
        await sql`insert into audit (id, at, actor, action, object, details, once_key)
          values (${id}, ${at}, 'key:a', 'thing.change', ${object}, '{"a":1}', ${once})`.execute(db)
      }

      await migrate(db, Date.now())
      const key = await openAuditKey(db, createSealer({ current: randomBytes(32), old: [] }))
      await chainEarlierRows(db, key)
      const entry = { actor: 'key:b', action: 'thing.change', object: 'thing:4' }
      await recordAudit(db, 4, [{ ...entry, onceKey: 'once' }, entry])

      const log = await db.selectFrom('audit').select(['sequence', 'object', 'details']).orderBy('sequence').execute()
      expect(log).toEqual([
        { sequence: 1, object: 'thing:1', details: '{"a":1}' },
        { sequence: 2, object: 'thing:2', details: '{"a":1}' },
        { sequence: 3, object: 'thing:3', details: '{"a":1}' },
        { sequence: 4, object: 'thing:4', details: '{}' },
      ])
      expect(await verifyAudit(db, key)).toMatchObject({ fault: undefined, head: { sequence: 4 } })
    })
  })
}
