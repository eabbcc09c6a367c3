import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, onTestFinished, test } from 'vitest'
import { uuidv7 } from '../../../server/core/uuid-v7.ts'
import { ensureDeliveryPartitions } from '../../../server/store/dialect/delivery-partitions.ts'
import { holdDatabase } from '../../../server/store/dialect/hold-database.ts'
import { openDatabase } from '../../../server/store/dialect/open-database.ts'
import { openSqliteConnection } from '../../../server/store/dialect/sqlite-connection.ts'
import { claimRows, inWriteTransaction, lockRows } from '../../../server/store/dialect/transactions.ts'
import { isUniqueViolation } from '../../../server/store/dialect/unique-violation.ts'
import { createWake } from '../../../server/store/dialect/wake.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases } from '../../support/databases.ts'
import { insertIntegration } from '../../support/receiver.ts'
import { connectTestDatabase, openTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'

const day = 86_400_000

for (const database of databases) {
  describe(database.name, () => {
    test('R15 two writing transactions at once lose no change', async () => {
      const db = await openTestDatabase(database)
      await db.insertInto('setting').values({ key: 'counter', value: '0' }).execute()
      const countUp = () =>
        inWriteTransaction(db, async (transaction) => {
          const { value } = await transaction
            .selectFrom('setting')
            .select('value')
            .where('key', '=', 'counter')
            .$call(lockRows(transaction))
            .executeTakeFirstOrThrow()
          await transaction
            .updateTable('setting')
            .set({ value: String(Number(value) + 1) })
            .where('key', '=', 'counter')
            .execute()
        })

      await Promise.all(Array.from({ length: 20 }, countUp))

      const { value } = await db
        .selectFrom('setting')
        .select('value')
        .where('key', '=', 'counter')
        .executeTakeFirstOrThrow()
      expect(value).toBe('20')
    })

    test('a writing transaction that throws changes nothing', async () => {
      const db = await openTestDatabase(database)

      const failing = inWriteTransaction(db, async (transaction) => {
        await transaction.insertInto('setting').values({ key: 'half', value: 'done' }).execute()
        throw new Error('no')
      })

      await expect(failing).rejects.toThrow('no')
      expect(await db.selectFrom('setting').select('key').where('key', '=', 'half').execute()).toEqual([])
    })

    test('R3 R4 a unique index that is violated is told by its name', async () => {
      const db = await openTestDatabase(database)
      const { id } = await insertIntegration(db, 'acme')

      const slug = await failureOf(insertIntegration(db, 'acme'))
      await db.updateTable('integration').set({ is_default: 1 }).where('id', '=', id).execute()
      await insertIntegration(db, 'other')
      const isDefault = await failureOf(db.updateTable('integration').set({ is_default: 1 }).execute())
      const space = await failureOf(sql`insert into space select * from space where id = 'root'`.execute(db))
      const version = await failureOf(
        sql`insert into webhook_secret select ${uuidv7(Date.now())}, integration_id, version, secret, valid_until,
          created_at from webhook_secret where integration_id = ${id}`.execute(db),
      )

      expect(isUniqueViolation(slug, 'integration_slug')).toBe(true)
      expect(isUniqueViolation(slug, 'integration_default')).toBe(false)
      expect(isUniqueViolation(isDefault, 'integration_default')).toBe(true)
      expect(isUniqueViolation(space, 'space_pkey')).toBe(true)
      expect(isUniqueViolation(version, 'webhook_secret_version')).toBe(true)
      expect(isUniqueViolation(new Error('UNIQUE constraint failed: stack.slug'), 'stack_slug')).toBe(false)
    })

    test('R62 R64 a stack has one run for each key, and one tracked run under way', async () => {
      const db = await openTestDatabase(database)
      const { id: integrationId } = await insertIntegration(db, 'acme')
      const stackId = await insertStack(db, integrationId)
      const insertRun = (type: 'TRACKED' | 'PROPOSED', state: string, key: string | null) =>
        insertRunOf(db, integrationId, stackId, type, state, key)

      await insertRun('TRACKED', 'READY', 'tracked:1')
      for (const state of ['QUEUED', 'FINISHED', 'FAILED', 'CANCELED', 'DISCARDED', 'STOPPED']) {
        await insertRun('TRACKED', state, null)
      }
      await insertRun('PROPOSED', 'READY', 'proposed:1')
      await insertRun('PROPOSED', 'READY', 'proposed:2')
      const sameKey = await failureOf(insertRun('PROPOSED', 'READY', 'proposed:1'))
      const secondTracked = await failureOf(insertRun('TRACKED', 'PLANNING', null))

      expect(isUniqueViolation(sameKey, 'run_key')).toBe(true)
      expect(isUniqueViolation(secondTracked, 'run_tracked')).toBe(true)
      expect(isUniqueViolation(secondTracked, 'run_key')).toBe(false)
    })

    test('L10 L11 the days ahead have their partitions, once, and a clock that runs ahead gets its own', async () => {
      const db = await openTestDatabase(database)
      const later = Date.now() + 30 * day

      await ensureDeliveryPartitions(db, later)
      await ensureDeliveryPartitions(db, later)

      if (database.name === 'sqlite') return // one table
      const { rows } = await sql<{ name: string }>`
        select inhrelid::regclass::text as name from pg_inherits where inhparent = 'delivery'::regclass
        order by name`.execute(db)
      const expected = [...daysFrom(Date.now()), ...daysFrom(later)]
      expect(rows.map(({ name }) => name)).toEqual(expected.map((each) => `delivery_${each}`))
    })

    test('times and counts come back as numbers', async () => {
      const db = await openTestDatabase(database)

      const row = await db
        .selectFrom('space')
        .select(({ fn }) => ['created_at', fn.countAll<number>().over().as('count')])
        .executeTakeFirstOrThrow()

      expect(row.count).toBe(1)
      expect(typeof row.created_at).toBe('number')
    })
  })
}

describe('SQLite', () => {
  test('R34 F3 every connection flushes at each commit, and says so when asked later', async () => {
    const [sqlite] = databases
    const file = ((await sqlite?.open()) ?? '').replace('sqlite:', '')
    const first = openSqliteConnection(file)
    const second = openSqliteConnection(file, { busyTimeoutMs: 0 })
    onTestFinished(() => {
      first.close()
      second.close()
    })
    first.exec('create table t (a integer)')
    second.exec('insert into t values (1)')

    for (const connection of [first, second]) {
      const read = (name: string) => connection.pragma(name, { simple: true })
      expect(read('journal_mode')).toBe('wal')
      expect(read('synchronous')).toBe(2)
      expect(read('foreign_keys')).toBe(1)
      expect(read('secure_delete')).toBe(1)
    }
  })

  test('R210 a second server on the same file is refused, and told whose it is', async () => {
    const [sqlite] = databases
    const url = (await sqlite?.open()) ?? ''
    const hold = holdDatabase(url)
    onTestFinished(() => hold.release())

    expect(() => holdDatabase(url)).toThrow(`process ${process.pid}`)
    const program = `
      import { holdDatabase } from ${JSON.stringify(resolve('dist/server/store/dialect/hold-database.js'))}
      holdDatabase(${JSON.stringify(url)})`
    const other = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })

    expect(other.status).toBe(1)
    expect(other.stderr).toContain(`Another server (process ${process.pid}) uses ${url.replace('sqlite:', '')}`)
  })

  test('R210 a server that was killed holds nothing', async () => {
    const [sqlite] = databases
    const url = (await sqlite?.open()) ?? ''
    const program = `
      import { holdDatabase } from ${JSON.stringify(resolve('dist/server/store/dialect/hold-database.js'))}
      holdDatabase(${JSON.stringify(url)})
      process.kill(process.pid, 'SIGKILL')`
    const killed = spawnSync(process.execPath, ['--input-type=module', '-e', program])

    const hold = holdDatabase(url)

    hold.release()
    expect(killed.signal).toBe('SIGKILL')
  })

  test('F7 a file that cannot be written is refused in words', () => {
    expect(() => openDatabase('sqlite:/nowhere/at/all/mooring.db')).toThrow(
      'Cannot open the database /nowhere/at/all/mooring.db for writing (ENOENT)',
    )
    expect(() => openDatabase('mysql://root@db/mooring')).toThrow('neither sqlite:<file> nor postgres://')
  })
})

