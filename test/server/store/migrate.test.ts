import { statSync } from 'node:fs'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { isPostgres } from '../../../server/store/dialect/kind.ts'
import { migrate } from '../../../server/store/migrate.ts'
import { databases } from '../../support/databases.ts'
import { connectTestDatabase, openTestDatabase } from '../../support/server-database.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('makes the root space and an id of the installation', async () => {
      const db = await openTestDatabase(database)

      const spaces = await db.selectFrom('space').select(['id', 'parent_id', 'inherit_entities']).execute()
      const settings = await db.selectFrom('setting').select('key').execute()

      expect(spaces).toEqual([{ id: 'root', parent_id: null, inherit_entities: 0 }])
      expect(settings).toEqual([{ key: 'instance_id' }])
    })

    test('R210 migrates once, however often it is asked', async () => {
      const db = await openTestDatabase(database)
      const before = await db.selectFrom('setting').selectAll().execute()

      await migrate(db, Date.now())

      expect(await db.selectFrom('setting').selectAll().execute()).toEqual(before)
    })

    test('S77 refuses a database that a newer release has migrated', async () => {
      const db = await openTestDatabase(database)
      await sql`insert into kysely_migration (name, timestamp) values ('999-later', 'x')`.execute(db)

      await expect(migrate(db, Date.now())).rejects.toThrow('newer release')
    })

    test('R210 leaves nothing of a migration that fails', async () => {
      const url = await database.open()
      const db = connectTestDatabase(url)
      await sql`create table audit (id integer)`.execute(db) // in the way of the last table

      await expect(migrate(db, Date.now())).rejects.toThrow('could not be migrated at 001-tables')

      const tables = await db.introspection.getTables()
      expect(tables.map(({ name }) => name)).toEqual(['audit'])
    })
  })
}

describe.runIf(databases.some(({ name }) => name === 'postgres'))('several processes', () => {
  test('R210 several that start at once migrate one after the other', async () => {
    const url = (await databases.find(({ name }) => name === 'postgres')?.open()) ?? ''
    const starting = Array.from({ length: 5 }, () => connectTestDatabase(url))

    await Promise.all(starting.map((db) => migrate(db, Date.now())))

    const [db] = starting
    expect(await db?.selectFrom('space').select('id').execute()).toEqual([{ id: 'root' }])
  })
})

test('S42 the SQLite files are their owner’s alone', async () => {
  const url = (await databases[0]?.open()) ?? ''
  const db = connectTestDatabase(url)
  await migrate(db, Date.now())
  const file = url.replace('sqlite:', '')

  const modes = [file, `${file}-wal`, `${file}-shm`].map((each) => (statSync(each).mode & 0o777).toString(8))

  expect(isPostgres(db)).toBe(false)
  expect(modes).toEqual(['600', '600', '600'])
})
