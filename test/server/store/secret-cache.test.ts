import { describe, expect, test } from 'vitest'
import { createSealer } from '../../../server/core/sealer.ts'
import { SecretCache } from '../../../server/store/secret-cache.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases } from '../../support/databases.ts'
import { insertIntegration, insertSecret, testSealingKey } from '../../support/receiver.ts'
import { openTestDatabase } from '../../support/server-database.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('R36 what another process changed is seen after two seconds', async () => {
      const { db, cache, clock } = await setUp()
      const { id } = await insertIntegration(db, 'acme')
      await cache.load('acme')
      await insertSecret(db, id, 2, 'the second', null)

      clock.time += 1_999
      expect(cache.peek('acme')?.secrets).toHaveLength(1)
      clock.time += 1
      expect(cache.peek('acme')).toBeUndefined()

      const target = await cache.load('acme')
      expect(target?.secrets.map(({ version }) => version)).toEqual([2, 1])
    })

    test('R36 what this process changed is seen at once, even by a reading under way', async () => {
      const { db, cache } = await setUp()
      const { id } = await insertIntegration(db, 'acme')

      const reading = cache.load('acme')
      cache.invalidate('acme')
      await reading
      expect(cache.peek('acme')).toBeUndefined()

      await cache.load('acme')
      await db.deleteFrom('integration').where('id', '=', id).execute()
      cache.invalidate('acme')
      expect(await cache.load('acme')).toBeUndefined()
    })

    test('a clock that was set back makes nothing last longer', async () => {
      const { db, cache, clock } = await setUp()
      await insertIntegration(db, 'acme')
      await cache.load('acme')

      clock.time -= 3_600_000

      expect(cache.peek('acme')).toBeUndefined()
    })

    test('those in use are read along with the first that is too old, the others are not', async () => {
      const { db, cache, clock } = await setUp()
      for (const slug of ['asked', 'used', 'idle']) {
        await insertIntegration(db, slug)
        await cache.load(slug)
      }
      cache.peek('used')
      clock.time += 2_000

      await cache.load('asked')

      expect(cache.peek('used')).toBeDefined()
      expect(cache.peek('idle')).toBeUndefined()
    })

    test('S41 a secret that cannot be opened stops its own integration alone', async () => {
      const { db, cache, clock } = await setUp()
      const { id } = await insertIntegration(db, 'broken')
      await insertIntegration(db, 'sound')
      await cache.load('broken')
      await cache.load('sound')
      cache.peek('broken')
      await db.updateTable('webhook_secret').set({ secret: 'moved here' }).where('integration_id', '=', id).execute()
      clock.time += 2_000

      expect((await cache.load('sound'))?.secrets).toHaveLength(1)
      await expect(cache.load('broken')).rejects.toThrow('webhook_secret.secret')
    })

    async function setUp(): Promise<{ db: Database; cache: SecretCache; clock: { time: number } }> {
      const db = await openTestDatabase(database)
      const clock = { time: Date.now(), now: () => clock.time }
      return { db, clock, cache: new SecretCache(db, createSealer({ current: testSealingKey, old: [] }), clock) }
    }
  })
}
