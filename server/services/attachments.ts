import { Problem } from '../../schemas/problem.ts'
import { canUseIntegration } from '../../schemas/rules/usable-spaces.ts'
import type { Attachment, NewAttachment } from '../../schemas/stack.ts'
import type { Caller } from '../core/authorise.ts'
import { recordAudit } from '../store/audit.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import { findDefaultIntegrationRow, findIntegrationRowById, type IntegrationRow } from '../store/integrations.ts'
import { lockSpaces, readSpaceTree } from '../store/spaces.ts'
import { repositoryKey } from '../store/stack-lookup.ts'
import { type StackRow, updateStackRow } from '../store/stacks.ts'
import type { Database } from '../store/tables.ts'
import { actorOf } from './actor.ts'
import { failWaitingRuns } from './fail-waiting-runs.ts'
import { findRepositoryId } from './find-repository.ts'
import type { Installation } from './installation.ts'
import { getVisibleIntegration } from './integration-view.ts'
import { fieldProblem } from './invalid-field.ts'
import { getStackRow, toAttachment } from './stack-view.ts'

/** An attachment that Bitbucket has confirmed, about to be written. */
export interface PreparedAttachment {
  readonly integration: IntegrationRow
  readonly usesDefault: boolean
  readonly projectKey: string
  readonly repositorySlug: string
  readonly repositoryId: number | null
}

/** Attaches a stack that has no attachment (R22); a detached one is thereby whole again (R80). */
export async function attachStack(
  installation: Installation,
  caller: Caller,
  slug: string,
  input: NewAttachment,
  skipVerification: boolean,
): Promise<Attachment> {
  const refuse = (row: StackRow) => {
    if (row.integration_id === null) return
    const how = row.managed_by === 'stack' ? 'by the repository written inside it' : 'by an attachment of its own'
    const detail = `The stack "${slug}" is attached to ${row.project_key}/${row.repository_slug} ${how}.`
    throw new Problem('stack_already_attached', detail)
  }
  return writeAttachment(installation, caller, slug, input, skipVerification, 'attachment.create', refuse)
}

/** Changes the integration or the repository of an attachment. */
export async function replaceAttachment(
  installation: Installation,
  caller: Caller,
  slug: string,
  input: NewAttachment,
  skipVerification: boolean,
): Promise<Attachment> {
  const refuse = (row: StackRow) => {
    if (row.integration_id === null) throw attachmentNotFound(slug)
    if (row.managed_by === 'attachment') return
    const detail = `The repository of the stack "${slug}" is written inside it; change the stack instead.`
    throw new Problem('stack_already_attached', detail)
  }
  return writeAttachment(installation, caller, slug, input, skipVerification, 'attachment.update', refuse)
}

export async function getAttachment({ db }: Installation, slug: string): Promise<Attachment> {
  const attachment = toAttachment(await getStackRow(db, slug))
  if (!attachment) throw attachmentNotFound(slug)
  return attachment
}

/** Ends an attachment of its own; a repository written inside the stack is none. */
export async function detachStack({ db, clock }: Installation, caller: Caller, slug: string): Promise<void> {
  const now = clock.now()
  await inWriteTransaction(db, async (transaction) => {
    const row = await getStackRow(transaction, slug)
    if (row.integration_id === null || row.managed_by !== 'attachment') throw attachmentNotFound(slug)
    await updateStackRow(transaction, row.id, detachmentColumns)
    await failWaitingRuns(transaction, [row.id], now)
    await recordAudit(transaction, now, [
      { actor: actorOf(caller), action: 'attachment.delete', object: `stack:${slug}` },
    ])
  })
}

async function writeAttachment(
  installation: Installation,
  caller: Caller,
  slug: string,
  input: NewAttachment,
  skipVerification: boolean,
  action: string,
  refuse: (row: StackRow) => void,
): Promise<Attachment> {
  const { db, clock } = installation
  const before = await getStackRow(db, slug)
  refuse(before)
  const prepared = await prepareAttachment(installation, caller, input, before.space_id, '', skipVerification, before)
  const now = clock.now()
  await inWriteTransaction(db, async (transaction) => {
    await lockSpaces(transaction)
    const row = await getStackRow(transaction, slug)
    refuse(row)
    await requireUsable(transaction, prepared, row.space_id, '/integrationId')
    const columns = attachmentColumns(prepared, 'attachment', now, row)
    await updateStackRow(transaction, row.id, columns)
    if (row.integration_id !== null && columns.head_commit === null) await failWaitingRuns(transaction, [row.id], now)
    await recordAudit(transaction, now, [
      { actor: actorOf(caller), action, object: `stack:${slug}`, details: { integration: prepared.integration.slug } },
    ])
  })
  return getAttachment(installation, slug)
}

