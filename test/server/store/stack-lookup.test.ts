import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { affectedRoots } from '../../../schemas/rules/affected-paths.ts'
import { findAffectedStacks, findFollowing } from '../../../server/store/stack-lookup.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases } from '../../support/databases.ts'
import { insertStack } from '../../support/processing.ts'
import { insertIntegration } from '../../support/receiver.ts'
import { openTestDatabase } from '../../support/server-database.ts'
import { watchDatabase } from '../../support/watched-database.ts'

/** Copies the one stack that is there to `count` folders of a monorepo, `s/<n>`. */
async function fillMonorepo(db: Database, count: number): Promise<void> {
  const columns = Object.keys(await db.selectFrom('stack').selectAll().executeTakeFirstOrThrow())
  const isPostgres = db.getExecutor().adapter.constructor.name.startsWith('Postgres')
  const changed: Record<string, ReturnType<typeof sql>> = {
    id: isPostgres
      ? sql.raw(`('00000000-0000-7000-8000-' || lpad('' || n, 12, '0'))::uuid`)
      : sql.raw(`'00000000-0000-7000-8000-' || printf('%012d', n)`),
    slug: sql.raw(`'s' || n`),
    normal_root: sql.raw(`'s/' || n`),
  }
  const selected = columns.map((column) => changed[column] ?? sql.ref(column))
  await sql`insert into stack (${sql.join(columns.map((column) => sql.ref(column)))})
    with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${sql.lit(count)})
    select ${sql.join(selected)} from numbers, (select * from stack limit 1) as model`.execute(db)
  await sql.raw('analyze').execute(db)
}

async function medianMs(act: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 60; round++) {
    const start = performance.now()
    await act()
    times.push(performance.now() - start)
  }
  return times.sort((one, other) => one - other)[30] ?? 0
}

for (const database of databases) {
  describe(database.name, () => {
    test('R60 stacks are found by the folders that changed, of one integration and repository', async () => {
      const db = await openTestDatabase(database)
      const mine = await insertIntegration(db, 'mine')
      const other = await insertIntegration(db, 'other')
      const repository = { id: 7, key: 'K', slug: 'r' }
      const add = (slug: string, integrationId: string, projectRoot: string, branch = 'main', repositoryId = 7) =>
        insertStack(db, { slug, integrationId, projectRoot, branch, repository: { ...repository, id: repositoryId } })
      await add('root', mine.id, '')
      await add('a', mine.id, 'a')
      await add('a-b', mine.id, 'a/b')
      await add('ab', mine.id, 'ab')
      await add('a-other-branch', mine.id, 'a', 'release')
      await add('a-other-integration', other.id, 'a')
      await add('a-other-repository', mine.id, 'a', 'main', 8)

      const roots = affectedRoots(['a/b/c.tf'])
      const found = await findAffectedStacks(db, mine.id, [{ repositoryId: 7, branches: ['main'], roots }])
      const everything = await findAffectedStacks(db, mine.id, [
        { repositoryId: 7, branches: ['main', 'release'], roots: undefined },
        { repositoryId: 8, branches: ['main'], roots: new Set(['a']) },
      ])

      expect(found.map(({ slug }) => slug)).toEqual(['root', 'a', 'a-b'])
      expect(everything.map(({ slug }) => slug)).toEqual([
        'root',
        'a',
        'a-b',
        'ab',
        'a-other-branch',
        'a-other-repository',
      ])
    })

    test('R60 more changed folders than one statement takes are looked up in parts', async () => {
      const db = await openTestDatabase(database)
      const { id } = await insertIntegration(db, 'mine')
      await insertStack(db, {
        slug: 'x',
        integrationId: id,
        projectRoot: 'dir39999',
        repository: { id: 7, key: 'K', slug: 'r' },
      })
      const roots = affectedRoots(Array.from({ length: 40_000 }, (_, index) => `dir${index}/file`))

      const found = await findAffectedStacks(db, id, [{ repositoryId: 7, branches: ['main'], roots }])

      expect(found.map(({ slug }) => slug)).toEqual(['x'])
    })

    test('L22 tracked branches come with whether a stack of theirs cares for a part only', async () => {
      const db = await openTestDatabase(database)
      const { id } = await insertIntegration(db, 'mine')
      const repository = { id: 7, key: 'K', slug: 'r' }
      await insertStack(db, { slug: 'one', integrationId: id, repository })
      await insertStack(db, { slug: 'two', integrationId: id, repository, branch: 'release' })
      await insertStack(db, { slug: 'three', integrationId: id, repository, branch: 'release', projectRoot: 'a' })
      await insertStack(db, { slug: 'four', integrationId: id, repository: { id: null, key: 'New', slug: 'one' } })

      const following = await findFollowing(db, id, [7, 8], ['NEW/one', 'NEW/two'])

      const place = { repositoryId: 7, repositoryKey: 'K/r' }
      expect(following.branches).toEqual([
        { ...place, branch: 'main', hasFiltered: false },
        { ...place, branch: 'release', hasFiltered: true },
      ])
      expect([...following.keysWithoutId]).toEqual(['NEW/one'])
    })

    test('R60 a look-up in a monorepo of 30,000 stacks is hardly slower than in one of 300', {
      timeout: 90_000,
    }, async () => {
      const medians: number[] = []
      for (const count of [300, 30_000]) {
        const db = await openTestDatabase(database)
        const { id } = await insertIntegration(db, 'mine')
        await insertStack(db, {
          slug: 'model',
          integrationId: id,
          projectRoot: 's',
          repository: { id: 7, key: 'K', slug: 'r' },
        })
        await fillMonorepo(db, count)
        const roots = affectedRoots(['s/77/main.tf', 's/88/x/main.tf'])
        const watched = watchDatabase(db, () => undefined)
        const look = async () => {
          await findFollowing(watched.db, id, [7], ['K/r'])
          const found = await findAffectedStacks(watched.db, id, [{ repositoryId: 7, branches: ['main'], roots }])
          expect(found.map(({ slug }) => slug).sort()).toEqual(['model', 's77', 's88'])
        }
        medians.push(await medianMs(look))
        expect(watched.statements()).toBe(120)
      }

      const [small = 0, large = 0] = medians
      // Reading all would be a hundred times slower; the allowance is for a busy machine.
      expect(large / small).toBeLessThan(5)
    })
  })
}
