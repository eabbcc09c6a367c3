import { describe, expect, test } from 'vitest'
import { uuidv7 } from '../../../server/core/uuid-v7.ts'
import { inWriteTransaction } from '../../../server/store/dialect/transactions.ts'
import { isUniqueViolation } from '../../../server/store/dialect/unique-violation.ts'
import { makeRuns, type PlannedRun, StackMovedError } from '../../../server/store/runs.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { insertStack, listRunLines, type TestStack } from '../../support/processing.ts'
import { insertIntegration } from '../../support/receiver.ts'
import { openTestDatabase } from '../../support/server-database.ts'

const repository = { id: 7, key: 'K', slug: 'r' }

async function setUp(database: TestDatabase) {
  const db = await openTestDatabase(database)
  const { id } = await insertIntegration(db, 'mine')
  const stack = await insertStack(db, { slug: 'one', integrationId: id, repository })
  return { db, integrationId: id, stack }
}

function tracked(stack: TestStack, commit: string, expectedHead: string | null): PlannedRun {
  const deliveryId = uuidv7(Date.now())
  const runKey = `tracked:${deliveryId}:${commit}`
  return {
    deliveryId,
    stackId: stack.id,
    stackKind: 'stack',
    stackSlug: stack.slug,
    type: 'TRACKED',
    commit,
    branch: 'main',
    runKey,
    expectedHead,
  }
}

function proposed(stack: TestStack, commit: string): PlannedRun {
  return { ...tracked(stack, commit, null), type: 'PROPOSED', runKey: `proposed:${commit}` }
}

function make(db: Database, integrationId: string, runs: readonly PlannedRun[]) {
  return inWriteTransaction(db, (transaction) => makeRuns(transaction, integrationId, () => 7, runs, Date.now()))
}

for (const database of databases) {
  describe(database.name, () => {
    test('R62 twenty transactions for the same commit make one tracked and one proposed run', async () => {
      const { db, integrationId, stack } = await setUp(database)

      const made = await Promise.all(
        Array.from({ length: 20 }, () => make(db, integrationId, [tracked(stack, 'a', null), proposed(stack, 'b')])),
      )

      expect(
        made
          .flat()
          .map(({ type }) => type)
          .sort(),
      ).toEqual(['PROPOSED', 'TRACKED'])
      expect((await listRunLines(db)).sort()).toEqual(['PROPOSED one READY b', 'TRACKED one READY a'])
    })

    test('R62 a plan that rests on another head is refused whole', async () => {
      const { db, integrationId, stack } = await setUp(database)
      await make(db, integrationId, [tracked(stack, 'a', null)])

      const planned = [proposed(stack, 'x'), tracked(stack, 'b', null)]

      await expect(make(db, integrationId, planned)).rejects.toThrow(StackMovedError)
      expect(await listRunLines(db)).toEqual(['TRACKED one READY a'])
    })

    test('R64 runs made together keep their order: the first is READY, the others wait', async () => {
      const { db, integrationId, stack } = await setUp(database)

      await make(db, integrationId, [tracked(stack, 'a', null), tracked(stack, 'b', 'a'), tracked(stack, 'c', 'b')])

      expect(await listRunLines(db)).toEqual(['TRACKED one READY a', 'TRACKED one QUEUED b', 'TRACKED one QUEUED c'])
      const row = await db.selectFrom('stack').select('head_commit').executeTakeFirst()
      expect(row?.head_commit).toBe('c')
    })

    test('R64 a run that is over lets the next one be READY', async () => {
      const { db, integrationId, stack } = await setUp(database)
      await make(db, integrationId, [tracked(stack, 'a', null)])
      await db.updateTable('run').set({ state: 'FAILED' }).execute()

      await make(db, integrationId, [tracked(stack, 'b', 'a')])

      expect(await listRunLines(db)).toEqual(['TRACKED one FAILED a', 'TRACKED one READY b'])
    })

    test('R64 the database itself refuses a second tracked run past QUEUED', async () => {
      const { db, integrationId, stack } = await setUp(database)
      await make(db, integrationId, [tracked(stack, 'a', null), tracked(stack, 'b', 'a')])

      const both = await db
        .updateTable('run')
        .set({ state: 'READY' })
        .execute()
        .catch((error: unknown) => error)

      expect(isUniqueViolation(both, 'run_tracked')).toBe(true)
    })

    test.for([
      { name: 'R80 a detached stack', change: { detached: 1, integration_id: null } as const },
      { name: 'R47 a stack that follows another repository by now', change: { repository_id: 8 } as const },
    ])('$name gets no run, and its head stays', async ({ change }) => {
      const { db, integrationId, stack } = await setUp(database)
      await db.updateTable('stack').set(change).execute()

      const made = await make(db, integrationId, [tracked(stack, 'a', null), proposed(stack, 'b')])

      expect(made).toEqual([])
      expect(await listRunLines(db)).toEqual([])
      const row = await db.selectFrom('stack').select('head_commit').executeTakeFirst()
      expect(row?.head_commit).toBeNull()
    })

    test('L3 a stack deleted meanwhile is passed over', async () => {
      const { db, integrationId, stack } = await setUp(database)
      const other = await insertStack(db, { slug: 'two', integrationId, repository })
      await db.deleteFrom('stack').where('id', '=', stack.id).execute()

      await make(db, integrationId, [proposed(stack, 'a'), proposed(other, 'a')])

      expect(await listRunLines(db)).toEqual(['PROPOSED two READY a'])
    })
  })
}
