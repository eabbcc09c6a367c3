import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { openSealer } from '../../../server/encryption-key.ts'
import { type AuditEntry, recordAudit } from '../../../server/store/audit.ts'
import { openAuditKey } from '../../../server/store/audit-key.ts'
import { isPostgres } from '../../../server/store/dialect/kind.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { runServerCommand } from '../../support/server-command.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'

const hostile = '=cmd|" /C calc"!A0,\u009b31m\u202e\x1b]52;c;aGk=\x07\nsecond line'

async function openScene(database: TestDatabase, rows: number, more: readonly AuditEntry[] = []) {
  const url = await openTestDatabaseUrl(database)
  const db = connectTestDatabase(url)
  const key = randomBytes(32)
  await openAuditKey(db, await openSealer(db, { current: key, old: [] }))
  const entries = Array.from({ length: rows }, (_, n) => ({
    actor: 'key:a',
    action: 'thing.change',
    object: `thing:${n}`,
  }))
  await recordAudit(db, Date.parse('2026-01-01T00:00:00Z'), entries)
  await recordAudit(db, Date.parse('2026-02-01T00:00:00Z'), more)
  const env = { MOORING_DATABASE_URL: url, MOORING_ENCRYPTION_KEY: key.toString('base64') }
  const run = (...args: string[]) => runServerCommand(['audit', ...args], env)
  return { db, env, run }
}

for (const database of databases) {
  describe(database.name, () => {
    test('S71 audit verify ends with 0 on a whole log and with 1 on a changed one, naming the row', async () => {
      const { db, run } = await openScene(database, 20)

      const whole = await run('verify', '--json')
      await sql.raw(`drop trigger audit_no_update ${isPostgres(db) ? 'on audit' : ''}`).execute(db)
      await db.updateTable('audit').set({ actor: 'key:b' }).where('sequence', '=', 13).execute()
      const changed = await run('verify')

      expect(whole).toMatchObject({ code: 0, stderr: '' })
      const verdict = JSON.parse(whole.stdout) as { head: string }
      expect(verdict).toEqual({ verifiedRows: 20, head: expect.stringMatching(/^[0-9a-f]{64}$/), fault: null })
      expect(changed.code).toBe(1)
      expect(changed.stdout).toContain('Row 13 is not as it was written')
      expect(changed.stdout).toContain('The 12 rows before are as they were written.')
    })

    test('S71 audit verify --head misses a noted head that was cut off', async () => {
      const { db, run } = await openScene(database, 5)
      const { head } = JSON.parse((await run('verify', '--json')).stdout) as { head: string }
      await recordAudit(db, 1, [{ actor: 'server', action: 'x', object: 'y' }])
      expect((await run('verify', '--head', head)).code).toBe(0)

      const other = await run('verify', '--head', 'f'.repeat(64))
      const wrong = await run('verify', '--head', 'nonsense')

      expect(other.code).toBe(1)
      expect(other.stdout).toContain(`The head ${'f'.repeat(64)} is not in the log`)
      expect(wrong).toMatchObject({ code: 1, stdout: '' })
    })

    test('S47 audit export is inert in a terminal and in a spreadsheet', async () => {
      const details = { branch: hostile }
      const { run } = await openScene(database, 1, [
        { actor: hostile, action: 'x', object: '=1+1', details },
        ...['+1', '-1', '@x'].map((object) => ({ actor: 'a', action: 'x', object })),
      ])

      const csv = await run('export', '--format', 'csv', '--since', '2026-01-15')
      const jsonl = await run('export')

      expect(csv.code).toBe(0)
      const [header, ...lines] = csv.stdout.trimEnd().split('\r\n')
      expect(header).toBe('sequence,id,at,actor,action,object,details,mac,macKey')
      expect(lines).toHaveLength(4)
      expect(lines[0]).toContain(`"'=1+1"`)
      expect(lines[0]).toContain(`"'=cmd|"" /C`)
      expect(lines.slice(1).map((line) => /"('[^"]+)"/.exec(line)?.[1])).toEqual([`'+1`, `'-1`, `'@x`])
      for (const { stdout } of [csv, jsonl]) expect(stdout.replaceAll(/\r?\n/g, '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
      const rows = jsonl.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      expect(rows.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5])
      expect(rows[1]?.details).toEqual(details)
    })

    test('S71 audit export gives thousands of rows in their order', async () => {
      const { run } = await openScene(database, 2_500)

      const { stdout } = await run('export')

      const rows = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { object: string })
      expect(rows.map(({ object }) => object)).toEqual(Array.from({ length: 2_500 }, (_, n) => `thing:${n}`))
    })
  })
}

test('S71 the commands make no database and no key', async () => {
  const file = join(tmpdir(), `absent-${randomBytes(6).toString('hex')}.db`)

  const outcome = await runServerCommand(['audit', 'verify'], { MOORING_DATABASE_URL: `sqlite:${file}` })

  expect(outcome).toMatchObject({ code: 1, stdout: '' })
  expect(outcome.stderr).toContain(`There is no database ${file}`)
})
