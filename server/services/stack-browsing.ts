import type { BitbucketClient } from '../../clients/bitbucket/client.ts'
import type { RepositoryAddress } from '../../clients/bitbucket/repositories.ts'
import { canUseIntegration } from '../../schemas/rules/usable-spaces.ts'
import { authoriseIn, type Caller, type SpaceTree } from '../core/authorise.ts'
import { recordAudit } from '../store/audit.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import type { IntegrationRow } from '../store/integrations.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import { actorOf } from './actor.ts'
import { presentCaller } from './callers.ts'
import type { Installation } from './installation.ts'
import { countLookUp } from './integration-look-ups.ts'
import { getIntegrationFor } from './integration-view.ts'
import { fieldProblem } from './invalid-field.ts'
import { requireRepository } from './repository-access.ts'
import { requireDecision } from './require-decision.ts'
import { spaceNotFound } from './spaces.ts'

export interface BrowseRequest {
  readonly integrationId: string
  /** For which space it is asked. */
  readonly spaceId: string
}

/** A look through an integration that is allowed, counted and recorded. */
export interface Browsing {
  readonly integration: IntegrationRow
  readonly client: BitbucketClient
  readonly tree: SpaceTree
}

const hourMs = 3_600_000

/**
 * Lets a Writer of the space look at what the integration lends to it: counted, and recorded once an hour for each
 * person, space and repository, so that a search while typing does not fill the log (S26).
 */
export async function openBrowsing(
  installation: Installation,
  asked: Caller,
  { integrationId, spaceId }: BrowseRequest,
  repository: RepositoryAddress | undefined,
): Promise<Browsing> {
  const { db, clock, bitbucket } = installation
  const now = clock.now()
  const { integration, tree } = await inWriteTransaction(db, async (transaction) => {
    const caller = await presentCaller(transaction, asked, now)
    const row = await getIntegrationFor(transaction, caller, 'see-integrations', integrationId)
    const spaces = await readSpaceTree(transaction)
    const decision = spaces.has(spaceId) ? authoriseIn(caller, 'write', spaceId, spaces) : 'hidden'
    requireDecision(decision, `look at Bitbucket for the space "${spaceId}"`, () => spaceNotFound(spaceId, '?spaceId'))
    requireLent(row, spaceId, repository, spaces)
    countLookUp(installation, caller)
    const name = repository && `${repository.projectKey}/${repository.repositorySlug}`
    const actor = actorOf(caller)
    await recordAudit(transaction, now, [
      {
        actor,
        action: 'integration.browse',
        object: `integration:${row.slug}`,
        details: { spaceId, ...(name === undefined ? {} : { repository: name }) },
        onceKey: `browse:${JSON.stringify([actor, row.id, spaceId, name ?? null, Math.floor(now / hourMs)])}`,
      },
    ])
    return { integration: row, tree: spaces }
  })
  return { integration, tree, client: bitbucket.bitbucketClient(integration) }
}

function requireLent(
  row: IntegrationRow,
  spaceId: string,
  repository: RepositoryAddress | undefined,
  tree: SpaceTree,
): void {
  if (!canUseIntegration({ isDefault: row.is_default === 1, spaceId: row.space_id }, spaceId, tree)) {
    const detail = `The integration "${row.slug}" cannot be used from the space "${spaceId}".`
    throw fieldProblem('integration_not_usable', '?spaceId', detail)
  }
  if (row.require_bitbucket_access === 1) {
    const detail = `The integration "${row.slug}" shows repositories to nobody who has not shown that he may read them: name the repository by hand when you attach, with a token of your own.`
    throw fieldProblem('no_bitbucket_access', '?spaceId', detail)
  }
  if (repository) requireRepository(row, spaceId, repository, tree, '?repository')
}
