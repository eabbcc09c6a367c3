import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createSealer, type SealedIdentity, type Sealer } from '../../../server/core/sealer.ts'
import { openSealer } from '../../../server/encryption-key.ts'
import { openAuditKey } from '../../../server/store/audit-key.ts'
import {
  identityOf,
  listSealedValues,
  replaceSealedValue,
  sealedColumns,
} from '../../../server/store/sealed-columns.ts'
import { databases } from '../../support/databases.ts'
import { insertSealedIntegrations } from '../../support/sealed-rows.ts'
import { openTestDatabase } from '../../support/server-database.ts'

const tokens = { table: 'integration', id: 'id', column: 'access_token' }

/** The columns that the table types call `Sealed`, as `table.column`. */
function findSealedColumns(source: string): string[] {
  const tables = [...source.matchAll(/^ {2}readonly (\w+): (\w+Table)$/gm)]
  return tables.flatMap(([, table, type]) => {
    const [, body = ''] = new RegExp(`^interface ${type} \\{\n([^]*?)^\\}`, 'm').exec(source) ?? []
    return [...body.matchAll(/^ {2}(\w+)\??: Sealed\b/gm)].map(([, column]) => `${table}.${column}`)
  })
}

function opens(sealer: Sealer, identity: SealedIdentity, sealed: string): boolean {
  try {
    sealer.open(identity, sealed)
    return true
  } catch {
    return false
  }
}

test('S43 every sealed column of the tables is in the list of what is sealed anew', () => {
  const source = readFileSync('server/store/tables.ts', 'utf8')

  const found = findSealedColumns(source)

  expect(found).toContain('webhook_secret.secret')
  expect(found.length).toBe([...source.matchAll(/: Sealed\b/g)].length)
  const listed = sealedColumns.map(({ table, column }) => `${table}.${column}`)
  expect(found.filter((column) => !listed.includes(column))).toEqual([])
})

for (const database of databases) {
  describe(database.name, () => {
    test('S43 a value that was changed since it was read is not overwritten', async () => {
      const db = await openTestDatabase(database)
      const sealer = createSealer({ current: randomBytes(32), old: [] })
      await insertSealedIntegrations(db, sealer, 1)
      const [read] = await listSealedValues(db, tokens, { after: undefined, limit: 10 })
      if (!read) throw new Error('There is no value.')
      const changed = sealer.seal({ ...tokens, id: read.id }, 'changed')
      await db.updateTable('integration').set({ access_token: changed }).execute()

      const isWritten = await replaceSealedValue(db, tokens, read, 'anew')

      expect(isWritten).toBe(false)
      expect(await db.selectFrom('integration').select('access_token').execute()).toEqual([{ access_token: changed }])
      expect(await replaceSealedValue(db, tokens, { id: read.id, sealed: changed }, 'anew')).toBe(true)
    })

    test('S41 of every two sealed values neither opens in the place of the other', async () => {
      const db = await openTestDatabase(database)
      const keys = { current: randomBytes(32), old: [] }
      const sealer = await openSealer(db, keys)
      await openAuditKey(db, sealer)
      const ids = await insertSealedIntegrations(db, sealer, 3)
      for (const id of ids) {
        const sealed = sealer.seal({ table: 'integration', id, column: 'administration_token' }, 'administration')
        await db.updateTable('integration').set({ administration_token: sealed }).where('id', '=', id).execute()
      }
      const all = await Promise.all(
        sealedColumns.map(async (place) => {
          const values = await listSealedValues(db, place, { after: undefined, limit: 100 })
          return values.map((value) => ({ identity: identityOf(place, value), sealed: value.sealed }))
        }),
      )
      const values = all.flat()

      const opening = values.flatMap(({ identity }, here) =>
        values.filter(({ sealed }, there) => opens(sealer, identity, sealed) !== (here === there)),
      )

      expect(opening).toEqual([])
      expect(new Set(values.map(({ identity }) => `${identity.table}.${identity.column}`)).size).toBe(
        new Set(sealedColumns.map(({ table, column }) => `${table}.${column}`)).size,
      )
    })

    test('S43 every place in the list is read, in slices', async () => {
      const db = await openTestDatabase(database)
      const sealer = createSealer({ current: randomBytes(32), old: [] })
      const ids = await insertSealedIntegrations(db, sealer, 5)

      const slices = []
      let after: string | undefined
      do {
        const slice = await listSealedValues(db, tokens, { after, limit: 2 })
        slices.push(slice.map(({ id }) => id))
        after = slice.at(-1)?.id
      } while (after !== undefined)

      expect(slices.map((slice) => slice.length)).toEqual([2, 2, 1, 0])
      expect(slices.flat().sort()).toEqual([...ids].sort())
      expect(await listSealedValues(db, tokens, { after: undefined, limit: 9, besides: sealer.keyId })).toEqual([])
      for (const place of sealedColumns) {
        expect(Array.isArray(await listSealedValues(db, place, { after: undefined, limit: 1 }))).toBe(true)
      }
    })
  })
}
