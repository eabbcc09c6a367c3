import type { RepositoryAccess } from '../../schemas/integration.ts'
import type { SpaceTree } from '../core/authorise.ts'
import { type IntegrationReach, mayUseRepository } from '../core/repository-access.ts'
import { recordAudit } from '../store/audit.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import { findIntegrationRowById, type IntegrationRow } from '../store/integrations.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import { lockSpaces } from '../store/spaces.ts'
import {
  type AttachedStack,
  listAttachedStacks,
  listSpacesOfRepository,
  listStacksOfRepository,
} from '../store/stacks.ts'
import type { Database } from '../store/tables.ts'
import { detach } from './detach-stacks.ts'
import { reachOf } from './repository-access.ts'

/** Whether an attached stack may use its repository through its integration, with the spaces as they are there (S30). */
export function keepsRepository(stack: AttachedStack, tree: SpaceTree): boolean {
  const { integrationAccess } = stack
  const reach: IntegrationReach = {
    isDefault: stack.integrationIsDefault === 1,
    spaceId: stack.integrationSpaceId,
    repositoryAccess: integrationAccess === null ? null : (JSON.parse(integrationAccess) as RepositoryAccess),
  }
  return mayUse(reach, stack, tree)
}

/** The attached stacks that lose their repository when the integration becomes `changed` (R13, S30). */
export async function stacksThatLose(db: Database, changed: IntegrationRow, tree: SpaceTree): Promise<AttachedStack[]> {
  const stacks = await listAttachedStacks(db, changed.id)
  const reach = reachOf(changed)
  return stacks.filter((stack) => !mayUse(reach, stack, tree))
}

/**
 * Asks again, at a push, whether the stacks of a repository may use it under the name that it has now: it may have
 * moved out of the rules, or the rules away from it. Those that may not are detached (S24). Gives how many.
 */
export async function detachDisallowed(
  db: Database,
  integration: IntegrationRow,
  repository: { readonly id: number; readonly projectKey: string; readonly repositorySlug: string },
  now: number,
): Promise<number> {
  // Without rules only spaces decide, and whatever changes those has decided already (R13, R23).
  if (integration.repository_access === null) return 0
  const disallowedSpaces = async (inside: Database, row: IntegrationRow): Promise<Set<string>> => {
    const [reach, tree] = [reachOf(row), await readSpaceTree(inside)]
    const spaces = await listSpacesOfRepository(inside, row.id, repository.id)
    return new Set(spaces.filter((spaceId) => !mayUseRepository(reach, spaceId, repository, tree)))
  }
  if ((await disallowedSpaces(db, integration)).size === 0) return 0
  return inWriteTransaction(db, async (transaction) => {
    await lockSpaces(transaction)
    const row = await findIntegrationRowById(transaction, integration.id)
    if (!row) return 0
    const spaces = await disallowedSpaces(transaction, row)
    const all = await listStacksOfRepository(transaction, row.id, repository.id)
    const stacks = all.filter(({ spaceId }) => spaces.has(spaceId))
    await detach(transaction, stacks, 'repository_not_allowed', now)
    const details = { integration: integration.slug, repositoryId: repository.id, reason: 'repository_not_allowed' }
    const entries = stacks.map(({ kind, slug }) => ({
      actor: 'server',
      action: `${kind}.detach`,
      object: `${kind}:${slug}`,
      details,
    }))
    await recordAudit(transaction, now, entries)
    return stacks.length
  })
}

function mayUse(reach: IntegrationReach, stack: AttachedStack, tree: SpaceTree): boolean {
  const { projectKey, repositorySlug, spaceId } = stack
  return mayUseRepository(reach, spaceId, { projectKey: projectKey ?? '', repositorySlug: repositorySlug ?? '' }, tree)
}
