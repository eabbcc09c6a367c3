import { randomBytes } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Migrator, sql } from 'kysely'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openSealer } from '../../../server/encryption-key.ts'
import { recordAudit } from '../../../server/store/audit.ts'
import { openAuditKey } from '../../../server/store/audit-key.ts'
import { openDatabase } from '../../../server/store/dialect/open-database.ts'
import { tables } from '../../../server/store/migrations/001-tables.ts'
import { findSetting } from '../../../server/store/settings.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { insertIntegration, testSealingKey } from '../../support/receiver.ts'
import { runServerCommand } from '../../support/server-command.ts'
import { runCommandHere } from '../../support/server-command-here.ts'
import { openTestDatabaseUrl } from '../../support/server-database.ts'
import { startServerProcess } from '../../support/server-process.ts'

const key = Buffer.from(testSealingKey).toString('base64')

/** A backed-up installation with an integration and an audit log, and an empty place to restore it to. */
async function openScene(database: TestDatabase) {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-restore-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const source = await openTestDatabaseUrl(database)
  await useDatabase(source, async (db) => {
    await openAuditKey(db, await openSealer(db, { current: testSealingKey, old: [] }))
    await insertIntegration(db, 'main')
    await recordAudit(db, 1, [{ actor: 'a', action: 'b', object: 'c' }])
  })
  const env = { MOORING_DATABASE_URL: source, MOORING_ENCRYPTION_KEY: key, MOORING_STATE_DIR: folder }
  const file = join(folder, 'the.backup')
  const target = database.name === 'sqlite' ? `sqlite:${join(folder, 'restored.db')}` : await database.open()
  const targetEnv = { ...env, MOORING_DATABASE_URL: target }
  const restore = (options: readonly string[] = [], more: Readonly<Record<string, string>> = {}) =>
    runCommandHere(['restore', file, ...options], { ...targetEnv, ...more })
  return {
    folder,
    source,
    file,
    target,
    env,
    targetEnv,
    backup: () => runCommandHere(['backup', file], env),
    restore,
    /** The tables of the target; for SQLite its files. */
    traces: async () => {
      if (database.name === 'sqlite')
        return readdirSync(folder).filter((name) => name.startsWith('restored.db') && !/lock/.test(name))
      return useDatabase(target, async (db) => {
        const { rows } = await sql<{ name: string }>`
          select relname as name from pg_class where relnamespace = 'public'::regnamespace`.execute(db)
        return rows.map(({ name }) => name)
      })
    },
  }
}

/** Closed at once: a restore refuses a database that somebody is connected to. */
async function useDatabase<Result>(url: string, act: (db: Database) => Promise<Result>): Promise<Result> {
  const db = openDatabase(url)
  try {
    return await act(db)
  } finally {
    await db.destroy()
  }
}

function slugs(url: string): Promise<string[]> {
  return useDatabase(url, async (db) => {
    const rows = await db.selectFrom('integration').select('slug').orderBy('slug').execute()
    return rows.map(({ slug }) => slug)
  })
}

