import type { Insertable, Selectable } from 'kysely'
import type { Page, PageRequest } from '../../schemas/page.ts'
import type { IntegrationScope } from '../core/authorise.ts'
import { comparableRowIds, readPage } from './keyset-page.ts'
import type { Bit, Database, Tables } from './tables.ts'
import { isIntegrationInScope } from './visible.ts'

export interface RegistrationRow extends Selectable<Tables['registration']> {
  readonly integration_slug: string
  readonly space_id: string
  readonly is_default: Bit
}

export interface RegistrationFilter extends PageRequest {
  readonly integrationId?: string | undefined
  readonly scope: IntegrationScope
}

function selectRegistrations(db: Database) {
  return db
    .selectFrom('registration')
    .innerJoin('integration', 'integration.id', 'registration.integration_id')
    .selectAll('registration')
    .select(['integration.slug as integration_slug', 'integration.space_id as space_id', 'integration.is_default'])
}

/** Lists the registrations of integrations that exist, oldest first. */
export function listRegistrationRows(db: Database, filter: RegistrationFilter): Promise<Page<RegistrationRow>> {
  const { ids, integrationId, scope } = filter
  return readPage(
    'registrations',
    filter,
    (row) => [row.id],
    ([after] = [], limit) =>
      selectRegistrations(db)
        .where(isIntegrationInScope(db, scope))
        .$if(ids !== undefined, (query) => query.where('registration.id', 'in', comparableRowIds(ids)))
        .$if(integrationId !== undefined, (query) => query.where('integration.slug', '=', integrationId ?? ''))
        .$if(after !== undefined, (query) => query.where('registration.id', '>', after ?? ''))
        .orderBy('registration.id')
        .limit(limit)
        .execute(),
  )
}

export function findRegistrationRow(db: Database, id: string): Promise<RegistrationRow | undefined> {
  return selectRegistrations(db).where('registration.id', '=', id).executeTakeFirst()
}

/**
 * Writes what was reported of a repository's webhook; there is one row per integration and repository. What Terraform
 * declares stays Terraform's until it forgets it: a service whose sweep began earlier does not take it over.
 */
export async function upsertRegistration(
  db: Database,
  row: Insertable<Tables['registration']>,
): Promise<Pick<Selectable<Tables['registration']>, 'id' | 'managed_by'>> {
  const { id: _id, integration_id: _integration, repository_id: _repository, ...changing } = row
  return db
    .insertInto('registration')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['integration_id', 'repository_id']).doUpdateSet((eb) => ({
        ...changing,
        managed_by: eb
          .case()
          .when('registration.managed_by', '=', 'terraform')
          .then(eb.val('terraform' as const))
          .else(eb.val(row.managed_by))
          .end(),
      })),
    )
    .returning(['id', 'managed_by'])
    .executeTakeFirstOrThrow()
}

export async function deleteRegistrationRow(db: Database, id: string): Promise<void> {
  await db.deleteFrom('registration').where('id', '=', id).execute()
}
