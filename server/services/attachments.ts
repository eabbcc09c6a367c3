import { Problem } from '../../schemas/problem.ts'
import type { NewAttachment } from '../../schemas/stack.ts'
import type { Caller } from '../core/authorise.ts'
import { requireMatch } from '../core/etag.ts'
import { recordAudit } from '../store/audit.ts'
import { findStackRow, type StackRow, updateStackRow } from '../store/stacks.ts'
import { actorOf } from './actor.ts'
import { changeAs } from './callers.ts'
import { failWaitingRuns } from './fail-waiting-runs.ts'
import type { Installation } from './installation.ts'
import { attachmentColumns, detachmentColumns, prepareAttachment, requireUsable } from './stack-attachment.ts'
import { getStackFor, type StackKind } from './stack-view.ts'

type Kind<ShownAttachment> = StackKind<unknown, ShownAttachment>

/** Attaches what has no attachment (R22, R27); a detached stack or module is thereby whole again (R80). */
export function attachStack<Shown>(
  installation: Installation,
  caller: Caller,
  kind: Kind<Shown>,
  slug: string,
  input: NewAttachment,
  skipVerification: boolean,
): Promise<Shown> {
  const refuse = (row: StackRow) => {
    if (row.integration_id === null) return
    const how = row.managed_by === 'stack' ? 'by the repository written inside it' : 'by an attachment of its own'
    const detail = `The ${kind.name} "${slug}" is attached to ${row.project_key}/${row.repository_slug} ${how}.`
    throw new Problem('stack_already_attached', detail)
  }
  return writeAttachment(installation, caller, kind, slug, input, skipVerification, 'attachment.create', refuse)
}

/** Changes the integration or the repository of an attachment. */
export function replaceAttachment<Shown>(
  installation: Installation,
  caller: Caller,
  kind: Kind<Shown>,
  slug: string,
  input: NewAttachment,
  skipVerification: boolean,
  ifMatch?: string | undefined,
): Promise<Shown> {
  const refuse = (row: StackRow) => {
    if (row.integration_id === null) throw attachmentNotFound(kind, slug)
    if (row.managed_by !== 'attachment') {
      const detail = `The repository of the ${kind.name} "${slug}" is written inside it; change the ${kind.name} instead.`
      throw new Problem('stack_already_attached', detail)
    }
    requireMatch(ifMatch, kind.showAttachment(row))
  }
  return writeAttachment(installation, caller, kind, slug, input, skipVerification, 'attachment.update', refuse)
}

export async function getAttachment<Shown>(
  { db }: Installation,
  caller: Caller,
  kind: Kind<Shown>,
  slug: string,
): Promise<Shown> {
  return shownAttachment(kind, await getStackFor(db, caller, 'read', kind, slug))
}

/** Ends an attachment of its own; a repository written inside the stack is none. */
export async function detachStack(
  installation: Installation,
  asked: Caller,
  kind: Kind<unknown>,
  slug: string,
  ifMatch?: string | undefined,
): Promise<void> {
  await changeAs(installation, asked, async (transaction, caller) => {
    const now = installation.clock.now()
    const row = await getStackFor(transaction, caller, 'administer', kind, slug)
    if (row.integration_id === null || row.managed_by !== 'attachment') throw attachmentNotFound(kind, slug)
    requireMatch(ifMatch, kind.showAttachment(row))
    await updateStackRow(transaction, row.id, detachmentColumns)
    await failWaitingRuns(transaction, [row.id], now)
    await recordAudit(transaction, now, [
      { actor: actorOf(caller), action: 'attachment.delete', object: `${kind.name}:${slug}` },
    ])
  })
}

async function writeAttachment<Shown>(
  installation: Installation,
  asked: Caller,
  kind: Kind<Shown>,
  slug: string,
  input: NewAttachment,
  skipVerification: boolean,
  action: string,
  refuse: (row: StackRow) => void,
): Promise<Shown> {
  const before = await getStackFor(installation.db, asked, 'administer', kind, slug)
  refuse(before)
  const place = { pointer: '', branchPointer: '/repositorySlug', skipVerification, before }
  const prepared = await prepareAttachment(installation, asked, input, {
    ...place,
    spaceId: before.space_id,
    branch: before.branch,
  })
  return changeAs(installation, asked, async (transaction, caller) => {
    const now = installation.clock.now()
    const row = await getStackFor(transaction, caller, 'administer', kind, slug)
    refuse(row)
    await requireUsable(transaction, caller, prepared, row.space_id, '')
    const columns = attachmentColumns(prepared, 'attachment', now, row)
    await updateStackRow(transaction, row.id, columns)
    if (row.integration_id !== null && columns.head_commit === null) await failWaitingRuns(transaction, [row.id], now)
    const details = { integration: prepared.integration.slug }
    await recordAudit(transaction, now, [{ actor: actorOf(caller), action, object: `${kind.name}:${slug}`, details }])
    return shownAttachment(kind, await findStackRow(transaction, kind.name, slug))
  })
}

function shownAttachment<Shown>(kind: Kind<Shown>, row: StackRow | undefined): Shown {
  const attachment = row && kind.showAttachment(row)
  if (!attachment) throw attachmentNotFound(kind, row?.slug ?? '')
  return attachment
}

function attachmentNotFound(kind: Kind<unknown>, slug: string): Problem {
  return new Problem('attachment_not_found', `The ${kind.name} "${slug}" has no attachment of its own.`)
}
