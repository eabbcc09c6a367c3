import type { LabelFilter, Page, PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import { normalProjectRoot } from '../../schemas/rules/affected-paths.ts'
import type { NewStack, StackUpdate } from '../../schemas/stack.ts'
import { authorisedSpaces, authoriseIn, type Caller } from '../core/authorise.ts'
import { requireMatch } from '../core/etag.ts'
import { uuidv7 } from '../core/uuid-v7.ts'
import { recordAudit } from '../store/audit.ts'
import { isUniqueViolation } from '../store/dialect/unique-violation.ts'
import { findIntegrationRowById } from '../store/integrations.ts'
import { mapPage } from '../store/keyset-page.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import {
  deleteStackRow,
  findStackRow,
  insertStack,
  listStackRows,
  type StackRow,
  updateStackRow,
} from '../store/stacks.ts'
import type { Database } from '../store/tables.ts'
import { actorOf } from './actor.ts'
import { changeAs } from './callers.ts'
import { failWaitingRuns } from './fail-waiting-runs.ts'
import { findInBitbucket } from './find-repository.ts'
import type { Installation } from './installation.ts'
import { fieldProblem } from './invalid-field.ts'
import { requireDecision } from './require-decision.ts'
import { slugOf, spaceNotFound } from './spaces.ts'
import {
  attachmentColumns,
  detachmentColumns,
  type PreparedAttachment,
  prepareAttachment,
  requireStillUsable,
  requireUsable,
} from './stack-attachment.ts'
import { getStackFor, type StackKind } from './stack-view.ts'

/** Creates a stack or module, attached at once where its repository is given: the right of an Admin of its space (R27). */
export async function createStack<Shown>(
  installation: Installation,
  asked: Caller,
  kind: StackKind<Shown, unknown>,
  input: NewStack,
  skipVerification: boolean,
): Promise<Shown> {
  const { db, clock } = installation
  const slug = input.slug ?? slugOf(input.name)
  await requireSpaceAdmin(db, asked, input.spaceId)
  const place = { pointer: '/repository', branchPointer: '/branch', skipVerification }
  const prepared =
    input.repository &&
    (await prepareAttachment(installation, asked, input.repository, {
      ...place,
      spaceId: input.spaceId,
      branch: input.branch,
    }))
  try {
    return await changeAs(installation, asked, async (transaction, caller) => {
      await requireSpaceAdmin(transaction, caller, input.spaceId)
      if (prepared) await requireUsable(transaction, caller, prepared, input.spaceId, '/repository')
      const now = clock.now()
      const row = newRow(kind, slug, input, prepared, now)
      await insertStack(transaction, row)
      await recordAudit(transaction, now, [
        { actor: actorOf(caller), action: `${kind.name}.create`, object: `${kind.name}:${slug}` },
      ])
      return kind.show({ ...row, integration_slug: prepared ? prepared.integration.slug : null })
    })
  } catch (error) {
    if (!isUniqueViolation(error, 'stack_slug')) throw error
    // Not where: it may be a space that the caller does not see (S21).
    throw new Problem('name_taken', `The id "${slug}" is taken by a ${kind.name}; give another name or slug.`)
  }
}

export interface StackQuery extends PageRequest, LabelFilter {
  readonly spaceId?: string | undefined
  readonly integrationId?: string | undefined
  readonly detached?: 'true' | 'false' | undefined
}

/** Lists what the caller may read. */
export async function listStacks<Shown>(
  { db }: Installation,
  caller: Caller,
  kind: StackKind<Shown, unknown>,
  { detached, ...query }: StackQuery,
): Promise<Page<Shown>> {
  const page = await listStackRows(db, {
    ...query,
    kind: kind.name,
    scope: authorisedSpaces(caller, 'read', await readSpaceTree(db)),
    detached: detached === undefined ? undefined : detached === 'true',
  })
  return mapPage(page, kind.show)
}

export async function getStack<Shown>(
  { db }: Installation,
  caller: Caller,
  kind: StackKind<Shown, unknown>,
  slug: string,
): Promise<Shown> {
  return kind.show(await getStackFor(db, caller, 'read', kind, slug))
}

/**
 * Changes a stack or module; `repository` attaches it, detaches it (null), or is left alone (absent). A move needs an
 * Admin of both spaces (R27).
 */
