import { Problem } from '../../schemas/problem.ts'
import type { Attachment, Detachment, Stack } from '../../schemas/stack.ts'
import { findStackRow, type StackRow } from '../store/stacks.ts'
import type { Database } from '../store/tables.ts'
import { labelsOf, timestamp } from './installation.ts'

export async function getStackRow(db: Database, slug: string): Promise<StackRow> {
  const row = await findStackRow(db, slug)
  if (!row) throw new Problem('stack_not_found', `There is no stack with the id "${slug}".`)
  return row
}

/** The stack as the API shows it. */
export function toStack(row: StackRow): Stack {
  return {
    id: row.slug,
    name: row.name,
    spaceId: row.space_id,
    branch: row.branch,
    projectRoot: row.project_root,
    labels: labelsOf(row.labels),
    description: row.description,
    attachment: toAttachment(row) ?? null,
    detached: toDetachment(row),
    headCommit: row.head_commit,
    createdAt: timestamp(row.created_at),
  }
}

/** The attachment as the API shows it; undefined where the stack has none. */
export function toAttachment(row: StackRow): Attachment | undefined {
  if (row.integration_slug === null || row.project_key === null || row.repository_slug === null) return undefined
  return {
    stackId: row.slug,
    integrationId: row.integration_slug,
    usesDefault: row.uses_default === 1,
    projectKey: row.project_key,
    repositorySlug: row.repository_slug,
    repositoryId: row.repository_id,
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
