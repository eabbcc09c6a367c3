import type { LabelFilter, Page, PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import { slugify } from '../../schemas/rules/slug.ts'
import type { SpaceNode } from '../../schemas/rules/usable-spaces.ts'
import { type NewSpace, rootSpaceId, type Space, type SpaceUpdate } from '../../schemas/space.ts'
import {
  authorisedSpaces,
  authoriseIn,
  type Caller,
  type Decision,
  isRootAdmin,
  type SpaceTree,
} from '../core/authorise.ts'
import { requireMatch } from '../core/etag.ts'
import { recordAudit } from '../store/audit.ts'
import { isUniqueViolation } from '../store/dialect/unique-violation.ts'
import { mapPage } from '../store/keyset-page.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import {
  countSpaceContents,
  deleteSpaceRow,
  findSpace,
  insertSpace,
  listSpaces as listSpaceRows,
  type SpaceRow,
  updateSpaceRow,
} from '../store/spaces.ts'
import { listInheritingStacks } from '../store/stacks.ts'
import type { Database } from '../store/tables.ts'
import { actorOf } from './actor.ts'
import { changeAs } from './callers.ts'
import { type DetachOptions, detachOrRefuse, type Lost, lostObjects } from './detach-stacks.ts'
import { type Installation, labelsOf, timestamp } from './installation.ts'
import { keepsRepository } from './integration-losses.ts'
import { invalidField } from './invalid-field.ts'
import { requireDecision } from './require-decision.ts'

/** What Admins of a space may do with the spaces below (R28): nothing, or create, move and delete them. */
export type SpaceAdmins = 'off' | 'manage-subtree'

/** What decides about spaces beyond the caller's roles. */
export interface SpaceDependencies extends Installation {
  readonly spaceAdmins: SpaceAdmins
}

/** Creates a space: a root admin's right, or with `manage-subtree` that of an Admin of the parent (R28). */
export async function createSpace(dependencies: SpaceDependencies, asked: Caller, input: NewSpace): Promise<Space> {
  const now = dependencies.clock.now()
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
    await changeAs(dependencies, asked, async (transaction, caller) => {
      const tree = await readSpaceTree(transaction)
      const decision = decideSubtree(dependencies, caller, input.parentId, tree)
      const notFound = () => spaceNotFound(input.parentId, '/parentId')
      requireDecision(decision, `create spaces below "${input.parentId}"`, notFound)
      await insertSpace(transaction, row)
      await recordAudit(transaction, now, [
        { actor: actorOf(caller), action: 'space.create', object: `space:${row.id}` },
      ])
    })
  } catch (error) {
    if (!isUniqueViolation(error, 'space_pkey')) throw error
    throw new Problem('name_taken', `A space with the id "${row.id}" exists; give another name or slug.`)
  }
  // Whoever creates a space sees its parent.
  return toSpace(row)
}

export async function listSpaces(
  { db }: Installation,
  caller: Caller,
  request: PageRequest & LabelFilter,
): Promise<Page<Space>> {
  const tree = await readSpaceTree(db)
  const page = await listSpaceRows(db, request, authorisedSpaces(caller, 'read', tree))
  return mapPage(page, (row) => toSpace(withoutHiddenParent(row, caller, tree)))
}

export async function getSpace({ db }: Installation, caller: Caller, id: string): Promise<Space> {
  const tree = await readSpaceTree(db)
  return toSpace(withoutHiddenParent(await getSpaceFor(db, caller, 'read', id, tree), caller, tree))
}

/** Changes a space. Where stacks would lose their integration by it, `options` decide (R23). */
export async function updateSpace(
  dependencies: SpaceDependencies,
  asked: Caller,
  id: string,
  change: SpaceUpdate,
  options: DetachOptions,
  ifMatch?: string | undefined,
): Promise<{ space: Space } & Lost> {
  const now = dependencies.clock.now()
  return changeAs(dependencies, asked, async (transaction, caller) => {
    const tree = await readSpaceTree(transaction)
    const row = await getSpaceFor(transaction, caller, 'administer', id, tree)
    requireMatch(ifMatch, toSpace(withoutHiddenParent(row, caller, tree)))
    requireMove(dependencies, caller, row, change, tree)
    const changed = changedRow(row, change, tree)
    // Only stacks below the space can lose anything by it, and an Admin of the space sees them all.
    const losing = await stacksThatLose(transaction, changed)
    const lost = await detachOrRefuse(transaction, losing, 'space_changed', options, now, () => true)
    const space = toSpace(withoutHiddenParent(changed, caller, tree))
    if (options.dryRun) return { space, ...lost }
    const { id: _id, created_at: _createdAt, ...columns } = changed
    await updateSpaceRow(transaction, id, columns)
    await recordAudit(transaction, now, [
      {
        actor: actorOf(caller),
        action: 'space.update',
        object: `space:${id}`,
        details: { fields: Object.keys(change), detached: lostObjects(losing) },
      },
    ])
    return { space, ...lost }
  })
}