for (const database of databases) {
  describe(database.name, () => {
    test('R210a a wrong or missing key is refused, named, before anything is written', async () => {
      const scene = await openScene(database)
      expect(await scene.backup()).toMatchObject({ code: 0, stderr: '' })

      const other = randomBytes(32).toString('base64')
      const wrong = await scene.restore([], { MOORING_ENCRYPTION_KEY: other })
      const missing = await scene.restore([], { MOORING_ENCRYPTION_KEY: '' })

      expect(wrong.code).toBe(1)
      expect(wrong.stderr).toMatch(
        /sealed with the key [0-9a-f]{16}; the key given is [0-9a-f]{16}. Nothing was written/,
      )
      expect(wrong.stderr).not.toContain(other)
      expect(missing.code).toBe(1)
      expect(missing.stderr).toContain('MOORING_ENCRYPTION_KEY')
      expect(await scene.traces()).toEqual([])
      const listed = await scene.restore([], { MOORING_ENCRYPTION_KEY: other, MOORING_OLD_ENCRYPTION_KEYS: key })
      expect(listed, 'a key that was used before is one of ours').toMatchObject({ code: 0, stderr: '' })
    })

    test('F24 a backup that was cut or changed anywhere is refused, with its manifest and without it', async () => {
      const scene = await openScene(database)
      await scene.backup()
      const whole = join(scene.folder, 'whole')
      copyFileSync(scene.file, whole)
      const { size } = statSync(whole)

      truncateSync(scene.file, size - Math.floor(size / 3))
      const cut = await scene.restore()
      const cutByHand = await scene.restore(['--without-manifest'])
      rmSync(`${scene.file}.manifest.json`)
      const cutAlone = await scene.restore(['--without-manifest'])
      expect([cut.code, cutByHand.code, cutAlone.code]).toEqual([1, 1, 1])
      expect(cut.stderr).toContain(`was cut: it has`)
      expect(cutAlone.stderr).toMatch(/cut or damaged/)

      copyFileSync(whole, scene.file)
      const unknown = await scene.restore()
      expect(unknown.stderr).toContain('manifest.json is missing')
      rmSync(scene.file)
      expect(await scene.backup()).toMatchObject({ code: 0 })
      const handle = openSync(scene.file, 'r+')
      writeSync(handle, Buffer.from([0x5a]), 0, 1, Math.floor(statSync(scene.file).size / 2))
      closeSync(handle)
      const flipped = await scene.restore()
      expect(flipped.stderr).toContain('is damaged: its bytes are not those of the backup')
      expect(await scene.traces()).toEqual([])
    })

    test('R210a data that is there is replaced when asked for, and by a proven backup alone', async () => {
      const scene = await openScene(database)
      await scene.backup()
      expect(await scene.restore()).toMatchObject({ code: 0, stderr: '' })
      await useDatabase(scene.target, (db) => insertIntegration(db, 'made-after-the-restore'))

      const refused = await scene.restore()
      const afterRefusal = await slugs(scene.target)
      const replaced = await scene.restore(['--replace'])

      expect(refused.code).toBe(1)
      expect(refused.stderr).toMatch(/holds data.*--replace/)
      expect(afterRefusal).toEqual(['made-after-the-restore', 'main'])
      expect(replaced).toMatchObject({ code: 0, stderr: '' })
      expect(await slugs(scene.target)).toEqual(['main'])
      expect(await useDatabase(scene.target, (db) => findSetting(db, 'home'))).toBe('nowhere')
      if (database.name === 'postgres') return
      const kept = /kept as (\S+);/.exec(replaced.stdout)?.[1] ?? ''
      expect(await slugs(`sqlite:${kept}`)).toEqual(['made-after-the-restore', 'main'])
    })

    test('R210a while a server works on the database nothing is restored into it', async () => {
      const scene = await openScene(database)
      await scene.backup()
      const server = startServerProcess(scene.targetEnv, scene.folder)
      await server.listening()

      const refused = await scene.restore(['--replace'])

      expect(refused.code).toBe(1)
      expect(refused.stderr).toMatch(database.name === 'sqlite' ? /Another server \(process \d+\)/ : /stop them before/)
    })

    test('F24 a backup of an older release restores, and the next start migrates it', async () => {
      const scene = await openScene(database)
      const old = await database.open()
      await useDatabase(old, async (db) => {
        const provider = { getMigrations: async () => ({ '001-tables': tables }) }
        const { error } = await new Migrator({ db, provider }).migrateToLatest()
        expect(error).toBeUndefined()
        await openSealer(db, { current: testSealingKey, old: [] })
        await insertIntegration(db, 'old')
      })
      await runCommandHere(['backup', scene.file], { ...scene.env, MOORING_DATABASE_URL: old })

      const restored = await scene.restore()
      const server = startServerProcess(scene.targetEnv, scene.folder)
      const meta = await fetch(`${await server.listening()}/api/v1/meta`)

      expect(restored).toMatchObject({ code: 0, stderr: '' })
      expect(restored.stdout).toContain('of an older release: the next start migrates it')
      expect(await meta.json()).toMatchObject({ quiet: true })
      expect(await slugs(scene.target)).toEqual(['old'])
    })

    test('F24 a database whose audit log was changed is not backed up as if it were whole', async () => {
      const scene = await openScene(database)
      await useDatabase(scene.source, async (db) => {
        await sql`drop trigger ${sql.raw(`audit_no_update ${database.name === 'sqlite' ? '' : 'on audit'}`)}`.execute(
          db,
        )
        await db.updateTable('audit').set({ actor: 'z' }).execute()
      })

      const refused = await scene.backup()

      expect(refused.code).toBe(1)
      expect(refused.stderr).toMatch(/audit log does not verify: Row 1/)
      expect(readdirSync(scene.folder).filter((name) => name.startsWith(basename(scene.file)))).toEqual([])
    })

    test('S77 a database or backup of a newer release is refused by every command', async () => {
      const scene = await openScene(database)
      await scene.backup()
      await useDatabase(scene.source, (db) =>
        sql`insert into kysely_migration (name, timestamp) values ('999-tomorrow', '2030-01-01')`.execute(db),
      )
      rmSync(scene.file)
      rmSync(`${scene.file}.manifest.json`)

      const backup = await scene.backup()
      const doctor = await runCommandHere(['doctor', '--json'], scene.env)
      const serve = await runServerCommand(['serve'], { ...scene.env, MOORING_LISTEN: '127.0.0.1:0' })

      expect(backup.code).toBe(1)
      expect(backup.stderr).toContain('newer release of Mooring (999-tomorrow)')
      expect(readdirSync(scene.folder).filter((name) => name.startsWith(basename(scene.file)))).toEqual([])
      expect(doctor.code).toBe(1)
      expect(doctor.stdout).toContain('they are of a newer release')
      expect(serve.code).toBe(1)
      expect(serve.stderr).toContain('newer release')
    })
  })
}
