import { Problem } from '../../schemas/problem.ts'
import type { BitbucketIdentity } from '../../schemas/user.ts'
import type { Caller, SpaceTree } from '../core/authorise.ts'
import { isUniqueViolation } from '../store/dialect/unique-violation.ts'
import type { Database } from '../store/tables.ts'
import { listIdentities, replaceIdentities } from '../store/users.ts'
import { requireIntegrations } from './visible-integrations.ts'

/**
 * Links a user with exactly these Bitbucket users (R205); a Bitbucket user belongs to one of ours. Those that are
 * linked already keep their time.
 */
export async function linkIdentities(
  transaction: Database,
  caller: Caller,
  tree: SpaceTree,
  userId: string,
  identities: readonly BitbucketIdentity[],
  now: number,
): Promise<void> {
  const named = identities.map(({ integrationId }, index) => ({
    slug: integrationId,
    pointer: `/bitbucketIdentities/${index}/integrationId`,
  }))
  const integrations = await requireIntegrations(transaction, caller, tree, named)
  const before = await listIdentities(transaction, [userId])
  const rows = identities.flatMap(({ integrationId, bitbucketUserId }) => {
    const integration = integrations.get(integrationId)
    if (!integration) return []
    const known = before.find(
      (row) => row.integration_id === integration.id && row.bitbucket_user_id === bitbucketUserId,
    )
    return {
      integration_id: integration.id,
      bitbucket_user_id: bitbucketUserId,
      user_id: userId,
      created_at: known?.created_at ?? now,
    }
  })
  try {
    await replaceIdentities(transaction, userId, rows)
  } catch (error) {
    if (!isUniqueViolation(error, 'bitbucket_identity_pkey')) throw error
    const detail = 'One of the Bitbucket users is linked with another user already; unlink him there first.'
    throw new Problem('identity_taken', detail, { errors: [{ pointer: '/bitbucketIdentities', detail }] })
  }
}
