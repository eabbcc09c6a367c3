import type { Page, PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import { normalProjectRoot } from '../../schemas/rules/affected-paths.ts'
import { canUseIntegration } from '../../schemas/rules/usable-spaces.ts'
import type { NewStack, Stack, StackUpdate } from '../../schemas/stack.ts'
import type { Caller } from '../core/authorise.ts'
import { uuidv7 } from '../core/uuid-v7.ts'
import { recordAudit } from '../store/audit.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import { isUniqueViolation } from '../store/dialect/unique-violation.ts'
import { findIntegrationRowById } from '../store/integrations.ts'
import { mapPage } from '../store/keyset-page.ts'
import { findSpace, lockSpaces, readSpaceTree } from '../store/spaces.ts'
import { deleteStackRow, insertStack, listStackRows, type StackRow, updateStackRow } from '../store/stacks.ts'
import type { Database } from '../store/tables.ts'
import { actorOf } from './actor.ts'
import { attachmentColumns, detachmentColumns, prepareAttachment, requireUsable } from './attachments.ts'
import { failWaitingRuns } from './fail-waiting-runs.ts'
import type { Installation } from './installation.ts'
import { fieldProblem } from './invalid-field.ts'
import { slugOf, spaceNotFound } from './spaces.ts'
import { getStackRow, toStack } from './stack-view.ts'

/** Creates a stack, attached at once where its repository is given. */
export async function createStack(
  installation: Installation,
  caller: Caller,
  input: NewStack,
  skipVerification: boolean,
): Promise<Stack> {
  const { db, clock } = installation
  const now = clock.now()
  const slug = input.slug ?? slugOf(input.name)
  const prepared =
    input.repository &&
    (await prepareAttachment(installation, caller, input.repository, input.spaceId, '/repository', skipVerification))
  const row: Omit<StackRow, 'integration_slug'> = {
    id: uuidv7(now),
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
  try {
    await inWriteTransaction(db, async (transaction) => {
      await lockSpaces(transaction)
      if (!(await findSpace(transaction, input.spaceId))) throw spaceNotFound(input.spaceId, '/spaceId')
      if (prepared) await requireUsable(transaction, prepared, input.spaceId, '/repository/integrationId')
      await insertStack(transaction, row)
      await recordAudit(transaction, now, [{ actor: actorOf(caller), action: 'stack.create', object: `stack:${slug}` }])
    })
  } catch (error) {
    if (!isUniqueViolation(error, 'stack_slug')) throw error
    throw new Problem('name_taken', `A stack with the id "${slug}" exists; give another name or slug.`)
  }
  return toStack({ ...row, integration_slug: prepared ? prepared.integration.slug : null })
}

export interface StackQuery extends PageRequest {
  readonly spaceId?: string | undefined
  readonly integrationId?: string | undefined
  readonly detached?: 'true' | 'false' | undefined
}

export async function listStacks({ db }: Installation, { detached, ...query }: StackQuery): Promise<Page<Stack>> {
  const page = await listStackRows(db, {
    ...query,
    detached: detached === undefined ? undefined : detached === 'true',
  })
  return mapPage(page, toStack)
}

export async function getStack({ db }: Installation, slug: string): Promise<Stack> {
  return toStack(await getStackRow(db, slug))
}

/** Changes a stack; `repository` attaches it, detaches it (null), or is left alone (absent). */
export async function updateStack(
  installation: Installation,
  caller: Caller,
  slug: string,
  change: StackUpdate,
  skipVerification: boolean,
): Promise<Stack> {
  const { db, clock } = installation
  const now = clock.now()
  const before = await getStackRow(db, slug)
  const spaceId = change.spaceId ?? before.space_id
  if (change.repository !== undefined) refuseForeignAttachment(before)
  const prepared =
    change.repository &&
    (await prepareAttachment(installation, caller, change.repository, spaceId, '/repository', skipVerification, before))
  await inWriteTransaction(db, async (transaction) => {
    await lockSpaces(transaction)
    const row = await getStackRow(transaction, slug)
    if (change.repository !== undefined) refuseForeignAttachment(row)
    if (change.spaceId !== undefined && !(await findSpace(transaction, spaceId))) {
      throw spaceNotFound(spaceId, '/spaceId')
    }
    if (prepared) await requireUsable(transaction, prepared, spaceId, '/repository/integrationId')
    else if (change.repository === undefined) await requireStillUsable(transaction, row, spaceId)
    const attachment = prepared ? attachmentColumns(prepared, 'stack', now, row) : undefined
    await updateStackRow(transaction, row.id, {
      ...ownColumns(change),
      ...(change.repository === null ? detachmentColumns : {}),
      ...attachment,
    })
    const isLost = change.repository === null || attachment?.head_commit === null
    if (row.integration_id !== null && isLost) await failWaitingRuns(transaction, [row.id], now)
    await recordAudit(transaction, now, [
      {
        actor: actorOf(caller),
        action: 'stack.update',
        object: `stack:${slug}`,
        details: { fields: Object.keys(change) },
      },
    ])
  })
  return getStack(installation, slug)
}

export async function deleteStack({ db, clock }: Installation, caller: Caller, slug: string): Promise<void> {
  const now = clock.now()
  await inWriteTransaction(db, async (transaction) => {
    const row = await getStackRow(transaction, slug)
    await deleteStackRow(transaction, row.id)
    await recordAudit(transaction, now, [{ actor: actorOf(caller), action: 'stack.delete', object: `stack:${slug}` }])
  })
}

/** An attachment of its own and a repository inside the stack exclude each other: each would undo the other. */
function refuseForeignAttachment(row: StackRow): void {
  if (row.integration_id === null || row.managed_by !== 'attachment') return
  const detail = `The stack "${row.slug}" has an attachment of its own; change that, or delete it first.`
  throw fieldProblem('stack_already_attached', '/repository', detail)
}

async function requireStillUsable(db: Database, row: StackRow, spaceId: string): Promise<void> {
  if (row.integration_id === null || spaceId === row.space_id) return
  const integration = await findIntegrationRowById(db, row.integration_id)
  if (!integration) return
  const { is_default, space_id } = integration
  if (canUseIntegration({ isDefault: is_default === 1, spaceId: space_id }, spaceId, await readSpaceTree(db))) return
  const detail = `The integration "${integration.slug}" cannot be used from the space "${spaceId}"; detach the stack first, or choose another.`
  throw fieldProblem('integration_not_usable', '/spaceId', detail)
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
