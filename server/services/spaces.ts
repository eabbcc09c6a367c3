import type { Page, PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import { slugify } from '../../schemas/rules/slug.ts'
import { canUseIntegration, type SpaceNode } from '../../schemas/rules/usable-spaces.ts'
import { type NewSpace, rootSpaceId, type Space, type SpaceUpdate } from '../../schemas/space.ts'
import type { Caller } from '../core/authorise.ts'
import { recordAudit } from '../store/audit.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import { isUniqueViolation } from '../store/dialect/unique-violation.ts'
import { mapPage } from '../store/keyset-page.ts'
import {
  countSpaceContents,
  deleteSpaceRow,
  findSpace,
  insertSpace,
  listSpaces as listSpaceRows,
  lockSpaces,
  readSpaceTree,
  type SpaceRow,
  updateSpaceRow,
} from '../store/spaces.ts'
import { listInheritingStacks } from '../store/stacks.ts'
import type { Database } from '../store/tables.ts'
import { actorOf } from './actor.ts'
import { type DetachOptions, detachOrRefuse } from './detach-stacks.ts'
import { type Installation, labelsOf, timestamp } from './installation.ts'
import { invalidField } from './invalid-field.ts'

export async function createSpace({ db, clock }: Installation, caller: Caller, input: NewSpace): Promise<Space> {
  const now = clock.now()
  const row: SpaceRow = {
    id: input.slug ?? slugOf(input.name),
    name: input.name,
    parent_id: input.parentId,
    inherit_entities: input.inheritEntities ? 1 : 0,
    labels: JSON.stringify(input.labels),
    description: input.description,
    created_at: now,
  }
  try {
    await inWriteTransaction(db, async (transaction) => {
      await lockSpaces(transaction)
      if (!(await findSpace(transaction, input.parentId))) throw spaceNotFound(input.parentId, '/parentId')
      await insertSpace(transaction, row)
      await recordAudit(transaction, now, [
        { actor: actorOf(caller), action: 'space.create', object: `space:${row.id}` },
      ])
    })
  } catch (error) {
    if (!isUniqueViolation(error, 'space_pkey')) throw error
    throw new Problem('name_taken', `A space with the id "${row.id}" exists; give another name or slug.`)
  }
  return toSpace(row)
}

export async function listSpaces({ db }: Installation, request: PageRequest): Promise<Page<Space>> {
  return mapPage(await listSpaceRows(db, request), toSpace)
}

export async function getSpace({ db }: Installation, id: string): Promise<Space> {
  return toSpace(await getSpaceRow(db, id))
}

/** Changes a space. Where stacks would lose their integration by it, `options` decide (R23). */
export async function updateSpace(
  { db, clock }: Installation,
  caller: Caller,
  id: string,
  change: SpaceUpdate,
  options: DetachOptions,
): Promise<{ space: Space; detached: string[] }> {
  const now = clock.now()
  return inWriteTransaction(db, async (transaction) => {
    await lockSpaces(transaction)
    const row = await getSpaceRow(transaction, id)
    const changed = await changedRow(transaction, row, change)
    const losing = await stacksThatLose(transaction, changed)
    const detached = await detachOrRefuse(transaction, losing, 'space_changed', options, now)
    if (options.dryRun) return { space: toSpace(changed), detached }
    const { id: _id, created_at: _createdAt, ...columns } = changed
    await updateSpaceRow(transaction, id, columns)
    await recordAudit(transaction, now, [
      {
        actor: actorOf(caller),
        action: 'space.update',
        object: `space:${id}`,
        details: { fields: Object.keys(change), detached },
      },
    ])
    return { space: toSpace(changed), detached }
  })
}

export async function deleteSpace({ db, clock }: Installation, caller: Caller, id: string): Promise<void> {
  const now = clock.now()
  await inWriteTransaction(db, async (transaction) => {
    await lockSpaces(transaction)
    await getSpaceRow(transaction, id)
    if (id === rootSpaceId) throw new Problem('root_space', 'The root space cannot be deleted.')
    const { spaces, integrations, stacks, apiKeys } = await countSpaceContents(transaction, id)
    if (spaces + integrations + stacks + apiKeys > 0) {
      const contents = `${spaces} spaces, ${integrations} integrations, ${stacks} stacks and ${apiKeys} API keys`
      throw new Problem('space_not_empty', `The space "${id}" holds ${contents}; move or delete them first.`)
    }
    await deleteSpaceRow(transaction, id)
    await recordAudit(transaction, now, [{ actor: actorOf(caller), action: 'space.delete', object: `space:${id}` }])
  })
}

/** The answer for a space that is not there; `pointer` is where the request names it. */
export function spaceNotFound(id: string, pointer?: string): Problem {
  const detail = `There is no space with the id "${id}".`
  return new Problem('space_not_found', detail, pointer === undefined ? {} : { errors: [{ pointer, detail }] })
}

/** The slug of a name, which becomes an id (R3a). */
export function slugOf(name: string): string {
  const slug = slugify(name)
  if (slug === '') throw invalidField('/name', 'expected a Latin letter or digit: the id is made from them')
  return slug
}

async function getSpaceRow(db: Database, id: string): Promise<SpaceRow> {
  const row = await findSpace(db, id)
  if (!row) throw spaceNotFound(id)
  return row
}

async function changedRow(db: Database, row: SpaceRow, change: SpaceUpdate): Promise<SpaceRow> {
  if (row.id === rootSpaceId && (change.parentId !== undefined || change.inheritEntities === true)) {
    throw new Problem('root_space', 'The root space has no parent: it cannot be moved, and inherits from nothing.')
  }
  if (change.parentId !== undefined && change.parentId !== row.parent_id) {
    const tree = await readSpaceTree(db)
    if (!tree.has(change.parentId)) throw spaceNotFound(change.parentId, '/parentId')
    if (isBelow(change.parentId, row.id, tree)) {
      throw invalidField('/parentId', `"${change.parentId}" is the space itself or lies below it`)
    }
  }
  return {
    ...row,
    ...(change.name === undefined ? {} : { name: change.name }),
    ...(change.parentId === undefined ? {} : { parent_id: change.parentId }),
    ...(change.inheritEntities === undefined ? {} : { inherit_entities: change.inheritEntities ? 1 : 0 }),
    ...(change.labels === undefined ? {} : { labels: JSON.stringify(change.labels) }),
    ...(change.description === undefined ? {} : { description: change.description }),
  }
}

function isBelow(spaceId: string, ancestorId: string, tree: ReadonlyMap<string, SpaceNode>): boolean {
  const seen = new Set<string>()
  for (let space = tree.get(spaceId); space && !seen.has(space.id); space = tree.get(space.parentId ?? '')) {
    if (space.id === ancestorId) return true
    seen.add(space.id)
  }
  return false
}

/** The attached stacks that could use their integration before the space changes, and cannot after. */
async function stacksThatLose(db: Database, changed: SpaceRow) {
  const before = await readSpaceTree(db)
  const node = { id: changed.id, parentId: changed.parent_id, inheritEntities: changed.inherit_entities === 1 }
  const known = before.get(changed.id)
  if (known?.parentId === node.parentId && known.inheritEntities === node.inheritEntities) return []
  const after = new Map(before).set(changed.id, node)
  const stacks = await listInheritingStacks(db)
  return stacks.filter(
    ({ spaceId, integrationSpaceId }) =>
      !canUseIntegration({ isDefault: false, spaceId: integrationSpaceId }, spaceId, after),
  )
}

function toSpace(row: SpaceRow): Space {
  return {
    id: row.id,
    name: row.name,
    parentId: row.parent_id,
    inheritEntities: row.inherit_entities === 1,
    labels: labelsOf(row.labels),
    description: row.description,
    createdAt: timestamp(row.created_at),
  }
}
