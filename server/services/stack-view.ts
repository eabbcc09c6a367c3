import type { Module, ModuleAttachment } from '../../schemas/module.ts'
import type { Permission } from '../../schemas/operation.ts'
import { Problem, type ProblemCode } from '../../schemas/problem.ts'
import type { Attachment, Detachment, Stack } from '../../schemas/stack.ts'
import { authoriseIn, type Caller } from '../core/authorise.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import { findStackRow, type StackKindName, type StackRow } from '../store/stacks.ts'
import type { Database } from '../store/tables.ts'
import { labelsOf, timestamp } from './installation.ts'
import { requireDecision } from './require-decision.ts'

/** How stacks and modules differ: in their names, and in how they are shown. The rest is one. */
export interface StackKind<Shown, ShownAttachment> {
  readonly name: StackKindName
  readonly notFound: ProblemCode
  /** The object as the API shows it. */
  readonly show: (row: StackRow) => Shown
  /** Its attachment; undefined where it has none. */
  readonly showAttachment: (row: StackRow) => ShownAttachment | undefined
}

export const stackKind: StackKind<Stack, Attachment> = {
  name: 'stack',
  notFound: 'stack_not_found',
  show: (row) => ({ ...fieldsOf(row), attachment: stackKind.showAttachment(row) ?? null }),
  showAttachment: (row) => {
    const fields = attachmentFieldsOf(row)
    return fields && { stackId: row.slug, ...fields }
  },
}

export const moduleKind: StackKind<Module, ModuleAttachment> = {
  name: 'module',
  notFound: 'module_not_found',
  show: (row) => ({ ...fieldsOf(row), attachment: moduleKind.showAttachment(row) ?? null }),
  showAttachment: (row) => {
    const fields = attachmentFieldsOf(row)
    return fields && { moduleId: row.slug, ...fields }
  },
}

/**
 * Gives the stack or module to whoever has the permission in its space (R27); answers 403 where the caller only sees
 * it, and as if it did not exist where not even that (S21).
 */
export async function getStackFor(
  db: Database,
  caller: Caller,
  permission: Permission,
  kind: Pick<StackKind<unknown, unknown>, 'name' | 'notFound'>,
  slug: string,
): Promise<StackRow> {
  const row = await findStackRow(db, kind.name, slug)
  const decision = row ? authoriseIn(caller, permission, row.space_id, await readSpaceTree(db)) : 'hidden'
  const notFound = () => new Problem(kind.notFound, `There is no ${kind.name} with the id "${slug}".`)
  requireDecision(decision, `do this with the ${kind.name} "${slug}"`, notFound)
  if (!row) throw notFound()
  return row
}

function fieldsOf(row: StackRow) {
  return {
    id: row.slug,
    name: row.name,
    spaceId: row.space_id,
    branch: row.branch,
    projectRoot: row.project_root,
    labels: labelsOf(row.labels),
    description: row.description,
    detached: toDetachment(row),
    headCommit: row.head_commit,
    createdAt: timestamp(row.created_at),
  }
}

function attachmentFieldsOf(row: StackRow): Omit<Attachment, 'stackId'> | undefined {
  if (row.integration_slug === null || row.project_key === null || row.repository_slug === null) return undefined
  return {
    integrationId: row.integration_slug,
    usesDefault: row.uses_default === 1,
    projectKey: row.project_key,
    repositorySlug: row.repository_slug,
    repositoryId: row.repository_id,
    verified: row.verified === 1,
    managedBy: row.managed_by ?? 'stack',
    attachedAt: timestamp(row.attached_at ?? row.created_at),
  }
}

function toDetachment(row: StackRow): Detachment | null {
  if (row.detached === 0 || row.project_key === null || row.repository_slug === null) return null
  return {
    reason: (row.detached_reason ?? 'integration_deleted') as Detachment['reason'],
    since: timestamp(row.detached_at ?? row.created_at),
    projectKey: row.project_key,
    repositorySlug: row.repository_slug,
  }
}