describe.runIf(databases.some(({ name }) => name === 'postgres'))('PostgreSQL', () => {
  const postgres = databases.find(({ name }) => name === 'postgres')

  test('F3 a database that does not wait for the disk is refused', async () => {
    const url = (await postgres?.open()) ?? ''
    const name = new URL(url).pathname.slice(1)
    const db = connectTestDatabase(url)
    await sql`alter database ${sql.ref(name)} set synchronous_commit = off`.execute(db)

    const later = connectTestDatabase(url)

    await expect(sql`select 1`.execute(later)).rejects.toThrow('synchronous_commit=off')
  })

  test('L1 what one claims, another one passes over', async () => {
    if (postgres === undefined) throw new Error('PostgreSQL is not there')
    const url = await openTestDatabaseUrl(postgres)
    const [one, other] = [connectTestDatabase(url), connectTestDatabase(url)]
    const keys = ['a', 'b', 'c']
    await one
      .insertInto('setting')
      .values(keys.map((key) => ({ key, value: '' })))
      .execute()
    const claim = (db: Database) => {
      const claiming = db.selectFrom('setting').select('key').where('key', 'in', keys).orderBy('key').limit(2)
      return claiming.$call(claimRows(db)).execute()
    }

    const claimed = await inWriteTransaction(one, async (transaction) => {
      const mine = await transaction
        .selectFrom('setting')
        .select('key')
        .where('key', 'in', keys)
        .orderBy('key')
        .limit(2)
        .$call(claimRows(transaction))
        .execute()
      return { mine, theirs: await claim(other) }
    })

    expect(claimed).toEqual({ mine: [{ key: 'a' }, { key: 'b' }], theirs: [{ key: 'c' }] })
  })

  test('R34 connections wait for the disk', async () => {
    const db = connectTestDatabase((await postgres?.open()) ?? '')

    const { rows } = await sql`select current_setting('fsync') as fsync,
      current_setting('synchronous_commit') as commit`.execute(db)

    expect(rows).toEqual([{ fsync: 'on', commit: 'on' }])
  })
})

