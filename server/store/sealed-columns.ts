import { sql } from 'kysely'
import type { SealedIdentity } from '../core/sealer.ts'
import type { Database } from './tables.ts'

/** A column of sealed values: what a rotation of the encryption key seals anew (S43). */
export interface SealedColumn {
  readonly table: string
  /** The column whose value stands as `id` in the sealed value's identity; unique, and never changes. */
  readonly id: string
  readonly column: string
  /** The only rows whose value is sealed; absent: all. */
  readonly only?: readonly string[]
}

/**
 * Every column that `tables.ts` calls `Sealed`, and the sealed settings. The identity of a value is its table, id and
 * column, without a version. Whoever writes a value back that he only read holds `lockSpaces` from his reading on:
 * else he could undo what a rotation wrote in between.
 */
export const sealedColumns: readonly SealedColumn[] = [
  { table: 'setting', id: 'key', column: 'value', only: ['sealing_canary', 'audit_key'] },
  { table: 'integration', id: 'id', column: 'access_token' },
  { table: 'integration', id: 'id', column: 'administration_token' },
  { table: 'webhook_secret', id: 'id', column: 'secret' },
]

export interface SealedValue {
  readonly id: string
  readonly sealed: string
}

export function identityOf({ table, column }: SealedColumn, { id }: SealedValue): SealedIdentity {
  return { table, id, column }
}

/** Lists values in the order of their ids, after `after`; with `besides`, only those that another key sealed. */
export async function listSealedValues(
  db: Database,
  place: SealedColumn,
  { after, limit, besides }: { readonly after: string | undefined; readonly limit: number; readonly besides?: string },
): Promise<SealedValue[]> {
  const { id, column, table } = refs(place)
  const { rows } = await sql<SealedValue>`
    select ${id} as id, ${column} as sealed from ${table}
    where ${filled(place)}
      ${after === undefined ? sql`` : sql`and ${id} > ${after}`}
      ${besides === undefined ? sql`` : sql`and substr(${column}, 4, 16) <> ${besides}`}
    order by ${id} limit ${sql.lit(limit)}`.execute(db)
  return rows
}

/** Writes a value sealed anew, unless the row has another than the one that was read, or is gone. */
export async function replaceSealedValue(
  db: Database,
  place: SealedColumn,
  { id, sealed }: SealedValue,
  anew: string,
): Promise<boolean> {
  const names = refs(place)
  const { numAffectedRows } = await sql`
    update ${names.table} set ${names.column} = ${anew}
    where ${names.id} = ${id} and ${names.column} = ${sealed}`.execute(db)
  return numAffectedRows === 1n
}

/** How many values of the column each key sealed, by the key's id. */
export async function countSealedValues(db: Database, place: SealedColumn): Promise<Map<string, number>> {
  const { column, table } = refs(place)
  const { rows } = await sql<{ key_id: string; count: number }>`
    select substr(${column}, 4, 16) as key_id, count(*) as count from ${table}
    where ${filled(place)} group by substr(${column}, 4, 16)`.execute(db)
  return new Map(rows.map(({ key_id, count }) => [key_id, Number(count)]))
}

function refs({ table, id, column }: SealedColumn) {
  return { table: sql.table(table), id: sql.ref(id), column: sql.ref(column) }
}

function filled(place: SealedColumn) {
  const { id, column } = refs(place)
  const some = place.only && sql`and ${id} in (${sql.join(place.only)})`
  return sql`${column} is not null and ${column} <> '' ${some ?? sql``}`
}
