import type { Insertable, Selectable, Updateable } from 'kysely'
import type { LabelFilter, Page, PageRequest } from '../../schemas/page.ts'
import type { IntegrationScope } from '../core/authorise.ts'
import { hasLabels } from './dialect/has-labels.ts'
import { countAtMost, readPage } from './keyset-page.ts'
import type { Database, Tables } from './tables.ts'
import { isIntegrationInScope } from './visible.ts'

export type IntegrationRow = Selectable<Tables['integration']>
export type WebhookSecretRow = Selectable<Tables['webhook_secret']>

export interface IntegrationFilter extends PageRequest, LabelFilter {
  readonly spaceId?: string | undefined
  readonly isDefault?: boolean | undefined
  readonly scope: IntegrationScope
}

/** Lists integrations by slug. */
export function listIntegrationRows(db: Database, filter: IntegrationFilter): Promise<Page<IntegrationRow>> {
  const { ids, spaceId, isDefault, scope } = filter
  const listed = () =>
    db
      .selectFrom('integration')
      .where(isIntegrationInScope(db, scope))
      .where(hasLabels(db, 'integration.labels', filter))
      .$if(ids !== undefined, (query) => query.where('slug', 'in', ids ?? []))
      .$if(spaceId !== undefined, (query) => query.where('space_id', '=', spaceId ?? ''))
      .$if(isDefault !== undefined, (query) => query.where('is_default', '=', isDefault ? 1 : 0))
  return readPage(
    'integrations',
    filter,
    (row) => [row.slug],
    ([after] = [], limit) =>
      listed()
        .selectAll()
        .$if(after !== undefined, (query) => query.where('slug', '>', after ?? ''))
        .orderBy('slug')
        .limit(limit)
        .execute(),
    (atMost) => countAtMost(db, listed().select('slug'), atMost),
  )
}

export function findIntegrationRow(db: Database, slug: string): Promise<IntegrationRow | undefined> {
  return db.selectFrom('integration').selectAll().where('slug', '=', slug).executeTakeFirst()
}

export function findIntegrationRowById(db: Database, id: string): Promise<IntegrationRow | undefined> {
  return db.selectFrom('integration').selectAll().where('id', '=', id).executeTakeFirst()
}

export function findDefaultIntegrationRow(db: Database): Promise<IntegrationRow | undefined> {
  return db.selectFrom('integration').selectAll().where('is_default', '=', 1).executeTakeFirst()
}

/** The integrations that reach their Bitbucket through the pool. */
export function listIntegrationsOfPool(db: Database, poolId: string): Promise<IntegrationRow[]> {
  return db.selectFrom('integration').selectAll().where('vcs_agent_pool_id', '=', poolId).orderBy('slug').execute()
}

/** Takes a space that is to be deleted out of all repository rules: another of its name must not inherit them (R27b). */
export async function forgetSpaceInRepositoryRules(db: Database, spaceId: string): Promise<void> {
  const rows = await db
    .selectFrom('integration')
    .select(['id', 'repository_access'])
    .where('repository_access', 'like', `%"${spaceId}"%`)
    .execute()
  for (const { id, repository_access } of rows) {
    const rules = JSON.parse(repository_access ?? '[]') as { readonly spaceId: string }[]
    const left = JSON.stringify(rules.filter((rule) => rule.spaceId !== spaceId))
    await db.updateTable('integration').set({ repository_access: left }).where('id', '=', id).execute()
  }
}

export async function insertIntegration(
  db: Database,
  row: Insertable<Tables['integration']>,
  secret: Insertable<Tables['webhook_secret']>,
): Promise<void> {
  await db.insertInto('integration').values(row).execute()
  await db.insertInto('webhook_secret').values(secret).execute()
}

export async function updateIntegrationRow(
  db: Database,
  id: string,
  change: Updateable<Tables['integration']>,
): Promise<void> {
  await db.updateTable('integration').set(change).where('id', '=', id).execute()
}

/** Deletes the integration and its secrets; its deliveries, runs and registrations stay (R145). */
export async function deleteIntegrationRow(db: Database, id: string): Promise<void> {
  await db.deleteFrom('webhook_secret').where('integration_id', '=', id).execute()
  await db.deleteFrom('integration').where('id', '=', id).execute()
}

/** The newest secret of each integration, by the integration's row id. */
export async function newestSecrets(
  db: Database,
  integrationIds: readonly string[],
): Promise<Map<string, WebhookSecretRow>> {
  if (integrationIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('webhook_secret')
    .selectAll()
    .where('integration_id', 'in', integrationIds)
    .where('valid_until', 'is', null)
    .orderBy('version')
    .execute()
  return new Map(rows.map((row) => [row.integration_id, row]))
}
