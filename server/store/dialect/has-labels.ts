import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { LabelFilter } from '../../../schemas/page.ts'
import { type HasAdapter, isPostgres } from './kind.ts'

/**
 * Whether a `Json` column of labels holds at least one of `anyLabel`, and every one of `allLabels`; what is absent asks
 * for nothing. It is one condition with one parameter for each list, and reads only the rows that the other conditions
 * leave.
 */
export function hasLabels(db: HasAdapter, column: string, { anyLabel, allLabels }: LabelFilter): RawBuilder<SqlBool> {
  const hasAny = anyLabel === undefined ? sql<SqlBool>`1 = 1` : hasAnyOf(db, column, anyLabel)
  const hasAll = allLabels === undefined ? sql<SqlBool>`1 = 1` : hasAllOf(db, column, allLabels)
  return sql<SqlBool>`(${hasAny} and ${hasAll})`
}

function hasAnyOf(db: HasAdapter, column: string, labels: readonly string[]): RawBuilder<SqlBool> {
  if (isPostgres(db)) return sql<SqlBool>`${sql.ref(column)}::jsonb ?| ${[...labels]}::text[]`
  return sql<SqlBool>`exists (select 1 from json_each(${sql.ref(column)}) as own
    where own.value in (select value from json_each(${JSON.stringify(labels)})))`
}

function hasAllOf(db: HasAdapter, column: string, labels: readonly string[]): RawBuilder<SqlBool> {
  if (isPostgres(db)) return sql<SqlBool>`${sql.ref(column)}::jsonb ?& ${[...labels]}::text[]`
  return sql<SqlBool>`not exists (select 1 from json_each(${JSON.stringify(labels)}) as wanted
    where wanted.value not in (select value from json_each(${sql.ref(column)})))`
}
