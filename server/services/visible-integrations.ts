import { Problem } from '../../schemas/problem.ts'
import { authoriseIntegration, type Caller, type SpaceTree } from '../core/authorise.ts'
import { type IntegrationPlaceRow, listIntegrationPlaces } from '../store/integration-places.ts'
import type { Database } from '../store/tables.ts'
import { placeOf } from './integration-view.ts'

/** Those of the integrations that exist and that the caller may see, by slug. */
export async function visibleIntegrations(
  db: Database,
  caller: Caller,
  tree: SpaceTree,
  slugs: readonly string[],
): Promise<ReadonlyMap<string, IntegrationPlaceRow>> {
  const places = await listIntegrationPlaces(db, [...new Set(slugs)])
  const visible = places.filter(
    (place) => authoriseIntegration(caller, 'see-integrations', placeOf(place), tree) === 'allowed',
  )
  return new Map(visible.map((place) => [place.slug, place]))
}

/** The same, all of them: one that is absent or hidden is refused where the request names it (S21). */
export async function requireIntegrations(
  db: Database,
  caller: Caller,
  tree: SpaceTree,
  named: readonly { readonly slug: string; readonly pointer: string }[],
): Promise<ReadonlyMap<string, IntegrationPlaceRow>> {
  const visible = await visibleIntegrations(
    db,
    caller,
    tree,
    named.map(({ slug }) => slug),
  )
  const errors = named
    .filter(({ slug }) => !visible.has(slug))
    .map(({ slug, pointer }) => ({ pointer, detail: `There is no integration with the id "${slug}".` }))
  const [first] = errors
  if (first) throw new Problem('integration_not_found', first.detail, { errors })
  return visible
}
