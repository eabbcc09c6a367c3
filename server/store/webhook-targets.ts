import type { Page } from '../../schemas/page.ts'
import type { IntegrationScope } from '../core/authorise.ts'
import { readPage } from './keyset-page.ts'
import type { StackKindName } from './stacks.ts'
import type { Database, Tables } from './tables.ts'
import { isIntegrationInScope } from './visible.ts'

export interface TargetFilter {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly integrationId?: string | undefined
  readonly scope: IntegrationScope
}

/** A repository with attached stacks, of one integration (R140). */
export interface TargetRow {
  readonly integration_id: string
  readonly slug: string
  readonly name: string
  readonly api_host: string
  readonly repository_key: string
  readonly project_key: string
  readonly repository_slug: string
  readonly repository_id: number | null
}

export interface TargetStackRow {
  readonly integration_id: string
  readonly repository_key: string
  readonly kind: StackKindName
  readonly slug: string
}

/** Lists each repository with attached stacks once per integration, by integration and repository. */
export function listTargetRows(db: Database, filter: TargetFilter): Promise<Page<TargetRow>> {
  const { integrationId, scope } = filter
  return readPage(
    'webhook-targets',
    filter,
    (row) => [row.integration_id, row.repository_key],
    (after, limit) => {
      const [afterIntegration = '', afterRepository = ''] = after ?? []
      return db
        .selectFrom('stack')
        .innerJoin('integration', 'integration.id', 'stack.integration_id')
        .select(['integration.id as integration_id', 'integration.slug', 'integration.name', 'integration.api_host'])
        .select((eb) => eb.ref('stack.repository_key').$notNull().as('repository_key'))
        .select((eb) => [
          eb.fn.min('stack.project_key').$notNull().as('project_key'),
          eb.fn.min('stack.repository_slug').$notNull().as('repository_slug'),
          eb.fn.max('stack.repository_id').as('repository_id'),
        ])
        .where('stack.repository_key', 'is not', null)
        .where(isIntegrationInScope(db, scope))
        .$if(integrationId !== undefined, (query) => query.where('integration.slug', '=', integrationId ?? ''))
        .$if(after !== undefined, (query) =>
          query.where((eb) =>
            eb.or([
              eb('integration.id', '>', afterIntegration),
              eb.and([eb('integration.id', '=', afterIntegration), eb('stack.repository_key', '>', afterRepository)]),
            ]),
          ),
        )
        .groupBy([
          'integration.id',
          'integration.slug',
          'integration.name',
          'integration.api_host',
          'stack.repository_key',
        ])
        .orderBy('integration.id')
        .orderBy('stack.repository_key')
        .limit(limit)
        .execute()
    },
  )
}

/** The stacks of those repositories, in one statement; it may give some of other integrations' equal repositories. */
export function listTargetStacks(db: Database, targets: readonly TargetRow[]): Promise<TargetStackRow[]> {
  if (targets.length === 0) return Promise.resolve([])
  return db
    .selectFrom('stack')
    .select((eb) => [
      eb.ref('integration_id').$notNull().as('integration_id'),
      eb.ref('repository_key').$notNull().as('repository_key'),
      'kind',
      'slug',
    ])
    .where('integration_id', 'in', distinct(targets, 'integration_id'))
    .where('repository_key', 'in', distinct(targets, 'repository_key'))
    .orderBy('slug')
    .execute()
}

export type TargetRegistrationRow = Pick<
  Tables['registration'],
  'integration_id' | 'project_key' | 'repository_slug' | 'repository_id' | 'webhook_id' | 'managed_by'
>

/** What is registered for those repositories, by their numeric ids or, where none is known, by their names. */
export function listTargetRegistrations(db: Database, targets: readonly TargetRow[]): Promise<TargetRegistrationRow[]> {
  if (targets.length === 0) return Promise.resolve([])
  const repositoryIds = targets.flatMap(({ repository_id }) => (repository_id === null ? [] : [repository_id]))
  return db
    .selectFrom('registration')
    .select(['integration_id', 'project_key', 'repository_slug', 'repository_id', 'webhook_id', 'managed_by'])
    .where('integration_id', 'in', distinct(targets, 'integration_id'))
    .where((eb) =>
      eb.or([
        eb('repository_id', 'in', [...repositoryIds, -1]),
        eb('repository_slug', 'in', distinct(targets, 'repository_slug')),
      ]),
    )
    .execute()
}

function distinct<Key extends 'integration_id' | 'repository_key' | 'repository_slug'>(
  targets: readonly TargetRow[],
  key: Key,
): string[] {
  return [...new Set(targets.map((target) => target[key]))]
}