export async function updateStack<Shown>(
  installation: Installation,
  asked: Caller,
  kind: StackKind<Shown, unknown>,
  slug: string,
  change: StackUpdate,
  skipVerification: boolean,
  ifMatch?: string | undefined,
): Promise<Shown> {
  const { db, clock } = installation
  const before = await getStackFor(db, asked, 'administer', kind, slug)
  const spaceId = change.spaceId ?? before.space_id
  if (change.spaceId !== undefined) await requireSpaceAdmin(db, asked, spaceId)
  if (change.repository !== undefined) refuseForeignAttachment(before)
  const place = { pointer: '/repository', branchPointer: '/branch', skipVerification, before }
  const prepared =
    change.repository &&
    (await prepareAttachment(installation, asked, change.repository, {
      ...place,
      spaceId,
      branch: change.branch ?? before.branch,
    }))
  const branchColumns = change.repository === undefined ? await verifyBranch(installation, before, change, place) : {}
  return changeAs(installation, asked, async (transaction, caller) => {
    const now = clock.now()
    const row = await getStackFor(transaction, caller, 'administer', kind, slug)
    requireMatch(ifMatch, kind.show(row))
    if (change.spaceId !== undefined) await requireSpaceAdmin(transaction, caller, spaceId)
    if (change.repository !== undefined) refuseForeignAttachment(row)
    if (prepared) await requireUsable(transaction, caller, prepared, spaceId, '/repository')
    else if (change.repository === undefined) await requireStillUsable(transaction, row, spaceId)
    const attachment = prepared ? attachmentColumns(prepared, 'stack', now, row) : undefined
    const isSamePlace = row.integration_id === before.integration_id && row.repository_key === before.repository_key
    await updateStackRow(transaction, row.id, {
      ...ownColumns(change),
      ...(isSamePlace ? branchColumns : {}),
      ...(change.repository === null ? detachmentColumns : {}),
      ...attachment,
    })
    const isLost = change.repository === null || attachment?.head_commit === null
    if (row.integration_id !== null && isLost) await failWaitingRuns(transaction, [row.id], now)
    const details = { fields: Object.keys(change) }
    await recordAudit(transaction, now, [
      { actor: actorOf(caller), action: `${kind.name}.update`, object: `${kind.name}:${slug}`, details },
    ])
    const changed = await findStackRow(transaction, kind.name, slug)
    if (!changed) throw new Error(`The ${kind.name} ${row.id} has gone inside its own transaction.`)
    return kind.show(changed)
  })
}

export async function deleteStack(
  installation: Installation,
  asked: Caller,
  kind: StackKind<unknown, unknown>,
  slug: string,
  ifMatch?: string | undefined,
): Promise<void> {
  await changeAs(installation, asked, async (transaction, caller) => {
    const row = await getStackFor(transaction, caller, 'administer', kind, slug)
    requireMatch(ifMatch, kind.show(row))
    await deleteStackRow(transaction, row.id)
    await recordAudit(transaction, installation.clock.now(), [
      { actor: actorOf(caller), action: `${kind.name}.delete`, object: `${kind.name}:${slug}` },
    ])
  })
}

/** Whether the caller may have stacks and modules in the space. */
async function requireSpaceAdmin(db: Database, caller: Caller, spaceId: string): Promise<void> {
  const tree = await readSpaceTree(db)
  const decision = tree.has(spaceId) ? authoriseIn(caller, 'administer', spaceId, tree) : 'hidden'
  requireDecision(decision, `have stacks and modules in the space "${spaceId}"`, () =>
    spaceNotFound(spaceId, '/spaceId'),
  )
}

/** An attachment of its own and a repository inside the stack exclude each other: each would undo the other. */
function refuseForeignAttachment(row: StackRow): void {
  if (row.integration_id === null || row.managed_by !== 'attachment') return
  const detail = `The ${row.kind} "${row.slug}" has an attachment of its own; change that, or delete it first.`
  throw fieldProblem('stack_already_attached', '/repository', detail)
}

/** Asks Bitbucket for a branch that the attached stack is to track from now on (R29). */
async function verifyBranch(
  { db, bitbucket }: Installation,
  before: StackRow,
  change: StackUpdate,
  { branchPointer, skipVerification }: { readonly branchPointer: string; readonly skipVerification: boolean },
): Promise<Partial<Pick<StackRow, 'repository_id' | 'verified'>>> {
  const { integration_id, project_key, repository_slug, repository_id } = before
  const isNew = change.branch !== undefined && (change.branch !== before.branch || before.verified === 0)
  if (!isNew || integration_id === null || project_key === null || repository_slug === null) return {}
  const integration = await findIntegrationRowById(db, integration_id)
  if (!integration) return {}
  const address = { projectKey: project_key, repositorySlug: repository_slug }
  const found = await findInBitbucket(bitbucket, integration, address, change.branch ?? before.branch, {
    repository: branchPointer,
    branch: branchPointer,
    skipVerification,
  })
  // Under the stored name there may be another repository by now: whose branches those are does not matter (R47).
  const isSame = repository_id === null || found.repositoryId === null || found.repositoryId === repository_id
  return isSame
    ? { repository_id: repository_id ?? found.repositoryId, verified: found.verified ? 1 : 0 }
    : { verified: 0 }
}

function newRow(
  { name }: StackKind<unknown, unknown>,
  slug: string,
  input: NewStack,
  prepared: PreparedAttachment | null,
  now: number,
): Omit<StackRow, 'integration_slug'> {
  return {
    id: uuidv7(now),
    kind: name,
    slug,
    name: input.name,
    space_id: input.spaceId,
    branch: input.branch,
    project_root: input.projectRoot,
    normal_root: normalProjectRoot(input.projectRoot),
    labels: JSON.stringify(input.labels),
    description: input.description,
    ...detachmentColumns,
    ...(prepared ? attachmentColumns(prepared, 'stack', now) : {}),
    created_at: now,
  }
}

function ownColumns(change: StackUpdate) {
  const { name, spaceId, branch, projectRoot, labels, description } = change
  return {
    ...(name === undefined ? {} : { name }),
    ...(spaceId === undefined ? {} : { space_id: spaceId }),
    ...(branch === undefined ? {} : { branch }),
    ...(projectRoot === undefined ? {} : { project_root: projectRoot, normal_root: normalProjectRoot(projectRoot) }),
    ...(labels === undefined ? {} : { labels: JSON.stringify(labels) }),
    ...(description === undefined ? {} : { description }),
  }
}
