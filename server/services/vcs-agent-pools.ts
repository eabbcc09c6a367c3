import type { LabelFilter, Page, PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import { usableSpaces } from '../../schemas/rules/usable-spaces.ts'
import type { NewVcsAgentPool, VcsAgentPool, VcsAgentPoolUpdate } from '../../schemas/vcs-agent-pool.ts'
import { authorisedSpaces, authoriseIn, type Caller, type SpaceTree } from '../core/authorise.ts'
import { requireMatch } from '../core/etag.ts'
import { uuidv7 } from '../core/uuid-v7.ts'
import { recordAudit } from '../store/audit.ts'
import { isUniqueViolation } from '../store/dialect/unique-violation.ts'
import { type IntegrationRow, listIntegrationsOfPool } from '../store/integrations.ts'
import { mapPage } from '../store/keyset-page.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import type { Database } from '../store/tables.ts'
import {
  deleteVcsAgentPoolRow,
  findVcsAgentPoolRow,
  insertVcsAgentPool,
  listVcsAgentPoolRows,
  updateVcsAgentPoolRow,
  type VcsAgentPoolRow,
} from '../store/vcs-agent-pools.ts'
import { actorOf } from './actor.ts'
import { changeAs } from './callers.ts'
import { type Installation, labelsOf, timestamp } from './installation.ts'
import { seesSpace } from './integration-view.ts'
import { fieldProblem } from './invalid-field.ts'
import { requireDecision } from './require-decision.ts'
import { spaceNotFound } from './spaces.ts'

/** Creates a VCS agent pool; the right of an Admin of its space (R102). */
export async function createVcsAgentPool(
  installation: Installation,
  asked: Caller,
  input: NewVcsAgentPool,
): Promise<VcsAgentPool> {
  const now = installation.clock.now()
  const row: VcsAgentPoolRow = {
    id: uuidv7(now),
    slug: input.name,
    space_id: input.spaceId,
    labels: JSON.stringify(input.labels),
    description: input.description,
    created_at: now,
    updated_at: now,
  }
  try {
    await changeAs(installation, asked, async (transaction, caller) => {
      requireSpaceAdmin(caller, input.spaceId, await readSpaceTree(transaction))
      await insertVcsAgentPool(transaction, row)
      await recordAudit(transaction, now, [entryOf(caller, 'vcs_agent_pool.create', row)])
    })
  } catch (error) {
    if (!isUniqueViolation(error, 'vcs_agent_pool_slug')) throw error
    // Not where: it may be a space that the caller does not see (R3a).
    throw new Problem('name_taken', `The name "${input.name}" is taken.`)
  }
  return toPool(row)
}

export interface VcsAgentPoolQuery extends PageRequest, LabelFilter {
  readonly spaceId?: string | undefined
}

/** Lists the pools of the spaces that the caller may read. */
export async function listVcsAgentPools(
  { db }: Installation,
  caller: Caller,
  query: VcsAgentPoolQuery,
): Promise<Page<VcsAgentPool>> {
  const scope = authorisedSpaces(caller, 'read', await readSpaceTree(db))
  return mapPage(await listVcsAgentPoolRows(db, { ...query, scope }), toPool)
}

export async function getVcsAgentPool({ db }: Installation, caller: Caller, slug: string): Promise<VcsAgentPool> {
  return toPool(await getPoolFor(db, caller, 'read', slug, await readSpaceTree(db)))
}

/** Changes a pool, or moves it: not away from integrations that use it. */
export async function updateVcsAgentPool(
  installation: Installation,
  asked: Caller,
  slug: string,
  change: VcsAgentPoolUpdate,
  ifMatch?: string | undefined,
): Promise<VcsAgentPool> {
  return changeAs(installation, asked, async (transaction, caller) => {
    const tree = await readSpaceTree(transaction)
    const row = await getPoolFor(transaction, caller, 'administer', slug, tree)
    requireMatch(ifMatch, toPool(row))
    if (change.name !== undefined && change.name !== row.slug) {
      const detail = `The name of a VCS agent pool cannot be changed: integrations name it as private://${row.slug}.`
      throw fieldProblem('name_immutable', '/name', detail)
    }
    if (change.spaceId !== undefined) requireSpaceAdmin(caller, change.spaceId, tree)
    const now = installation.clock.now()
    const changed = {
      ...row,
      space_id: change.spaceId ?? row.space_id,
      labels: change.labels === undefined ? row.labels : JSON.stringify(change.labels),
      description: change.description ?? row.description,
      updated_at: now,
    }
    const users = await listIntegrationsOfPool(transaction, row.id)
    const losing = users.filter((user) => !usableSpaces(user.space_id, tree).includes(changed.space_id))
    refuseWhileUsed(losing, caller, tree, `could not use the VCS agent pool "${slug}" from "${changed.space_id}"`)
    const { id: _id, ...columns } = changed
    await updateVcsAgentPoolRow(transaction, row.id, columns)
    await recordAudit(transaction, now, [entryOf(caller, 'vcs_agent_pool.update', row)])
    return toPool(changed)
  })
}

/** Deletes a pool that no integration uses. */
export async function deleteVcsAgentPool(
  installation: Installation,
  asked: Caller,
  slug: string,
  ifMatch?: string | undefined,
): Promise<void> {
  await changeAs(installation, asked, async (transaction, caller) => {
    const tree = await readSpaceTree(transaction)
    const row = await getPoolFor(transaction, caller, 'administer', slug, tree)
    requireMatch(ifMatch, toPool(row))
    const users = await listIntegrationsOfPool(transaction, row.id)
    refuseWhileUsed(users, caller, tree, `use the VCS agent pool "${slug}"`)
    await deleteVcsAgentPoolRow(transaction, row.id)
    await recordAudit(transaction, installation.clock.now(), [entryOf(caller, 'vcs_agent_pool.delete', row)])
  })
}

async function getPoolFor(
  db: Database,
  caller: Caller,
  permission: 'read' | 'administer',
  slug: string,
  tree: SpaceTree,
): Promise<VcsAgentPoolRow> {
  const row = await findVcsAgentPoolRow(db, slug)
  const decision = row ? authoriseIn(caller, permission, row.space_id, tree) : 'hidden'
  const notFound = () => new Problem('vcs_agent_pool_not_found', `There is no VCS agent pool with the id "${slug}".`)
  requireDecision(decision, `change the VCS agent pool "${slug}"`, notFound)
  if (!row) throw notFound()
  return row
}

function requireSpaceAdmin(caller: Caller, spaceId: string, tree: SpaceTree): void {
  const decision = tree.has(spaceId) ? authoriseIn(caller, 'administer', spaceId, tree) : 'hidden'
  const notFound = () => spaceNotFound(spaceId, '/spaceId')
  requireDecision(decision, `have VCS agent pools in the space "${spaceId}"`, notFound)
}

/** Names the integrations that the caller sees, and counts the others (S21). */
function refuseWhileUsed(users: readonly IntegrationRow[], caller: Caller, tree: SpaceTree, what: string): void {
  if (users.length === 0) return
  const seen = users.filter(({ space_id }) => seesSpace(caller, space_id, tree)).map((user) => `"${user.slug}"`)
  const hidden = users.length - seen.length
  const list = [...seen.slice(0, 10), ...(seen.length > 10 ? ['…'] : []), ...(hidden > 0 ? [`${hidden} hidden`] : [])]
  const detail = `Integrations ${what}: ${list.join(', ')}. Give them another apiHost first.`
  throw new Problem('vcs_agent_pool_in_use', detail)
}

function entryOf(caller: Caller, action: string, row: VcsAgentPoolRow) {
  return { actor: actorOf(caller), action, object: `vcs_agent_pool:${row.slug}`, details: { rowId: row.id } }
}

function toPool(row: VcsAgentPoolRow): VcsAgentPool {
  return {
    id: row.slug,
    name: row.slug,
    spaceId: row.space_id,
    labels: labelsOf(row.labels),
    description: row.description,
    status: 'no_agent',
    createdAt: timestamp(row.created_at),
    updatedAt: timestamp(row.updated_at),
  }
}
