import type { Insertable, Selectable, Updateable } from 'kysely'
import type { Page, PageRequest } from '../../schemas/page.ts'
import { readPage } from './keyset-page.ts'
import type { Database, Tables } from './tables.ts'

export type IntegrationRow = Selectable<Tables['integration']>
export type WebhookSecretRow = Selectable<Tables['webhook_secret']>

export interface IntegrationFilter extends PageRequest {
  readonly spaceId?: string | undefined
  readonly isDefault?: boolean | undefined
  /** The spaces whose integrations the caller may see. */
  readonly visibleSpaces: 'all' | ReadonlySet<string>
}

/** Lists integrations by slug. */
export function listIntegrationRows(db: Database, filter: IntegrationFilter): Promise<Page<IntegrationRow>> {
  const { ids, spaceId, isDefault, visibleSpaces } = filter
  return readPage(
    'integrations',
    filter,
    (row) => [row.slug],
    ([after] = [], limit) =>
      db
        .selectFrom('integration')
        .selectAll()
        .$if(visibleSpaces !== 'all', (query) => query.where('space_id', 'in', [...visibleSpaces, '']))
        .$if(ids !== undefined, (query) => query.where('slug', 'in', ids ?? []))
        .$if(spaceId !== undefined, (query) => query.where('space_id', '=', spaceId ?? ''))
        .$if(isDefault !== undefined, (query) => query.where('is_default', '=', isDefault ? 1 : 0))
        .$if(after !== undefined, (query) => query.where('slug', '>', after ?? ''))
        .orderBy('slug')
        .limit(limit)
        .execute(),
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
