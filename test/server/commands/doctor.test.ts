import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Finding } from '../../../server/commands/finding.ts'
import { openSealer } from '../../../server/encryption-key.ts'
import { isPostgres } from '../../../server/store/dialect/kind.ts'
import { settleHome } from '../../../server/store/home.ts'
import { databases } from '../../support/databases.ts'
import { needs } from '../../support/left-out.ts'
import { startPooler } from '../../support/pooler.ts'
import { runCommandHere } from '../../support/server-command-here.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'

async function openScene(database: (typeof databases)[number]) {
  const url = await openTestDatabaseUrl(database)
  const db = connectTestDatabase(url)
  const key = randomBytes(32)
  await openSealer(db, { current: key, old: [] })
  await settleHome(db, url, 'keep', 1)
  const env = {
    MOORING_DATABASE_URL: url,
    MOORING_ENCRYPTION_KEY: key.toString('base64'),
    MOORING_PUBLIC_URL: 'https://mooring.example.com',
    MOORING_DISK_LOW_WATER_MIB: '1',
  }
  const examine = async (more: Readonly<Record<string, string>> = {}) => {
    const { code, stdout } = await runCommandHere(['doctor', '--json'], { ...env, ...more })
    const { findings } = JSON.parse(stdout) as { findings: Finding[] }
    return { code, of: (check: string) => findings.find((finding) => finding.check === check), findings }
  }
  return { url, db, key, env, examine }
}

for (const database of databases) {
  describe(database.name, () => {
    test('doctor finds nothing wrong with a sound installation but that it has no administrator yet', async () => {
      const { examine } = await openScene(database)

      const { code, findings } = await examine()

      expect(findings.filter(({ status }) => status !== 'ok').map(({ check }) => check)).toEqual(['bootstrap key'])
      expect(code).toBe(0)
    })

    test('doctor names a wrong or missing key, a copy, a newer release, each with a remedy', async () => {
      const { examine, db, url } = await openScene(database)

      const wrong = await examine({ MOORING_ENCRYPTION_KEY: randomBytes(32).toString('base64') })
      await settleHome(db, url, 'be_quiet', 2)
      const quiet = await examine()
      await sql`insert into kysely_migration (name, timestamp) values ('999-tomorrow', '2030-01-01')`.execute(db)
      const newer = await examine()

      expect(wrong.code).toBe(1)
      expect(wrong.of('encryption key')).toMatchObject({
        status: 'failed',
        says: expect.stringMatching(/[0-9a-f]{16}/),
      })
      expect(quiet.code).toBe(0)
      expect(quiet.of('home')).toMatchObject({ status: 'warning', remedy: expect.stringContaining('--take-over') })
      expect(newer.code).toBe(1)
      expect(newer.of('tables')).toMatchObject({ status: 'failed', says: expect.stringContaining('newer release') })
    })

    test('doctor says what is dangerous or unreachable in the configuration', async () => {
      const { examine } = await openScene(database)

      const { code, of } = await examine({
        MOORING_PUBLIC_URL: 'http://localhost:8080',
        MOORING_ALLOWED_LOOPBACK: '127.0.0.1:7990',
      })
      const invalid = await examine({ MOORING_METRICS: 'perhaps', MOORING_PUBLIC_URL: 'x' })

      expect(code).toBe(1)
      expect(of('dangerous setting')?.says).toContain('MOORING_ALLOWED_LOOPBACK')
      expect(of('public URL')).toMatchObject({ status: 'failed', says: expect.stringContaining('call itself') })
      expect(invalid.code).toBe(1)
      expect(invalid.findings).toHaveLength(1)
      expect(invalid.of('configuration')?.says).toMatch(/MOORING_PUBLIC_URL[\s\S]*MOORING_METRICS/)
    })

    test('doctor is for people, too: a line a check, the remedy below, nothing that steers a terminal', async () => {
      const { env } = await openScene(database)

      const { code, stdout } = await runCommandHere(['doctor'], env)

      expect(code).toBe(0)
      expect(stdout).toMatch(/^ok {7}configuration: /)
      expect(stdout).toMatch(/\nwarning {2}bootstrap key: .*\n {10}→ /)
    })
  })
}

for (const database of databases.filter(({ name }) => name === 'postgres')) {
  test('L11 doctor misses partitions of the coming days', async () => {
    const { db, examine } = await openScene(database)
    expect(isPostgres(db)).toBe(true)
    const { rows } = await sql<{ name: string }>`
      select inhrelid::regclass::text as name from pg_inherits where inhparent = 'delivery'::regclass order by 1 desc limit 6`.execute(
      db,
    )
    for (const { name } of rows) await sql`drop table ${sql.id(name)}`.execute(db)

    const { code, of } = await examine()

    expect(code).toBe(1)
    expect(of('partitions')).toMatchObject({ status: 'failed', says: expect.stringContaining('1 days ahead') })
  })

  test('F3 doctor reads durability, compression, clock and connections from PostgreSQL', async () => {
    const { db, url, examine } = await openScene(database)
    const name = new URL(url).pathname.slice(1)
    const sound = await examine()
    await sql`alter database ${sql.id(name)} set synchronous_commit = off`.execute(db)
    await db.destroy()

    const unsafe = await examine()

    for (const check of ['durability', 'connections', 'clock', 'pooler', 'role']) {
      expect(sound.of(check), check).toMatchObject({ status: 'ok' })
    }
    expect(['ok', 'warning']).toContain(sound.of('compression')?.status)
    expect(unsafe.code).toBe(1)
    expect(unsafe.of('durability')).toMatchObject({ status: 'failed', says: expect.stringContaining('off') })
  })
}

for (const database of databases.filter(({ name }) => name === 'postgres')) {
  needs('pgbouncer')('a pooler in transaction mode', () => {
    test('L36 doctor finds it, and says what the server needs for it', async () => {
      const { url, examine } = await openScene(database)
      const through = await startPooler(url)

      const found = await examine({ MOORING_DATABASE_URL: through })
      const prepared = await examine({
        MOORING_DATABASE_URL: through,
        MOORING_PREPARED_STATEMENTS: 'off',
        MOORING_DATABASE_LISTEN_URL: url,
      })

      expect(found.code).toBe(1)
      expect(found.of('pooler')).toMatchObject({
        status: 'failed',
        remedy: expect.stringMatching(/MOORING_PREPARED_STATEMENTS=off and set MOORING_DATABASE_LISTEN_URL/),
      })
      expect(prepared.of('pooler')?.status).toBe('ok')
    })
  })
}

test('S42 F6 on SQLite doctor finds open file modes and a disk under the low-water mark', async () => {
  const [sqlite] = databases
  if (!sqlite) throw new Error('There is no database to test on.')
  const { url, examine } = await openScene(sqlite)
  const file = url.slice('sqlite:'.length)
  chmodSync(`${file}-wal`, 0o644)

  const { code, of } = await examine({ MOORING_DISK_LOW_WATER_MIB: '999999999' })

  expect(code).toBe(1)
  expect(of('file modes')).toMatchObject({ status: 'failed', says: expect.stringContaining('mode 644 instead of 600') })
  expect(of('disk')).toMatchObject({ status: 'failed', says: expect.stringContaining('low-water mark') })
})

test('doctor makes no database where there is none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-doctor-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))

  const { code, stdout } = await runCommandHere(['doctor'], { MOORING_DATABASE_URL: `sqlite:${folder}/mooring.db` })

  expect(code).toBe(1)
  expect(stdout).toContain('There is no database')
})
