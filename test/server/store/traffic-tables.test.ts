import { describe, expect, test } from 'vitest'
import { databases } from '../../support/databases.ts'
import { openTestDatabase } from '../../support/server-database.ts'

const traffic = ['delivery', 'delivery_key', 'body_key', 'run', 'build_status', 'registration']

for (const database of databases) {
  describe(database.name, () => {
    test('L30 every row that grows with traffic says which integration it belongs to', async () => {
      const db = await openTestDatabase(database)

      const tables = await db.introspection.getTables()

      const columnOf = new Map(
        tables.map(({ name, columns }) => [name, columns.find((column) => column.name === 'integration_id')]),
      )
      for (const table of traffic) expect(columnOf.get(table), table).toMatchObject({ isNullable: false })
    })
  })
}
