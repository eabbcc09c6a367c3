import type { Integration } from '../../schemas/integration.ts'
import type { Permission } from '../../schemas/operation.ts'
import { Problem } from '../../schemas/problem.ts'
import { webhookEndpoint, webhookPathPrefix } from '../../schemas/rules/webhook-path.ts'
import {
  authoriseIn,
  authoriseIntegration,
  type Caller,
  type IntegrationPlace,
  type SpaceTree,
} from '../core/authorise.ts'
import { findIntegrationRow, type IntegrationRow } from '../store/integrations.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import type { Database } from '../store/tables.ts'
import { type Installation, labelsOf, timestamp } from './installation.ts'
import { warningsOf } from './integration-warnings.ts'
import { reachOf } from './repository-access.ts'
import { requireDecision } from './require-decision.ts'

/**
 * Gives the integration to whoever has the permission on it; answers 403 where the caller only sees it, and as if it
 * did not exist where not even that (R25, R26, S21). `pointer` is where the request names it.
 */
export async function getIntegrationFor(
  db: Database,
  caller: Caller,
  permission: Permission,
  slug: string,
  pointer?: string,
): Promise<IntegrationRow> {
  const row = await findIntegrationRow(db, slug)
  const decision = row ? authoriseIntegration(caller, permission, placeOf(row), await readSpaceTree(db)) : 'hidden'
  const notFound = () => {
    const detail = `There is no integration with the id "${slug}".`
    return new Problem('integration_not_found', detail, pointer === undefined ? {} : { errors: [{ pointer, detail }] })
  }
  requireDecision(decision, `do this with the integration "${slug}"`, notFound)
  if (!row) throw notFound()
  return row
}

/** What decides who may do what with the integration. */
export function placeOf(row: Pick<IntegrationRow, 'slug' | 'space_id' | 'is_default'>): IntegrationPlace {
  return { slug: row.slug, spaceId: row.space_id, isDefault: row.is_default === 1 }
}

/** The address to be entered in Bitbucket; without a public URL its path alone is known. */
export function webhookUrl({ publicUrl }: Installation, slug: string): string {
  const base = publicUrl()
  return base === undefined ? webhookPathPrefix + slug : webhookEndpoint(base, slug)
}

/**
 * The integration as the caller is shown it: without its tokens, and of its repository rules those of spaces that he
 * may see (R26).
 */
export function viewIntegration(
  installation: Installation,
  row: IntegrationRow,
  caller: Caller,
  tree: SpaceTree,
): Integration {
  const { repositoryAccess } = reachOf(row)
  return {
    id: row.slug,
    name: row.name,
    isDefault: row.is_default === 1,
    spaceId: row.space_id,
    apiHost: row.api_host,
    userFacingHost: row.user_facing_host ?? row.api_host,
    username: row.username,
    hasAdministrationToken: row.administration_token !== null,
    caCertPem: row.ca_cert_pem,
    labels: labelsOf(row.labels),
    description: row.description,
    vcsChecks: row.vcs_checks,
    useGitCheckout: row.use_git_checkout === 1,
    repositoryAccess: repositoryAccess?.filter(({ spaceId }) => seesSpace(caller, spaceId, tree)) ?? null,
    requireBitbucketAccess: row.require_bitbucket_access === 1,
    allowDetachOnDestroy: row.allow_detach_on_destroy === 1,
    warnings: warningsOf(row),
    webhookUrl: webhookUrl(installation, row.slug),
    createdAt: timestamp(row.created_at),
    updatedAt: timestamp(row.updated_at),
  }
}

export function seesSpace(caller: Caller, spaceId: string, tree: SpaceTree): boolean {
  return tree.has(spaceId) && authoriseIn(caller, 'read', spaceId, tree) === 'allowed'
}
