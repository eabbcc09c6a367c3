import { canUseIntegration } from '../../schemas/rules/usable-spaces.ts'
import type { NewAttachment } from '../../schemas/stack.ts'
import { authoriseIntegration, type Caller } from '../core/authorise.ts'
import { findDefaultIntegrationRow, findIntegrationRowById, type IntegrationRow } from '../store/integrations.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import { repositoryKey } from '../store/stack-lookup.ts'
import type { StackRow } from '../store/stacks.ts'
import type { Database } from '../store/tables.ts'
import { type FoundRepository, findInBitbucket } from './find-repository.ts'
import type { Installation } from './installation.ts'
import { getIntegrationFor, placeOf } from './integration-view.ts'
import { fieldProblem } from './invalid-field.ts'
import { requireOwnAccess, requireRepository } from './repository-access.ts'

/** An attachment that Bitbucket has confirmed, about to be written. */
export interface PreparedAttachment extends FoundRepository {
  readonly integration: IntegrationRow
  readonly usesDefault: boolean
  readonly projectKey: string
  readonly repositorySlug: string
}

/** What is to be attached, and where the request says so. */
export interface AttachmentPlace {
  readonly spaceId: string
  readonly branch: string
  /** Where the attachment stands in the request. */
  readonly pointer: string
  /** Where the branch stands in the request. */
  readonly branchPointer: string
  readonly skipVerification: boolean
  /** The stack or module as it is, where there is one. */
  readonly before?: StackRow
}

/**
 * Finds the integration, checks that the space may use it (R22), and asks Bitbucket for repository and branch (R29):
 * all that must not happen inside a transaction. What `before` has confirmed already is not asked again.
 */
export async function prepareAttachment(
  { db, bitbucket }: Installation,
  caller: Caller,
  input: NewAttachment,
  place: AttachmentPlace,
): Promise<PreparedAttachment> {
  const { spaceId, branch, pointer, branchPointer, skipVerification, before } = place
  const integration =
    input.integrationId === null
      ? await getDefaultIntegration(db, `${pointer}/integrationId`)
      : await getIntegrationFor(db, caller, 'see-integrations', input.integrationId, `${pointer}/integrationId`)
  const { projectKey, repositorySlug } = input
  const prepared = { integration, usesDefault: input.integrationId === null, projectKey, repositorySlug }
  await requireUsable(db, caller, prepared, spaceId, pointer)
  // Before the shared token is used: its answer would tell what the person may not see.
  await requireOwnAccess(bitbucket, integration, prepared, input.bitbucketToken, `${pointer}/bitbucketToken`)
  const isKnown =
    before?.integration_id === integration.id &&
    before.repository_key === repositoryKey(projectKey, repositorySlug) &&
    before.repository_id !== null &&
    before.verified === 1 &&
    before.branch === branch
  if (isKnown) return { ...prepared, repositoryId: before.repository_id, verified: true }
  const found = await findInBitbucket(bitbucket, integration, { projectKey, repositorySlug }, branch, {
    repository: `${pointer}/repositorySlug`,
    branch: branchPointer,
    skipVerification,
  })
  return { ...prepared, ...found }
}

/**
 * Refuses an integration that has gone meanwhile, that the caller does not see any more, or that the space may not use
 * (R22), and a repository that it does not lend to the space (S24). `pointer` is where the attachment stands.
 */
export async function requireUsable(
  db: Database,
  caller: Caller,
  { integration, ...repository }: Pick<PreparedAttachment, 'integration' | 'projectKey' | 'repositorySlug'>,
  spaceId: string,
  pointer: string,
): Promise<void> {
  const present = await findIntegrationRowById(db, integration.id)
  const tree = await readSpaceTree(db)
  const at = `${pointer}/integrationId`
  if (!present || authoriseIntegration(caller, 'see-integrations', placeOf(present), tree) !== 'allowed') {
    throw fieldProblem('integration_not_found', at, `There is no integration with the id "${integration.slug}".`)
  }
  const { is_default, space_id, slug } = present
  if (!canUseIntegration({ isDefault: is_default === 1, spaceId: space_id }, spaceId, tree)) {
    const detail = `The integration "${slug}" of the space "${space_id}" cannot be used from the space "${spaceId}": it is not default, and "${spaceId}" does not inherit from there.`
    throw fieldProblem('integration_not_usable', at, detail)
  }
  requireRepository(present, spaceId, repository, tree, `${pointer}/repositorySlug`)
}

/** Refuses a move of what is attached to a space that may not use its integration or repository (R22, S30). */
export async function requireStillUsable(db: Database, row: StackRow, spaceId: string): Promise<void> {
  if (row.integration_id === null || spaceId === row.space_id) return
  const integration = await findIntegrationRowById(db, row.integration_id)
  if (!integration) return
  const { is_default, space_id } = integration
  const tree = await readSpaceTree(db)
  if (canUseIntegration({ isDefault: is_default === 1, spaceId: space_id }, spaceId, tree)) {
    const repository = { projectKey: row.project_key ?? '', repositorySlug: row.repository_slug ?? '' }
    return requireRepository(integration, spaceId, repository, tree, '/spaceId')
  }
  const detail = `The integration "${integration.slug}" cannot be used from the space "${spaceId}"; detach the ${row.kind} first, or choose another.`
  throw fieldProblem('integration_not_usable', '/spaceId', detail)
}

/** The columns of what is attached; what follows another repository than before has no head commit yet. */
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
    verified: prepared.verified ? 1 : 0,
    managed_by: managedBy,
    attached_at: isSame ? before.attached_at : now,
    detached: 0,
    detached_reason: null,
    detached_at: null,
    head_commit: isSame ? before.head_commit : null,
  } as const
}

/** The columns of what has no attachment, because somebody wanted it so. */
export const detachmentColumns = {
  integration_id: null,
  uses_default: 0,
  project_key: null,
  repository_slug: null,
  repository_key: null,
  repository_id: null,
  verified: 1,
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