test('L7 a wake-up reaches its listeners until they stop listening', () => {
  const wake = createWake()
  const heard: string[] = []
  const stop = wake.onWake('deliveryStored', () => heard.push('delivery'))
  wake.onWake('runCreated', () => heard.push('run'))

  wake.wake('deliveryStored')
  stop()
  wake.wake('deliveryStored')

  expect(heard).toEqual(['delivery'])
})

async function failureOf(doing: Promise<unknown>): Promise<unknown> {
  return doing.then(
    () => undefined,
    (error: unknown) => error,
  )
}

function daysFrom(time: number): string[] {
  return Array.from({ length: 8 }, (_, ahead) =>
    new Date(time + ahead * day).toISOString().slice(0, 10).replaceAll('-', ''),
  )
}

async function insertStack(db: Database, integrationId: string): Promise<string> {
  const id = uuidv7(Date.now())
  await db
    .insertInto('stack')
    .values({
      id,
      slug: 'network',
      name: 'network',
      space_id: 'root',
      branch: 'main',
      project_root: '',
      normal_root: '',
      labels: '[]',
      description: '',
      integration_id: integrationId,
      uses_default: 0,
      detached: 0,
      created_at: Date.now(),
    })
    .execute()
  return id
}

async function insertRunOf(
  db: Database,
  integrationId: string,
  stackId: string,
  type: 'TRACKED' | 'PROPOSED',
  state: string,
  key: string | null,
): Promise<void> {
  await db
    .insertInto('run')
    .values({
      id: uuidv7(Date.now()),
      integration_id: integrationId,
      stack_id: stackId,
      type,
      state,
      commit_sha: 'a'.repeat(40),
      branch: 'main',
      run_key: key,
      created_at: Date.now(),
      updated_at: Date.now(),
    })
    .execute()
}