/**
 * Finds the integration, checks that the stack's space may use it (R22), and asks Bitbucket for the repository: all
 * that must not happen inside a transaction. `pointer` is where the attachment stands in the request. What `before`
 * has confirmed already is not asked again.
 */
export async function prepareAttachment(
  { db, bitbucket }: Installation,
  caller: Caller,
  input: NewAttachment,
  spaceId: string,
  pointer: string,
  skipVerification: boolean,
  before?: StackRow,
): Promise<PreparedAttachment> {
  const integration =
    input.integrationId === null
      ? await getDefaultIntegration(db, `${pointer}/integrationId`)
      : await getVisibleIntegration(db, caller, input.integrationId, `${pointer}/integrationId`)
  const { projectKey, repositorySlug } = input
  const prepared = { integration, usesDefault: input.integrationId === null, projectKey, repositorySlug }
  await requireUsable(db, prepared, spaceId, `${pointer}/integrationId`)
  const isKnown =
    before?.integration_id === integration.id &&
    before.repository_key === repositoryKey(projectKey, repositorySlug) &&
    before.repository_id !== null
  const repositoryId = isKnown
    ? before.repository_id
    : await findRepositoryId(bitbucket, integration, { projectKey, repositorySlug }, pointer, skipVerification)
  return { ...prepared, repositoryId }
}

/** Refuses an integration that has gone meanwhile, or that the space may not use (R22). */
export async function requireUsable(
  db: Database,
  { integration }: Pick<PreparedAttachment, 'integration'>,
  spaceId: string,
  pointer: string,
): Promise<void> {
  const present = await findIntegrationRowById(db, integration.id)
  if (!present) {
    throw fieldProblem('integration_not_found', pointer, `There is no integration with the id "${integration.slug}".`)
  }
  const { is_default, space_id, slug } = present
  if (canUseIntegration({ isDefault: is_default === 1, spaceId: space_id }, spaceId, await readSpaceTree(db))) return
  const detail = `The integration "${slug}" of the space "${space_id}" cannot be used from the space "${spaceId}": it is not default, and "${spaceId}" does not inherit from there.`
  throw fieldProblem('integration_not_usable', pointer, detail)
}

/** The columns of a stack that is attached; a stack that follows another repository has no head commit yet. */
export function attachmentColumns(
  prepared: PreparedAttachment,
  managedBy: 'stack' | 'attachment',
  now: number,
  before?: StackRow,
) {
  const key = repositoryKey(prepared.projectKey, prepared.repositorySlug)
  const isSame =
    before?.integration_id === prepared.integration.id &&
    (before.repository_key === key || (before.repository_id !== null && before.repository_id === prepared.repositoryId))
  return {
    integration_id: prepared.integration.id,
    uses_default: prepared.usesDefault ? 1 : 0,
    project_key: prepared.projectKey,
    repository_slug: prepared.repositorySlug,
    repository_key: key,
    repository_id: prepared.repositoryId,
    managed_by: managedBy,
    attached_at: isSame ? before.attached_at : now,
    detached: 0,
    detached_reason: null,
    detached_at: null,
    head_commit: isSame ? before.head_commit : null,
  } as const
}

/** The columns of a stack without an attachment, because somebody wanted it so. */
export const detachmentColumns = {
  integration_id: null,
  uses_default: 0,
  project_key: null,
  repository_slug: null,
  repository_key: null,
  repository_id: null,
  managed_by: null,
  attached_at: null,
  detached: 0,
  detached_reason: null,
  detached_at: null,
  head_commit: null,
} as const

async function getDefaultIntegration(db: Database, pointer: string): Promise<IntegrationRow> {
  const integration = await findDefaultIntegrationRow(db)
  if (integration) return integration
  throw fieldProblem('integration_not_found', pointer, 'There is no default integration: name one by its id.')
}

function attachmentNotFound(slug: string): Problem {
  return new Problem('attachment_not_found', `The stack "${slug}" has no attachment of its own.`)
}
