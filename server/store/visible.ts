import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { IntegrationScope, SpaceScope } from '../core/authorise.ts'
import { isOneOf } from './dialect/one-of.ts'
import type { Database } from './tables.ts'

/** Whether a row of this space is within the scope; part of a list's statement, so that pages and counts leave out what is hidden (S21). */
export function isInSpaces(db: Database, spaces: SpaceScope, spaceColumn: string): RawBuilder<SqlBool> {
  return spaces === 'all' ? sql<SqlBool>`1 = 1` : isOneOf(db, spaceColumn, spaces)
}

/** Whether the row of the table `integration` is within the scope (R25). */
export function isIntegrationInScope(db: Database, scope: IntegrationScope): RawBuilder<SqlBool> {
  const inSpace = isInSpaces(db, scope.spaces, 'integration.space_id')
  const isVisible = scope.defaults ? sql<SqlBool>`(${inSpace} or ${sql.ref('integration.is_default')} = 1)` : inSpace
  if (scope.slugs === null) return isVisible
  return sql<SqlBool>`(${isVisible} and ${isOneOf(db, 'integration.slug', scope.slugs)})`
}
