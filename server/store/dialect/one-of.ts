import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { type HasAdapter, isPostgres } from './kind.ts'

/**
 * Whether a column holds one of the values, as one parameter however many there are: a statement has a limit of
 * parameters, 32,766 on SQLite. The column is text, or a row id that is compared as text.
 */
export function isOneOf(db: HasAdapter, column: string, values: Iterable<string>): RawBuilder<SqlBool> {
  const list = [...values]
  return isPostgres(db)
    ? sql<SqlBool>`${sql.ref(column)} = any(${list}::text[])`
    : sql<SqlBool>`${sql.ref(column)} in (select value from json_each(${JSON.stringify(list)}))`
}
