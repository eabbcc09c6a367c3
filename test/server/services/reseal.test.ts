import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createSealer } from '../../../server/core/sealer.ts'
import { openSealer } from '../../../server/encryption-key.ts'
import { countKeys, resealAll } from '../../../server/services/reseal.ts'
import { recordAudit } from '../../../server/store/audit.ts'
import { openAuditKey } from '../../../server/store/audit-key.ts'
import { verifyAudit } from '../../../server/store/audit-verify.ts'
import { databases } from '../../support/databases.ts'
import { insertSealedIntegrations } from '../../support/sealed-rows.ts'
import { openTestDatabase } from '../../support/server-database.ts'

async function openScene(database: (typeof databases)[number], integrations: number) {
  const db = await openTestDatabase(database)
  const [oldKey, newKey] = [randomBytes(32), randomBytes(32)]
  const before = createSealer({ current: oldKey, old: [] })
  await openSealer(db, { current: oldKey, old: [] })
  await openAuditKey(db, before)
  await recordAudit(db, 1, [{ actor: 'server', action: 'x', object: 'y' }])
  const ids = await insertSealedIntegrations(db, before, integrations)
  const sealer = createSealer({ current: newKey, old: [oldKey] })
  const newest = createSealer({ current: newKey, old: [] })
  const progress: number[] = []
  const deps = { db, sealer, newest, onProgress: (resealed: number) => void progress.push(resealed) }
  return { db, before, ids, deps, newest, progress, newKey, oldKey }
}

for (const database of databases) {
  describe(database.name, () => {
    test('S43 everything is sealed with the new key, opens with it alone, and says the same as before', async () => {
      const { db, before, ids, deps, newest, progress, newKey, oldKey } = await openScene(database, 150)
      expect([...(await countKeys(db)).keys()]).toEqual([before.keyId])

      const outcome = await resealAll(deps)

      expect(outcome).toEqual({ resealed: 302, verified: 302, unopened: [], stillOld: 0 })
      expect(progress).toEqual([2, 102, 152, 252, 302])
      const counts = await countKeys(db)
      expect([...counts.keys()]).toEqual([newest.keyId])
      expect(Object.fromEntries(counts.get(newest.keyId) ?? [])).toEqual({
        'setting.value': 2,
        'integration.access_token': 150,
        'webhook_secret.secret': 150,
      })
      const row = await db
        .selectFrom('integration')
        .select('access_token')
        .where('id', '=', ids[149] ?? '')
        .executeTakeFirstOrThrow()
      const identity = { table: 'integration', id: ids[149] ?? '', column: 'access_token' }
      expect(newest.open(identity, row.access_token)).toBe('token 149')
      await openSealer(db, { current: newKey, old: [] })
      await expect(openSealer(db, { current: oldKey, old: [] })).rejects.toThrow(newest.keyId)
      expect(await resealAll(deps)).toEqual({ resealed: 0, verified: 302, unopened: [], stillOld: 0 })
    })

    test('S71 S43 the audit log verifies after a rotation, and goes on with the same chain', async () => {
      const { db, deps, newest } = await openScene(database, 1)

      await resealAll(deps)
      const key = await openAuditKey(db, newest)
      await recordAudit(db, 2, [{ actor: 'server', action: 'x', object: 'z' }])

      expect(await verifyAudit(db, key)).toMatchObject({ fault: undefined, head: { sequence: 2 } })
    })

    test('S43 a value that no key opens is named, stays as it is, and stops nothing else', async () => {
      const { db, ids, deps } = await openScene(database, 3)
      const [broken = '', sealedElsewhere = ''] = ids
      const foreign = createSealer({ current: randomBytes(32), old: [] })
      const sealed = foreign.seal({ table: 'integration', id: sealedElsewhere, column: 'access_token' }, 'foreign')
      await db.updateTable('integration').set({ access_token: 'nonsense' }).where('id', '=', broken).execute()
      await db.updateTable('integration').set({ access_token: sealed }).where('id', '=', sealedElsewhere).execute()

      const outcome = await resealAll(deps)

      expect(outcome).toMatchObject({ resealed: 6, verified: 6, stillOld: 0 })
      expect([...outcome.unopened].sort()).toEqual([
        expect.stringContaining(`integration.access_token, row ${broken}`),
        expect.stringContaining(foreign.keyId),
      ])
      expect(outcome.unopened.join()).not.toContain('nonsense')
      const kept = await db
        .selectFrom('integration')
        .select('access_token')
        .where('id', 'in', ids.slice(0, 2))
        .execute()
      expect(kept.map((row) => row.access_token).sort()).toEqual(['nonsense', sealed].sort())
    })

    test('S43 a value that was moved to another row is named, also where the new key sealed it', async () => {
      const { db, ids, deps, newest } = await openScene(database, 2)
      const [from = '', to = ''] = ids
      const sealed = newest.seal({ table: 'integration', id: from, column: 'access_token' }, 'moved')
      await db.updateTable('integration').set({ access_token: sealed }).where('id', '=', to).execute()

      const outcome = await resealAll(deps)

      expect(outcome).toMatchObject({ verified: 5, stillOld: 0 })
      expect(outcome.unopened).toEqual([expect.stringContaining(`row ${to}, does not belong to this row`)])
    })

    test('S43 a server that goes on sealing with the old key is noticed', async () => {
      const { db, before, ids, deps } = await openScene(database, 2)
      const [id = ''] = ids
      const sealOld = () =>
        db
          .updateTable('integration')
          .set({ access_token: before.seal({ table: 'integration', id, column: 'access_token' }, 'again') })
          .where('id', '=', id)
          .execute()

      const outcome = await resealAll({
        ...deps,
        onProgress: async () => {
          await sealOld()
        },
      })

      expect(outcome.stillOld).toBe(1)
      expect(outcome.unopened).toEqual([])
    })
  })
}
