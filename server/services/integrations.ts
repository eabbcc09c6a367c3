import { randomBytes } from 'node:crypto'
import type { Integration, IntegrationUpdate, NewIntegration } from '../../schemas/integration.ts'
import type { LabelFilter, Page, PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import { authorisedIntegrations, authoriseIn, type Caller, type SpaceTree } from '../core/authorise.ts'
import { requireMatch } from '../core/etag.ts'
import type { Sealer } from '../core/sealer.ts'
import { uuidv7 } from '../core/uuid-v7.ts'
import { recordAudit } from '../store/audit.ts'
import { isUniqueViolation } from '../store/dialect/unique-violation.ts'
import {
  deleteIntegrationRow,
  type IntegrationRow,
  insertIntegration,
  listIntegrationRows,
  updateIntegrationRow,
} from '../store/integrations.ts'
import { mapPage } from '../store/keyset-page.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import { listAttachedStacks } from '../store/stacks.ts'
import { actorOf } from './actor.ts'
import { changeAs } from './callers.ts'
import { checkHosts } from './check-hosts.ts'
import { countOf, type DetachOptions, detach, detachOrRefuse, type Lost, lostObjects, lostOf } from './detach-stacks.ts'
import type { Installation } from './installation.ts'
import { changedRow, checkAccess, checkDefaultPlace, sealToken } from './integration-changes.ts'
import { stacksThatLose } from './integration-losses.ts'
import { getIntegrationFor, seesSpace, viewIntegration } from './integration-view.ts'
import { requireDecision } from './require-decision.ts'
import { slugOf, spaceNotFound } from './spaces.ts'

/** Creates an integration with its first webhook secret (R1, R3, R4, R5): the right of an Admin of its space. */
export async function createIntegration(
  installation: Installation,
  asked: Caller,
  input: NewIntegration,
): Promise<Integration> {
  const slug = slugOf(input.name)
  checkDefaultPlace(input.isDefault, input.spaceId)
  try {
    const integration = await changeAs(installation, asked, async (transaction, caller) => {
      const tree = await readSpaceTree(transaction)
      requireSpaceAdmin(caller, input.spaceId, tree)
      requireUnlimited(caller, slug)
      requirePublicUrl(installation)
      const access = input.repositoryAccess ?? null
      if (access) checkAccess(access, caller, tree)
      const poolId = await checkHosts(transaction, installation.bitbucket, input, tree)
      const now = installation.clock.now()
      const row = newRow(installation, slug, input, poolId, now)
      await insertIntegration(transaction, row, firstSecret(installation.sealer, row.id, now))
      await recordAudit(transaction, now, [
        {
          actor: actorOf(caller),
          action: 'integration.create',
          object: `integration:${slug}`,
          details: { rowId: row.id },
        },
      ])
      return viewIntegration(installation, row, caller, tree)
    })
    installation.onSecretsChanged(slug)
    return integration
  } catch (error) {
    if (isUniqueViolation(error, 'integration_slug')) {
      // Not where: it may be a space that the caller does not see (R3a).
      throw new Problem('name_taken', `The name "${input.name}" is taken: its id would be "${slug}" too.`)
    }
    if (isUniqueViolation(error, 'integration_default')) {
      throw new Problem('default_integration_exists', 'There is a default integration already; an account has one.')
    }
    throw error
  }
}

export interface IntegrationQuery extends PageRequest, LabelFilter {
  readonly spaceId?: string | undefined
  readonly isDefault?: 'true' | 'false' | undefined
}

/** Lists what the caller may see. */
export async function listIntegrations(
  installation: Installation,
  caller: Caller,
  { isDefault, ...query }: IntegrationQuery,
): Promise<Page<Integration>> {
  const tree = await readSpaceTree(installation.db)
  const page = await listIntegrationRows(installation.db, {
    ...query,
    isDefault: isDefault === undefined ? undefined : isDefault === 'true',
    scope: authorisedIntegrations(caller, 'see-integrations', tree),
  })
  return mapPage(page, (row) => viewIntegration(installation, row, caller, tree))
}

export async function getIntegration(installation: Installation, caller: Caller, slug: string): Promise<Integration> {
  const row = await getIntegrationFor(installation.db, caller, 'see-integrations', slug)
  return viewIntegration(installation, row, caller, await readSpaceTree(installation.db))
}

/**
 * Changes an integration. A move that takes it, or the repository, away from stacks is decided by `options`, and needs
 * an Admin of both spaces (R13, S30). Narrower rules apply at once: a revocation waits for nobody (S24).
 */
export async function updateIntegration(
  installation: Installation,
  asked: Caller,
  slug: string,
  change: IntegrationUpdate,
  options: DetachOptions,
  ifMatch?: string | undefined,
): Promise<{ integration: Integration } & Lost> {
  return changeAs(installation, asked, async (transaction, caller) => {
    const tree = await readSpaceTree(transaction)
    const row = await getIntegrationFor(transaction, caller, 'administer', slug)
    requireMatch(ifMatch, viewIntegration(installation, row, caller, tree))
    if (change.spaceId !== undefined) requireSpaceAdmin(caller, change.spaceId, tree)
    const changed = await changedRow(transaction, installation, caller, row, change, tree)
    const moves = changed.space_id !== row.space_id
    const narrows = changed.repository_access !== row.repository_access
    const losing = moves || narrows ? await stacksThatLose(transaction, changed, tree) : []
    const now = installation.clock.now()
    const lost = await detachOrRefuse(
      transaction,
      losing,
      moves ? 'integration_moved' : 'repository_not_allowed',
      { dryRun: options.dryRun, force: options.force || !moves },
      now,
      ({ spaceId }) => seesSpace(caller, spaceId, tree),
    )
    const answer = {
      integration: viewIntegration(installation, changed, caller, tree),
      ...lost,
    }
    if (options.dryRun) return answer
    const { id: _id, ...columns } = changed
    await updateIntegrationRow(transaction, row.id, columns)
    await recordAudit(transaction, now, [
      {
        actor: actorOf(caller),
        action: 'integration.update',
        object: `integration:${slug}`,
        details: { rowId: row.id, fields: Object.keys(change), detached: lostObjects(losing) },
      },
    ])
    return answer
  })
}

/** Deletes an integration and detaches its stacks in the same transaction (R7, R8). */
export async function deleteIntegration(
  installation: Installation,
  asked: Caller,
  slug: string,
  dryRun: boolean,
  ifMatch?: string | undefined,
): Promise<Lost> {
  const answer = await changeAs(installation, asked, async (transaction, caller) => {
    const tree = await readSpaceTree(transaction)
    const row = await getIntegrationFor(transaction, caller, 'administer', slug)
    requireMatch(ifMatch, viewIntegration(installation, row, caller, tree))
    const stacks = await listAttachedStacks(transaction, row.id)
    const lost = lostOf(stacks, ({ spaceId }) => seesSpace(caller, spaceId, tree))
    if (row.allow_detach_on_destroy === 0 && stacks.length > 0) {
      const detail = `The integration "${slug}" is protected (allowDetachOnDestroy is false) and there are ${countOf(stacks)}. Lift the protection or detach them first.`
      throw new Problem('integration_protected', detail, {
        stacks: lost.detached,
        modules: lost.detachedModules ?? [],
      })
    }
    if (dryRun) return lost
    const now = installation.clock.now()
    await detach(transaction, stacks, 'integration_deleted', now)
    await deleteIntegrationRow(transaction, row.id)
    await recordAudit(transaction, now, [
      {
        actor: actorOf(caller),
        action: 'integration.delete',
        object: `integration:${slug}`,
        details: { rowId: row.id, detached: lostObjects(stacks) },
      },
    ])
    return lost
  })
  if (!dryRun) installation.onSecretsChanged(slug)
  return answer
}

function newRow(
  { sealer, repositoryAccess }: Installation,
  slug: string,
  input: NewIntegration,
  poolId: string | null,
  now: number,
): IntegrationRow {
  const id = uuidv7(now)
  const access = input.repositoryAccess === undefined && repositoryAccess === 'nothing' ? [] : input.repositoryAccess
  return {
    id,
    slug,
    name: input.name,
    is_default: input.isDefault ? 1 : 0,
    space_id: input.spaceId,
    api_host: input.apiHost,
    user_facing_host: input.userFacingHost,
    username: input.username,
    access_token: sealToken(sealer, id, 'access_token', input.accessToken),
    administration_token:
      input.administrationToken && sealToken(sealer, id, 'administration_token', input.administrationToken),
    ca_cert_pem: input.caCertPem,
    vcs_agent_pool_id: poolId,
    labels: JSON.stringify(input.labels),
    description: input.description,
    vcs_checks: input.vcsChecks,
    use_git_checkout: input.useGitCheckout ? 1 : 0,
    repository_access: access ? JSON.stringify(access) : null,
    require_bitbucket_access: input.requireBitbucketAccess ? 1 : 0,
    allow_detach_on_destroy: input.allowDetachOnDestroy ? 1 : 0,
    created_at: now,
    updated_at: now,
  }
}

/** Whether the caller may put an integration into the space. */
function requireSpaceAdmin(caller: Caller, spaceId: string, tree: SpaceTree): void {
  const decision = tree.has(spaceId) ? authoriseIn(caller, 'administer', spaceId, tree) : 'hidden'
  requireDecision(decision, `have integrations in the space "${spaceId}"`, () => spaceNotFound(spaceId, '/spaceId'))
}

/** A key for named integrations makes no others (S67). */
function requireUnlimited({ integrations }: Caller, slug: string): void {
  if (integrations === null || integrations.has(slug)) return
  throw new Problem('forbidden', `Your API key is limited to named integrations, and "${slug}" is not among them.`)
}

function requirePublicUrl(installation: Installation): void {
  if (installation.publicUrl() === undefined) {
    const detail =
      'Set MOORING_PUBLIC_URL to the address at which Bitbucket reaches this server, and start it again: the webhook endpoint is built from it.'
    throw new Problem('public_url_required', detail)
  }
}

function firstSecret(sealer: Sealer, integrationId: string, now: number) {
  const id = uuidv7(now)
  const secret = randomBytes(32).toString('base64url')
  return {
    id,
    integration_id: integrationId,
    version: 1,
    secret: sealer.seal({ table: 'webhook_secret', id, column: 'secret' }, secret),
    valid_until: null,
    created_at: now,
  }
}
