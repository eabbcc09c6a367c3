import type { Integration } from '../../schemas/integration.ts'
import { Problem } from '../../schemas/problem.ts'
import { webhookEndpoint, webhookPathPrefix } from '../../schemas/rules/webhook-path.ts'
import { authoriseIn, type Caller } from '../core/authorise.ts'
import { findIntegrationRow, type IntegrationRow } from '../store/integrations.ts'
import { readSpaceTree } from '../store/spaces.ts'
import type { Database } from '../store/tables.ts'
import { type Installation, labelsOf, timestamp } from './installation.ts'

/** Gives the integration, or answers as if it did not exist where the caller may not see it (R26, S21). */
export async function getVisibleIntegration(
  db: Database,
  caller: Caller,
  slug: string,
  pointer?: string,
): Promise<IntegrationRow> {
  const row = await findIntegrationRow(db, slug)
  const isVisible = row && authoriseIn(caller, 'webhooks', row.space_id, await readSpaceTree(db)) === 'allowed'
  if (isVisible) return row
  const detail = `There is no integration with the id "${slug}".`
  throw new Problem('integration_not_found', detail, pointer === undefined ? {} : { errors: [{ pointer, detail }] })
}

/** The address to be entered in Bitbucket; without a public URL its path alone is known. */
export function webhookUrl({ publicUrl }: Installation, slug: string): string {
  const base = publicUrl()
  return base === undefined ? webhookPathPrefix + slug : webhookEndpoint(base, slug)
}

/** The integration as the API shows it: without its token. */
export function toIntegration(installation: Installation, row: IntegrationRow): Integration {
  return {
    id: row.slug,
    name: row.name,
    isDefault: row.is_default === 1,
    spaceId: row.space_id,
    apiHost: row.api_host,
    userFacingHost: row.user_facing_host ?? row.api_host,
    username: row.username,
    labels: labelsOf(row.labels),
    description: row.description,
    allowDetachOnDestroy: row.allow_detach_on_destroy === 1,
    webhookUrl: webhookUrl(installation, row.slug),
    createdAt: timestamp(row.created_at),
    updatedAt: timestamp(row.updated_at),
  }
}
