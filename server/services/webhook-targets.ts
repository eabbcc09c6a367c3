import type { Page } from '../../schemas/page.ts'
import { webhookEvents } from '../../schemas/webhook.ts'
import type { WebhookTarget } from '../../schemas/webhook-target.ts'
import { authorisedIntegrations, type Caller } from '../core/authorise.ts'
import { groupBy } from '../core/group-by.ts'
import { recordAudit } from '../store/audit.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import { newestSecrets } from '../store/integrations.ts'
import { mapPage } from '../store/keyset-page.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import type { StackKindName } from '../store/stacks.ts'
import {
  listTargetRegistrations,
  listTargetRows,
  listTargetStacks,
  type TargetRegistrationRow,
  type TargetRow,
  type TargetStackRow,
} from '../store/webhook-targets.ts'
import { presentCaller } from './callers.ts'
import type { Installation } from './installation.ts'
import { getIntegrationFor, webhookUrl } from './integration-view.ts'
import { revealEntry } from './webhook-credentials.ts'

export interface TargetQuery {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly integrationId?: string | undefined
}

/**
 * Lists the webhooks that should exist: one for each integration and repository with attached stacks (R140). They
 * carry the secrets, so the reading is recorded first, in the same transaction (R12, S70).
 */
export async function listWebhookTargets(
  installation: Installation,
  asked: Caller,
  query: TargetQuery,
): Promise<Page<WebhookTarget>> {
  const { db, clock } = installation
  const now = clock.now()
  const found = await inWriteTransaction(db, async (transaction) => {
    const caller = await presentCaller(transaction, asked, now)
    if (query.integrationId !== undefined) await getIntegrationFor(transaction, caller, 'webhooks', query.integrationId)
    const scope = authorisedIntegrations(caller, 'webhooks', await readSpaceTree(transaction))
    const page = await listTargetRows(transaction, { ...query, scope })
    const slugs = new Map(page.items.map((row) => [row.integration_id, row.slug]))
    const secrets = await newestSecrets(transaction, [...slugs.keys()])
    const entries = [...secrets].map(([integrationId, secret]) =>
      revealEntry(caller, slugs.get(integrationId) ?? integrationId, secret),
    )
    await recordAudit(transaction, now, entries)
    const stacks = await listTargetStacks(transaction, page.items)
    const registrations = await listTargetRegistrations(transaction, page.items)
    return { page, secrets, stacks, registrations }
  })
  const opened = openSecrets(installation, found.secrets)
  const attached = groupBy(found.stacks, targetKey)
  return mapPage(found.page, (row) => {
    const secret = opened.get(row.integration_id)
    if (!secret) throw new Error(`The integration ${row.integration_id} has no webhook secret.`)
    const registration = registrationOf(row, found.registrations)
    return {
      integrationId: row.slug,
      integrationName: row.name,
      instanceId: installation.instanceId,
      apiHost: row.api_host,
      projectKey: row.project_key,
      repositorySlug: row.repository_slug,
      repositoryId: row.repository_id,
      url: webhookUrl(installation, row.slug),
      ...secret,
      events: webhookEvents.map(({ key }) => key),
      managedBy: registration?.managed_by === 'terraform' ? 'terraform' : 'service',
      webhookId: registration?.webhook_id ?? null,
      stackIds: slugsOf('stack', attached.get(targetKey(row))),
      moduleIds: slugsOf('module', attached.get(targetKey(row))),
    }
  })
}

function slugsOf(kind: StackKindName, attached: readonly TargetStackRow[] = []): string[] {
  return attached.filter((stack) => stack.kind === kind).map(({ slug }) => slug)
}

function openSecrets({ sealer }: Installation, secrets: Awaited<ReturnType<typeof newestSecrets>>) {
  return new Map(
    [...secrets].map(([integrationId, { id, secret, version }]) => [
      integrationId,
      { secret: sealer.open({ table: 'webhook_secret', id, column: 'secret' }, secret), secretVersion: version },
    ]),
  )
}

function targetKey(row: { readonly integration_id: string; readonly repository_key: string }): string {
  return `${row.integration_id} ${row.repository_key}`
}

/** By the repository's numeric id; by its names where no stack knows the id yet (R47). */
function registrationOf(
  row: TargetRow,
  registrations: readonly TargetRegistrationRow[],
): TargetRegistrationRow | undefined {
  const own = registrations.filter(({ integration_id }) => integration_id === row.integration_id)
  if (row.repository_id !== null) return own.find(({ repository_id }) => repository_id === row.repository_id)
  return own.find(
    ({ project_key, repository_slug }) => `${project_key.toUpperCase()}/${repository_slug}` === row.repository_key,
  )
}
