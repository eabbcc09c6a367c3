import { randomBytes } from 'node:crypto'
import { Migrator, sql, type TableMetadata } from 'kysely'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ensureDeliveryPartitions } from '../../../server/store/dialect/delivery-partitions.ts'
import { isPostgres } from '../../../server/store/dialect/kind.ts'
import { migrate } from '../../../server/store/migrate.ts'
import { tables } from '../../../server/store/migrations/001-tables.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases } from '../../support/databases.ts'
import { openTestServer } from '../../support/server.ts'
import { connectTestDatabase } from '../../support/server-database.ts'

type Row = Readonly<Record<string, unknown>>

/** By table: the ids by which the rows of the first release name one another. */
const now = Date.now()
const ids: Readonly<Record<string, string>> = {
  integration_id: idOf(1),
  stack_id: idOf(2),
  delivery_id: idOf(3),
}
const ownId: Readonly<Record<string, string | undefined>> = {
  integration: idOf(1),
  stack: idOf(2),
  delivery: idOf(3),
  space: 'team',
}

/** Where a column of the first release holds a word out of a few, or JSON; else anything is as good. */
const words: Readonly<Record<string, unknown>> = {
  'space.parent_id': 'root',
  'stack.slug': 'old-stack',
  'stack.managed_by': 'stack',
  'stack.detached': 0,
  'stack.detached_reason': null,
  'stack.detached_at': null,
  'integration.slug': 'old-vcs',
  'integration.is_default': 0,
  'integration.api_host': 'https://bitbucket.example.com',
  'integration.user_facing_host': null,
  'delivery.state': 'processed',
  'delivery.verdict': 'ignored',
  'delivery.reason': 'no_match',
  'run.type': 'TRACKED',
  'run.state': 'READY',
  'build_status.state': 'INPROGRESS',
  'registration.observed': 'in_sync',
  'registration.managed_by': 'service',
  'api_key.role': 'webhook-registrar',
  'api_key.expires_at': null,
  'api_key.revoked_at': null,
}
const json: Readonly<Record<string, string>> = { labels: '["old"]', drift: '[]', details: '{}', headers: '{}' }

for (const database of databases) {
  describe(database.name, () => {
    test('F19 S77 every row of the first release is still there after the newest migration, and is served', {
      timeout: 60_000,
    }, async () => {
      const url = await database.open()
      const db = connectTestDatabase(url)
      await new Migrator({ db, provider: { getMigrations: async () => ({ '001-tables': tables }) } }).migrateToLatest()
      await ensureDeliveryPartitions(db, now)
      const before = await fillEveryTable(db)

      await migrate(db, now)

      for (const [table, row] of before) expect(await readRow(db, table, row), table).toMatchObject(row)
      const server = await openTestServer(url, { encryptionKey: randomBytes(32) })
      onTestFinished(() => server.close())
      const answers = await Promise.all(
        [
          '/spaces/team',
          '/integrations/old-vcs',
          '/stacks/old-stack',
          `/runs/${ownId.run ?? idOf(9)}`,
          `/deliveries/${idOf(3)}`,
          '/integrations/old-vcs/deliveries',
          '/registrations',
          '/api-keys',
          '/audit',
        ].map(async (path) => [path, (await server.request('GET', `/api/v1${path}`)).status] as const),
      )
      expect(answers.filter(([, status]) => status !== 200)).toEqual([])
      expect([...before.keys()].sort()).toEqual(
        [
          'api_key',
          'audit',
          'body_key',
          'build_status',
          'delivery',
          'delivery_key',
          'integration',
          'registration',
          'run',
          'setting',
          'space',
          'stack',
          'webhook_secret',
        ].sort(),
      )
    })
  })
}

/** One row in each table that the first release made, every column filled where it may be. */
async function fillEveryTable(db: Database): Promise<Map<string, Row>> {
  const all = (await db.introspection.getTables()).filter(({ name }) => !/^(kysely|delivery_\d)/.test(name))
  const known = new Map(all.map((table) => [table.name, table]))
  const first = ['space', 'integration', 'stack']
  const order = [...first, ...[...known.keys()].filter((name) => !first.includes(name)).sort()]
  const rows = new Map<string, Row>()
  for (const name of order) {
    const table = known.get(name)
    if (!table) throw new Error(`The first release has no table ${name}.`)
    const row = Object.fromEntries(table.columns.map(({ name: column }) => [column, sampleOf(db, table, column)]))
    await db.withTables<Record<string, Record<string, unknown>>>().insertInto(name).values(row).execute()
    rows.set(name, row)
  }
  return rows
}

function sampleOf(db: Database, { name, columns }: TableMetadata, column: string): unknown {
  const word = words[`${name}.${column}`]
  if (word !== undefined) return word
  if (column === 'id') return ownId[name] ?? idOf(9)
  if (column === 'space_id') return name === 'api_key' ? 'root' : 'team'
  if (ids[column] !== undefined) return ids[column]
  if (json[column] !== undefined) return json[column]
  const type = columns.find((each) => each.name === column)?.dataType.toLowerCase() ?? ''
  if (/blob|bytea/.test(type)) return Buffer.from('a body')
  if (/int8|bigint/.test(type) || column.endsWith('_at') || column === 'not_before') return now
  if (/int/.test(type)) return 1
  if (column === 'lease_until' && !isPostgres(db)) return now
  return `${name}.${column}`
}

async function readRow(db: Database, table: string, row: Row): Promise<Row | undefined> {
  const [column, value] = 'id' in row ? ['id', row.id] : (Object.entries(row)[0] ?? ['', ''])
  const { rows } = await sql<Row>`select * from ${sql.table(table)} where ${sql.ref(column)} = ${value}`.execute(db)
  return rows[0]
}

/** A row id of this very moment, so that a delivery falls into today's partition. */
function idOf(number: number): string {
  const time = (Math.floor(Date.now() / 3_600_000) * 3_600_000).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${number.toString().padStart(12, '0')}`
}