/** Deletes an empty space: the right of those who may create it (R28). */
export async function deleteSpace(
  dependencies: SpaceDependencies,
  asked: Caller,
  id: string,
  ifMatch?: string | undefined,
): Promise<void> {
  const now = dependencies.clock.now()
  await changeAs(dependencies, asked, async (transaction, caller) => {
    const tree = await readSpaceTree(transaction)
    const row = await getSpaceFor(transaction, caller, 'read', id, tree)
    const mayDelete =
      isRootAdmin(caller) || decideSubtree(dependencies, caller, row.parent_id ?? id, tree) === 'allowed'
    requireDecision(mayDelete ? 'allowed' : 'forbidden', `delete the space "${id}"`, () => spaceNotFound(id))
    requireMatch(ifMatch, toSpace(withoutHiddenParent(row, caller, tree)))
    if (id === rootSpaceId) throw new Problem('root_space', 'The root space cannot be deleted.')
    const contents = (await countSpaceContents(transaction, id)).filter(({ count }) => count > 0)
    if (contents.length > 0) {
      const list = contents.map(({ count, what }) => `${count} ${what}`).join(', ')
      throw new Problem('space_not_empty', `The space "${id}" holds ${list}; move or delete them first.`)
    }
    await deleteSpaceRow(transaction, id)
    await recordAudit(transaction, now, [{ actor: actorOf(caller), action: 'space.delete', object: `space:${id}` }])
  })
}

/**
 * Gives the space to whoever has the permission in it; answers 403 where the caller only sees it, and as if it did
 * not exist where not even that (S21).
 */
async function getSpaceFor(
  db: Database,
  caller: Caller,
  permission: 'read' | 'administer',
  id: string,
  tree: SpaceTree,
): Promise<SpaceRow> {
  const decision = tree.has(id) ? authoriseIn(caller, permission, id, tree) : 'hidden'
  requireDecision(decision, `change the space "${id}"`, () => spaceNotFound(id))
  const row = await findSpace(db, id)
  if (!row) throw spaceNotFound(id)
  return row
}

/** Who may change what lies directly below a space: a root admin, or with `manage-subtree` an Admin of it (R28). */
function decideSubtree(
  { spaceAdmins }: SpaceDependencies,
  caller: Caller,
  parentId: string,
  tree: SpaceTree,
): Decision {
  const decision = tree.has(parentId) ? authoriseIn(caller, 'administer', parentId, tree) : 'hidden'
  if (decision !== 'allowed' || spaceAdmins === 'manage-subtree' || isRootAdmin(caller)) return decision
  return 'forbidden'
}

/**
 * Moving a space, and letting it inherit, changes who sees its parent: every role in an inheriting space makes its
 * holder a Reader of the parent (R24). An Admin of the space alone would thereby open the parent to his people, so he
 * needs to be Admin of the parents, the old and the new one, too.
 */
function requireMove(
  dependencies: SpaceDependencies,
  caller: Caller,
  row: SpaceRow,
  change: SpaceUpdate,
  tree: SpaceTree,
): void {
  const parentId = change.parentId
  // Asked also where nothing moves: else the answer would tell who guesses the hidden parent.
  if (parentId !== undefined) {
    const isSeen = tree.has(parentId) && authoriseIn(caller, 'read', parentId, tree) === 'allowed'
    if (!isSeen) throw spaceNotFound(parentId, '/parentId')
  }
  const moves = parentId !== undefined && parentId !== row.parent_id
  const inherits = change.inheritEntities !== undefined && change.inheritEntities !== (row.inherit_entities === 1)
  if (!moves && !inherits) return
  const parents = [row.parent_id, ...(moves ? [parentId] : [])].filter((id) => id !== null)
  const mayMove = parents.every((id) => decideSubtree(dependencies, caller, id, tree) === 'allowed')
  if (mayMove || isRootAdmin(caller)) return
  throw new Problem(
    'forbidden',
    `Your roles do not allow you to move the space "${row.id}" or to change whether it inherits.`,
  )
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

function changedRow(row: SpaceRow, change: SpaceUpdate, tree: SpaceTree): SpaceRow {
  if (row.id === rootSpaceId && (change.parentId !== undefined || change.inheritEntities === true)) {
    throw new Problem('root_space', 'The root space has no parent: it cannot be moved, and inherits from nothing.')
  }
  if (change.parentId !== undefined && change.parentId !== row.parent_id) {
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
  return stacks.filter((stack) => keepsRepository(stack, before) && !keepsRepository(stack, after))
}

/** No answer names a space that the caller may not see, also not as the parent of one that he sees (R26). */
function withoutHiddenParent(row: SpaceRow, caller: Caller, tree: SpaceTree): SpaceRow {
  const isSeen = row.parent_id !== null && authoriseIn(caller, 'read', row.parent_id, tree) === 'allowed'
  return isSeen ? row : { ...row, parent_id: null }
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
