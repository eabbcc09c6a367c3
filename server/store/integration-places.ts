import { isOneOf } from './dialect/one-of.ts'
import type { Database } from './tables.ts'

/** Where an integration lives: what decides who sees it. */
export interface IntegrationPlaceRow {
  readonly id: string
  readonly slug: string
  readonly space_id: string
  readonly is_default: 0 | 1
}

/** Those of the integrations that exist. */
export function listIntegrationPlaces(db: Database, slugs: readonly string[]): Promise<IntegrationPlaceRow[]> {
  if (slugs.length === 0) return Promise.resolve([])
  return db
    .selectFrom('integration')
    .select(['id', 'slug', 'space_id', 'is_default'])
    .where(isOneOf(db, 'slug', slugs))
    .execute()
}
