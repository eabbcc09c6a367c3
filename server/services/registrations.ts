import type { Page, PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import type { NewRegistration, Registration } from '../../schemas/webhook-target.ts'
import { authorisedIntegrations, authoriseIntegration, type Caller } from '../core/authorise.ts'
import { uuidv7 } from '../core/uuid-v7.ts'
import { recordAudit } from '../store/audit.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import { mapPage } from '../store/keyset-page.ts'
import {
  deleteRegistrationRow,
  findRegistrationRow,
  listRegistrationRows,
  type RegistrationRow,
  upsertRegistration,
} from '../store/registrations.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import { actorOf } from './actor.ts'
import { presentCaller } from './callers.ts'
import { type Installation, labelsOf, timestamp } from './installation.ts'
import { getIntegrationFor, placeOf } from './integration-view.ts'

/** Records what a manager of webhooks saw or wrote in Bitbucket (R142); the newest report of a repository stands. */
export async function reportRegistration(
  { db, clock }: Installation,
  asked: Caller,
  input: NewRegistration,
): Promise<Registration> {
  const now = clock.now()
  const stored = await inWriteTransaction(db, async (transaction) => {
    const caller = await presentCaller(transaction, asked, now)
    const integration = await getIntegrationFor(transaction, caller, 'webhooks', input.integrationId, '/integrationId')
    return upsertRegistration(transaction, {
      id: uuidv7(now),
      integration_id: integration.id,
      project_key: input.projectKey,
      repository_slug: input.repositorySlug,
      repository_id: input.repositoryId,
      webhook_id: input.webhookId,
      secret_version: input.secretVersion,
      observed: input.observed,
      drift: JSON.stringify(input.drift),
      managed_by: input.managedBy,
      reported_at: now,
    })
  })
  return { ...input, id: stored.id, managedBy: stored.managed_by, reportedAt: timestamp(now) }
}

export interface RegistrationQuery extends PageRequest {
  readonly integrationId?: string | undefined
}

export async function listRegistrations(
  { db }: Installation,
  caller: Caller,
  query: RegistrationQuery,
): Promise<Page<Registration>> {
  if (query.integrationId !== undefined) await getIntegrationFor(db, caller, 'webhooks', query.integrationId)
  const scope = authorisedIntegrations(caller, 'webhooks', await readSpaceTree(db))
  return mapPage(await listRegistrationRows(db, { ...query, scope }), toRegistration)
}

/** Forgets a webhook that its manager has deleted in Bitbucket. */
export async function forgetRegistration({ db, clock }: Installation, asked: Caller, id: string): Promise<void> {
  const now = clock.now()
  await inWriteTransaction(db, async (transaction) => {
    const caller = await presentCaller(transaction, asked, now)
    const row = await findRegistrationRow(transaction, id)
    const isVisible =
      row &&
      authoriseIntegration(
        caller,
        'webhooks',
        placeOf({ ...row, slug: row.integration_slug }),
        await readSpaceTree(transaction),
      ) === 'allowed'
    if (!isVisible) throw new Problem('registration_not_found', `There is no registration with the id "${id}".`)
    await deleteRegistrationRow(transaction, id)
    await recordAudit(transaction, now, [
      {
        actor: actorOf(caller),
        action: 'registration.forget',
        object: `registration:${id}`,
        details: { integration: row.integration_slug, repositoryId: row.repository_id },
      },
    ])
  })
}

function toRegistration(row: RegistrationRow): Registration {
  return {
    id: row.id,
    integrationId: row.integration_slug,
    projectKey: row.project_key,
    repositorySlug: row.repository_slug,
    repositoryId: row.repository_id,
    webhookId: row.webhook_id,
    secretVersion: row.secret_version,
    observed: row.observed,
    drift: labelsOf(row.drift),
    managedBy: row.managed_by,
    reportedAt: timestamp(row.reported_at),
  }
}
