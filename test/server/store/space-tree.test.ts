import { describe, expect, test } from 'vitest'
import { inWriteTransaction } from '../../../server/store/dialect/transactions.ts'
import { readSpaceTree } from '../../../server/store/space-tree.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases } from '../../support/databases.ts'
import { connectTestDatabase, openTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'
import { watchDatabase } from '../../support/watched-database.ts'

async function insertSpace(db: Database, id: string, parentId = 'root'): Promise<void> {
  const row = { id, name: id, parent_id: parentId, inherit_entities: 1, labels: '[]', description: '', created_at: 0 }
  await db
    .insertInto('space')
    .values({ ...row, inherit_entities: 1 })
    .execute()
}

class Undone extends Error {}

for (const database of databases) {
  describe(database.name, () => {
    test('F20 the tree of spaces is read once, and by one short statement after that', async () => {
      const { db, statements } = watchDatabase(await openTestDatabase(database), () => undefined)

      const first = await readSpaceTree(db)
      const before = statements()
      const second = await readSpaceTree(db)

      expect(second).toBe(first)
      expect(statements() - before).toBe(1)
    })

    test('F20 R20 another process sees at once that a space came, moved, changed its inheritance or went', async () => {
      const url = await openTestDatabaseUrl(database)
      const [one, other] = [connectTestDatabase(url), connectTestDatabase(url)]
      const seen = async () =>
        [...(await readSpaceTree(one)).values()]
          .filter(({ id }) => id !== 'root')
          .map(({ id, parentId, inheritEntities }) => `${id} in ${parentId}${inheritEntities ? '' : ', alone'}`)

      expect(await seen()).toEqual([])
      await insertSpace(other, 'a')
      await insertSpace(other, 'b')
      expect(await seen()).toEqual(['a in root', 'b in root'])
      await other.updateTable('space').set({ parent_id: 'a' }).where('id', '=', 'b').execute()
      expect(await seen()).toEqual(['a in root', 'b in a'])
      await other.updateTable('space').set({ inherit_entities: 0 }).where('id', '=', 'b').execute()
      expect(await seen()).toEqual(['a in root', 'b in a, alone'])
      await other.deleteFrom('space').where('id', '=', 'b').execute()
      expect(await seen()).toEqual(['a in root'])
    })

    test('F20 a transaction sees its own change, and nobody sees one that was rolled back', async () => {
      const db = await openTestDatabase(database)
      const namesIn = async (at: Database) => [...(await readSpaceTree(at)).keys()]

      const undone = inWriteTransaction(db, async (transaction) => {
        await insertSpace(transaction, 'never')
        expect(await namesIn(transaction)).toEqual(['never', 'root'])
        throw new Undone()
      })

      await expect(undone).rejects.toThrow(Undone)
      expect(await namesIn(db)).toEqual(['root'])
      await insertSpace(db, 'later')
      expect(await namesIn(db)).toEqual(['later', 'root'])
    })

    test('F20 a change of a name, or the lock that every write takes, leaves the tree as it is known', async () => {
      const db = await openTestDatabase(database)
      const first = await readSpaceTree(db)

      await db
        .updateTable('space')
        .set((eb) => ({ id: eb.ref('id'), name: 'another' }))
        .where('id', '=', 'root')
        .execute()

      expect(await readSpaceTree(db)).toBe(first)
    })
  })
}
