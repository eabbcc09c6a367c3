import type { IntegrationUpdate, RepositoryAccess } from '../../schemas/integration.ts'
import { rootSpaceId } from '../../schemas/space.ts'
import type { Caller, SpaceTree } from '../core/authorise.ts'
import type { Sealer } from '../core/sealer.ts'
import type { IntegrationRow } from '../store/integrations.ts'
import type { Database } from '../store/tables.ts'
import { checkHosts } from './check-hosts.ts'
import type { Installation } from './installation.ts'
import { seesSpace } from './integration-view.ts'
import { fieldProblem, invalidField } from './invalid-field.ts'
import { reachOf } from './repository-access.ts'
import { spaceNotFound } from './spaces.ts'

/** The row as the change makes it; refuses what must not change, and what needs a token with it (R2, R6, S28). */
export async function changedRow(
  db: Database,
  { sealer, bitbucket, clock }: Installation,
  caller: Caller,
  row: IntegrationRow,
  change: IntegrationUpdate,
  tree: SpaceTree,
): Promise<IntegrationRow> {
  refuseLasting(row, change)
  const hosts = {
    apiHost: change.apiHost ?? row.api_host,
    userFacingHost: change.userFacingHost === undefined ? row.user_facing_host : change.userFacingHost,
    caCertPem: change.caCertPem === undefined ? row.ca_cert_pem : change.caCertPem,
    spaceId: change.spaceId ?? row.space_id,
  }
  checkDefaultPlace(row.is_default === 1, hosts.spaceId)
  const touchesPlace = [change.apiHost, change.userFacingHost, change.caCertPem, change.spaceId].some(
    (field) => field !== undefined,
  )
  const poolId = touchesPlace ? await checkHosts(db, bitbucket, hosts, tree) : row.vcs_agent_pool_id
  requireTokens(row, { ...hosts, poolId }, change)
  const { accessToken, administrationToken } = change
  const flag = (value: boolean | undefined, stored: 0 | 1) => (value === undefined ? stored : value ? 1 : 0)
  return {
    ...row,
    space_id: hosts.spaceId,
    api_host: hosts.apiHost,
    user_facing_host: hosts.userFacingHost,
    ca_cert_pem: hosts.caCertPem,
    vcs_agent_pool_id: poolId,
    username: change.username ?? row.username,
    access_token: accessToken === undefined ? row.access_token : sealToken(sealer, row.id, 'access_token', accessToken),
    administration_token:
      administrationToken === undefined
        ? row.administration_token
        : administrationToken && sealToken(sealer, row.id, 'administration_token', administrationToken),
    labels: change.labels === undefined ? row.labels : JSON.stringify(change.labels),
    description: change.description ?? row.description,
    vcs_checks: change.vcsChecks ?? row.vcs_checks,
    use_git_checkout: flag(change.useGitCheckout, row.use_git_checkout),
    repository_access: changedAccess(row, change.repositoryAccess, caller, tree),
    require_bitbucket_access: flag(change.requireBitbucketAccess, row.require_bitbucket_access),
    allow_detach_on_destroy: flag(change.allowDetachOnDestroy, row.allow_detach_on_destroy),
    updated_at: clock.now(),
  }
}

export function checkDefaultPlace(isDefault: boolean, spaceId: string): void {
  if (isDefault && spaceId !== rootSpaceId) {
    throw invalidField('/spaceId', 'a default integration lives in the root space')
  }
}

export function sealToken(
  sealer: Sealer,
  integrationId: string,
  column: 'access_token' | 'administration_token',
  token: string,
): string {
  return sealer.seal({ table: 'integration', id: integrationId, column }, token)
}

/** Refuses rules for spaces that are not there, or that the caller may not see, as if they were not (S21). */
export function checkAccess(access: RepositoryAccess, caller: Caller, tree: SpaceTree): void {
  for (const [index, { spaceId }] of access.entries()) {
    if (!seesSpace(caller, spaceId, tree)) throw spaceNotFound(spaceId, `/repositoryAccess/${index}/spaceId`)
  }
}

function refuseLasting(row: IntegrationRow, change: IntegrationUpdate): void {
  if (change.name !== undefined && change.name !== row.name) {
    const detail = `The name of an integration cannot be changed: its webhook endpoint is built from it. It is "${row.name}".`
    throw fieldProblem('name_immutable', '/name', detail)
  }
  if (change.isDefault !== undefined && change.isDefault !== (row.is_default === 1)) {
    throw invalidField('/isDefault', 'cannot be changed: delete the integration and create it anew')
  }
}

/** A token belongs to its place: scheme, host, port, context path, certificates and the pool's row (S28). */
function requireTokens(
  row: IntegrationRow,
  place: { readonly apiHost: string; readonly caCertPem: string | null; readonly poolId: string | null },
  change: IntegrationUpdate,
): void {
  const moved =
    place.apiHost !== row.api_host || place.poolId !== row.vcs_agent_pool_id
      ? 'apiHost'
      : place.caCertPem !== row.ca_cert_pem
        ? 'caCertPem'
        : undefined
  if (moved === undefined) return
  const missing = [
    ...(change.accessToken === undefined ? ['accessToken'] : []),
    ...(row.administration_token !== null && change.administrationToken === undefined ? ['administrationToken'] : []),
  ]
  if (missing.length === 0) return
  const detail = `Send ${missing.join(' and ')} with the new ${moved}: a stored token is never sent to another place.`
  throw fieldProblem('token_required', `/${moved}`, detail)
}

/** What the caller sends replaces the rules that he sees; those of spaces that are hidden from him stay. */
function changedAccess(
  row: IntegrationRow,
  change: RepositoryAccess | null | undefined,
  caller: Caller,
  tree: SpaceTree,
): string | null {
  if (change === undefined) return row.repository_access
  if (change === null) return null
  checkAccess(change, caller, tree)
  const hidden = (reachOf(row).repositoryAccess ?? []).filter(({ spaceId }) => !seesSpace(caller, spaceId, tree))
  return JSON.stringify([...change, ...hidden])
}
