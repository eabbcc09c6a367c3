import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createAuditKey } from '../../../server/core/audit-chain.ts'
import { createSealer } from '../../../server/core/sealer.ts'
import { uuidv7 } from '../../../server/core/uuid-v7.ts'
import { type AuditEntry, recordAudit } from '../../../server/store/audit.ts'
import { chainEarlierRows } from '../../../server/store/audit-first-chain.ts'
import { holdAuditKey, openAuditKey } from '../../../server/store/audit-key.ts'
import { verifyAudit } from '../../../server/store/audit-verify.ts'
import { isPostgres } from '../../../server/store/dialect/kind.ts'
import { openDatabase } from '../../../server/store/dialect/open-database.ts'
import { inWriteTransaction } from '../../../server/store/dialect/transactions.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases } from '../../support/databases.ts'
import { connectTestDatabase, openTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'

const key = createAuditKey(Buffer.alloc(32, 5))

function entry(number: number, more: Partial<AuditEntry> = {}): AuditEntry {
  return { actor: 'key:a', action: 'thing.change', object: `thing:${number}`, details: { number }, ...more }
}

async function openRecorded(database: (typeof databases)[number], rows: number): Promise<Database> {
  const db = await openTestDatabase(database)
  holdAuditKey(db, key)
  const entries = Array.from({ length: rows }, (_, index) => entry(index + 1, { onceKey: `once ${index + 1}` }))
  await recordAudit(db, Date.now(), entries)
  return db
}

async function dropTriggers(db: Database): Promise<void> {
  const names = ['audit_no_update', 'audit_no_delete', ...(isPostgres(db) ? ['audit_no_truncate'] : [])]
  for (const name of names) {
    await sql.raw(`drop trigger ${name}${isPostgres(db) ? ' on audit' : ''}`).execute(db)
  }
}

async function listSequences(db: Database): Promise<(number | null)[]> {
  const rows = await db.selectFrom('audit').select('sequence').orderBy('sequence').execute()
  return rows.map(({ sequence }) => sequence)
}

/** Another value of the same kind as each column’s. */
const flips: Record<string, unknown> = {
  id: '019a0000-0000-7000-8000-0000000000ff',
  at: 17,
  actor: 'server',
  action: 'thing.delete',
  object: 'thing:0',
  details: '{"number":0}',
  once_key: 'other',
  sequence: 1_000,
  mac: 'f'.repeat(64),
  mac_key: '0'.repeat(16),
}

for (const database of databases) {
  describe(database.name, () => {
    test('S71 a log that nobody touched verifies, row after row', async () => {
      const db = await openRecorded(database, 3)
      await recordAudit(db, 5, [entry(4)])
      await inWriteTransaction(db, async (transaction) => {
        await recordAudit(transaction, 6, [entry(5)])
        await recordAudit(transaction, 7, [entry(6), entry(7)])
      })

      const verdict = await verifyAudit(db, key)

      expect(verdict).toMatchObject({ fault: undefined, head: { sequence: 7 }, hasNoted: true })
      expect(await listSequences(db)).toEqual([1, 2, 3, 4, 5, 6, 7])
    })

    test('F15 the order of the log is its sequence, whatever the clock says', async () => {
      const db = await openRecorded(database, 0)
      for (const now of [5_000_000, 1, 9_000_000_000]) await recordAudit(db, now, [entry(now)])

      const rows = await db.selectFrom('audit').select('object').orderBy('sequence').execute()

      expect(rows.map(({ object }) => object)).toEqual(['thing:5000000', 'thing:1', 'thing:9000000000'])
      expect((await verifyAudit(db, key)).fault).toBeUndefined()
    })

    test('S71 rows can neither be changed nor deleted nor replaced', async () => {
      const db = await openRecorded(database, 3)
      const before = await db.selectFrom('audit').selectAll().orderBy('sequence').execute()

      const attempts = [
        ...Object.keys(flips).map((column) => `update audit set ${column} = null where sequence = 2`),
        'update audit set sequence = 9 where sequence = 2',
        'delete from audit where sequence = 2',
        'delete from audit',
        ...(isPostgres(db)
          ? ['truncate audit']
          : ['insert or replace into audit select * from audit where sequence = 2']),
      ]
      for (const attempt of attempts) {
        await expect(sql.raw(attempt).execute(db), attempt).rejects.toThrow(/append-only|NOT NULL/)
      }

      expect(await db.selectFrom('audit').selectAll().orderBy('sequence').execute()).toEqual(before)
    })

    test('S71 a flipped column of a row is found, whichever it is', async () => {
      const db = await openRecorded(database, 9)
      await dropTriggers(db)
      expect(Object.keys(flips).sort()).toEqual(
        Object.keys((await db.selectFrom('audit').selectAll().limit(1).executeTakeFirst()) ?? {}).sort(),
      )
      for (const [column, value] of Object.entries(flips)) {
        const row = 1 + Math.floor(Math.random() * 9)
        const before = await db.selectFrom('audit').selectAll().where('sequence', '=', row).executeTakeFirstOrThrow()

        await sql`update audit set ${sql.ref(column)} = ${value} where sequence = ${row}`.execute(db)
        const { fault, head } = await verifyAudit(db, key)

        expect(fault, column).toMatch(new RegExp(`^Rows? ${row} `))
        expect(head.sequence).toBe(row - 1)
        const { id } = column === 'id' ? { id: String(value) } : before
        await db.updateTable('audit').set(before).where('id', '=', id).execute()
        expect((await verifyAudit(db, key)).fault).toBeUndefined()
      }
    })

    test.for([
      { name: 'first', gone: 1, says: 'Row 1 is missing.' },
      { name: 'middle', gone: 5, says: 'Row 5 is missing.' },
      { name: 'last', gone: 9, says: 'Row 9 is missing: the log ends before its head, row 9.' },
    ])('S71 the $name row that somebody deleted is missed', async ({ gone, says }) => {
      const db = await openRecorded(database, 9)
      await dropTriggers(db)

      await db.deleteFrom('audit').where('sequence', '=', gone).execute()

      expect((await verifyAudit(db, key)).fault).toBe(says)
    })

    test('S71 rows in another order are found', async () => {
      const db = await openRecorded(database, 9)
      await dropTriggers(db)
      const swap = async (from: number, to: number) =>
        db.updateTable('audit').set({ sequence: to }).where('sequence', '=', from).execute()
      await swap(4, 100)
      await swap(6, 4)
      await swap(100, 6)

      expect((await verifyAudit(db, key)).fault).toContain('Row 4 is not as it was written')
    })

    test('S71 a row that somebody appends without the key is found, with a number or without', async () => {
      const db = await openRecorded(database, 3)
      const row = await db.selectFrom('audit').selectAll().where('sequence', '=', 3).executeTakeFirstOrThrow()
      const forged = { ...row, id: uuidv7(Date.now()), once_key: null }
      await db
        .insertInto('audit')
        .values({ ...forged, sequence: null })
        .execute()
      expect((await verifyAudit(db, key)).fault).toContain(`A row is not in the chain`)
      await dropTriggers(db)
      await db.deleteFrom('audit').where('sequence', 'is', null).execute()

      await db
        .insertInto('audit')
        .values({ ...forged, sequence: 4 })
        .execute()

      expect((await verifyAudit(db, key)).fault).toContain('Row 4 is not as it was written')
      // With the key, but past the head: a row of a backup's future, say.
      await db.deleteFrom('audit').where('sequence', '=', 4).execute()
      await recordAudit(db, 1, [entry(4)])
      await db
        .updateTable('audit_head')
        .set({ sequence: 3, mac: row.mac ?? '' })
        .execute()
      expect((await verifyAudit(db, key)).fault).toContain('row 4 was appended by hand')
    })

    test('S71 a tail that was cut with its head shows by a head that was noted before', async () => {
      const db = await openRecorded(database, 9)
      const noted = (await verifyAudit(db, key)).head.mac
      const earlier = await db.selectFrom('audit').selectAll().where('sequence', '=', 6).executeTakeFirstOrThrow()
      await dropTriggers(db)

      await db.deleteFrom('audit').where('sequence', '>', 6).execute()
      await db
        .updateTable('audit_head')
        .set({ sequence: 6, mac: earlier.mac ?? '' })
        .execute()

      expect(await verifyAudit(db, key)).toMatchObject({ fault: undefined, hasNoted: true })
      expect(await verifyAudit(db, key, noted)).toMatchObject({ fault: undefined, hasNoted: false })
      expect(await verifyAudit(db, key, earlier.mac ?? '')).toMatchObject({ fault: undefined, hasNoted: true })
    })

    test('S71 the same rows under another key do not verify', async () => {
      const db = await openRecorded(database, 2)

      expect((await verifyAudit(db, createAuditKey(randomBytes(32)))).fault).toContain('Row 1 was not sealed with')
    })

    test('S71 connections that record at once make one chain, and verifying meanwhile disturbs nobody', async () => {
      const url = await openTestDatabaseUrl(database)
      const connections = Array.from({ length: isPostgres(connectTestDatabase(url)) ? 4 : 1 }, () => {
        const db = connectTestDatabase(url)
        holdAuditKey(db, key)
        return db
      })
      const writing = connections.flatMap((db) =>
        Array.from({ length: 25 }, (_, index) =>
          recordAudit(db, Date.now(), [entry(index), entry(index, { onceKey: `shared ${index}` })]),
        ),
      )
      const reader = connectTestDatabase(url)
      const verdicts: (string | undefined)[] = []
      for (let round = 0; round < 5; round += 1) verdicts.push((await verifyAudit(reader, key)).fault)
      await Promise.all(writing)

      const { fault, head } = await verifyAudit(reader, key)

      expect(verdicts).toEqual(verdicts.map(() => undefined))
      expect(fault).toBeUndefined()
      expect(head.sequence).toBe(connections.length * 25 + 25)
    })

    test('R12 what is recorded once takes no place in the chain a second time', async () => {
      const db = await openRecorded(database, 0)
      const once = entry(1, { onceKey: 'a' })
      await recordAudit(db, 1, [once, once, entry(2), { ...once, object: 'thing:3' }])
      await recordAudit(db, 2, [once])
      await recordAudit(db, 3, [entry(4), once])

      const rows = await db.selectFrom('audit').select(['sequence', 'object']).orderBy('sequence').execute()

      expect(rows).toEqual([
        { sequence: 1, object: 'thing:1' },
        { sequence: 2, object: 'thing:2' },
        { sequence: 3, object: 'thing:4' },
      ])
      expect((await verifyAudit(db, key)).fault).toBeUndefined()
    })

    test('S70 what a transaction recorded is gone with it, and leaves no gap', async () => {
      const db = await openRecorded(database, 2)
      const failing = inWriteTransaction(db, async (transaction) => {
        await recordAudit(transaction, 1, [entry(3)])
        throw new Error('The change failed.')
      })
      await expect(failing).rejects.toThrow('The change failed.')

      await recordAudit(db, 2, [entry(4)])

      expect(await listSequences(db)).toEqual([1, 2, 3])
      expect((await verifyAudit(db, key)).fault).toBeUndefined()
    })

    test('S71 thousands of entries at once are recorded and verified', async () => {
      const db = await openRecorded(database, 5_000)

      expect(await verifyAudit(db, key)).toMatchObject({ fault: undefined, head: { sequence: 5_000 } })
    })

    test('S71 a text that no database holds as it is verifies, too', async () => {
      const db = await openRecorded(database, 0)
      const odd = 'a\0\ud800\u202e\n“”\u{1f600}'
      await recordAudit(db, 1, [{ actor: odd, action: 'x', object: odd, details: { [odd]: odd } }])

      expect(await verifyAudit(db, key)).toMatchObject({ fault: undefined, head: { sequence: 1 } })
    })

    test('S71 a connection without the key records nothing', async () => {
      const db = openDatabase(await openTestDatabaseUrl(database))
      try {
        await expect(recordAudit(db, 1, [entry(1)])).rejects.toThrow('audit key')
        expect(await listSequences(db)).toEqual([])
      } finally {
        await db.destroy()
      }
    })

    test('S71 rows of an earlier release are chained at the first start by whoever starts, and later ones are not', async () => {
      const url = await openTestDatabaseUrl(database)
      const db = connectTestDatabase(url)
      const sealer = createSealer({ current: randomBytes(32), old: [] })
      const earlier = Array.from({ length: 2_500 }, (_, index) => ({
        id: uuidv7(1_000 + index),
        at: 1_000 + index,
        actor: 'key:a',
        action: 'thing.change',
        object: `thing:${index}`,
        details: '{}',
        once_key: index % 2 === 0 ? null : `once ${index}`,
      }))
      const unchained = { sequence: null, mac: null, mac_key: null }
      for (const first of [0, 1_250]) {
        const rows = earlier.slice(first, first + 1_250).map((row) => ({ ...row, ...unchained }))
        await db.insertInto('audit').values(rows).execute()
      }
      const starting = Array.from({ length: isPostgres(db) ? 3 : 1 }, () => connectTestDatabase(url))

      const keys = await Promise.all(
        starting.map(async (each) => {
          const opened = await openAuditKey(each, sealer)
          await chainEarlierRows(each, opened)
          await recordAudit(each, 9_999, [entry(1)])
          return opened
        }),
      )

      const [opened] = keys
      if (!opened) throw new Error('No key was opened.')
      expect(new Set(keys.map(({ id }) => id)).size).toBe(1)
      expect(await verifyAudit(db, opened)).toMatchObject({
        fault: undefined,
        head: { sequence: 2_500 + starting.length },
      })
      const rows = await db.selectFrom('audit').select('id').orderBy('sequence').limit(2_500).execute()
      expect(rows.map(({ id }) => id)).toEqual(earlier.map(({ id }) => id))

      const [row] = earlier
      if (!row) throw new Error('There is no row.')
      await db
        .insertInto('audit')
        .values({ ...row, ...unchained, id: uuidv7(1), once_key: 'by hand' })
        .execute()
      await chainEarlierRows(db, await openAuditKey(db, sealer))

      expect((await verifyAudit(db, opened)).fault).toContain('A row is not in the chain')
    })
  })
}
