import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Migrator, sql } from 'kysely'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { seededRandom } from '../../../scripts/faults/random.ts'
import { startServerChild } from '../../../scripts/faults/server-child.ts'
import { openDatabase } from '../../../server/store/dialect/open-database.ts'
import { migrate, migrationNames } from '../../../server/store/migrate.ts'
import { tables } from '../../../server/store/migrations/001-tables.ts'
import { listMigrations } from '../../../server/store/schema-state.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases } from '../../support/databases.ts'
import { recordLeftOut } from '../../support/left-out.ts'
import { findProgram } from '../../support/programs.ts'
import { testSealingKey } from '../../support/receiver.ts'
import { connectTestDatabase } from '../../support/server-database.ts'
import { startServerProcess } from '../../support/server-process.ts'

async function migrateToFirst(db: Database): Promise<void> {
  await new Migrator({ db, provider: { getMigrations: async () => ({ '001-tables': tables }) } }).migrateToLatest()
}

for (const database of databases) {
  test(`F19 R210 on ${database.name} a first start that is killed at any moment is finished by the next`, {
    timeout: 60_000,
  }, async () => {
    const random = seededRandom(20_261_124)
    const url = await database.open()
    const env = {
      MOORING_DATABASE_URL: url,
      MOORING_ENCRYPTION_KEY: Buffer.from(testSealingKey).toString('base64'),
      MOORING_BOOTSTRAP_KEY: `00000000-0000-4000-8000-000000000000:${'A'.repeat(43)}`,
    }
    for (let round = 0; round < 8; round += 1) {
      const server = startServerProcess(env, tmpdir())
      await sleep(350 + random() * 600) // Node itself takes the first part of it
      server.child.kill('SIGKILL')
      await server.ended()
    }

    const server = startServerProcess(env, tmpdir())
    const answer = await fetch(`${await server.listening()}/readyz`)

    expect(answer.status).toBe(200)
    expect(await listMigrations(connectTestDatabase(url))).toEqual(migrationNames)
  })
}

for (const database of databases.filter(({ name }) => name === 'postgres')) {
  describe('PostgreSQL', () => {
    test('F19 R210 two servers that start at once on an empty database both serve, and a third beside them', {
      timeout: 60_000,
    }, async () => {
      const url = await database.open()

      const servers = await Promise.all([startServerChild(url), startServerChild(url)])
      onTestFinished(async () => {
        for (const server of servers) await server.end('SIGKILL')
      })
      servers.push(await startServerChild(url))

      const answers = await Promise.all(servers.map(({ url: address }) => fetch(`${address}/readyz`)))
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    })

    test('F19 a migration waits no longer than a second for a table in use, and lets others read meanwhile', {
      timeout: 30_000,
    }, async () => {
      const url = await database.open()
      const [db, reader, others] = [connectTestDatabase(url), connectTestDatabase(url), connectTestDatabase(url)]
      await migrateToFirst(db)
      const waits: number[] = []
      let migrating: Promise<void> | undefined

      await reader.transaction().execute(async (transaction) => {
        await sql`select id from api_key`.execute(transaction) // an open transaction that reads keeps its table
        migrating = migrate(db, Date.now())
        for (const until = performance.now() + 4_000; performance.now() < until; ) {
          const startedAt = performance.now()
          await sql`select id from api_key`.execute(others)
          waits.push(performance.now() - startedAt)
          await sleep(20)
        }
      })
      await migrating

      expect(Math.max(...waits)).toBeGreaterThan(500) // it did stand in the way
      expect(Math.max(...waits)).toBeLessThan(1_500)
      expect(await listMigrations(db)).toEqual(migrationNames)
    })
  })
}

const suite = 'a disk without room for a migration'
const mayMount = spawnSync(findProgram('unshare') ?? 'unshare', ['-rm', 'true']).status === 0
if (!mayMount) recordLeftOut(suite, ['unshare'])

describe.skipIf(!mayMount)(suite, () => {
  test('F19 a SQLite database that has no room to be migrated is refused, in words, and stays as it was', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mooring-small-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const small = join(folder, 'small')
    mkdirSync(small)
    const seed = join(folder, 'seed.db')
    const db = openDatabase(`sqlite:${seed}`)
    await migrateToFirst(db)
    await sql`insert into setting values ('large', hex(zeroblob(2000000)))`.execute(db)
    await db.destroy()
    const start = (sizeMib: number) =>
      startServerChild(`sqlite:${join(small, 'mooring.db')}`, [
        ...['unshare', '-rm', 'sh', '-c'],
        `mount -t tmpfs -o size=${sizeMib}m tmpfs "$1" && cp "$0" "$1/mooring.db" && shift && exec "$@"`,
        ...[seed, small, 'env', 'MOORING_DISK_LOW_WATER_MIB=0'],
      ])

    await expect(start(7)).rejects.toThrow(/no room to migrate .*mooring\.db: free \d+ MiB more/)
    const server = await start(40)
    expect(await server.end('SIGTERM')).toBe(0)
    await vi.waitUntil(() => server.child.exitCode === 0)
  })
})
