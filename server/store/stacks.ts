import type { ExpressionBuilder, Insertable, Selectable, Updateable } from 'kysely'
import type { Page, PageRequest } from '../../schemas/page.ts'
import { readPage } from './keyset-page.ts'
import type { Database, Tables } from './tables.ts'

export interface StackRow extends Selectable<Tables['stack']> {
  /** The slug of the integration that it is attached through. */
  readonly integration_slug: string | null
}

export interface StackFilter extends PageRequest {
  readonly spaceId?: string | undefined
  readonly integrationId?: string | undefined
  readonly detached?: boolean | undefined
}

export type DetachReason = 'integration_deleted' | 'integration_moved' | 'space_changed'

function selectStacks(db: Database) {
  return db
    .selectFrom('stack')
    .leftJoin('integration', 'integration.id', 'stack.integration_id')
    .selectAll('stack')
    .select('integration.slug as integration_slug')
}

/** Lists stacks by slug. */
export function listStackRows(db: Database, filter: StackFilter): Promise<Page<StackRow>> {
  const { ids, spaceId, integrationId, detached } = filter
  return readPage(
    'stacks',
    filter,
    (row) => [row.slug],
    ([after] = [], limit) =>
      selectStacks(db)
        .$if(ids !== undefined, (query) => query.where('stack.slug', 'in', ids ?? []))
        .$if(spaceId !== undefined, (query) => query.where('stack.space_id', '=', spaceId ?? ''))
        .$if(integrationId !== undefined, (query) => query.where('integration.slug', '=', integrationId ?? ''))
        .$if(detached !== undefined, (query) => query.where('stack.detached', '=', detached ? 1 : 0))
        .$if(after !== undefined, (query) => query.where('stack.slug', '>', after ?? ''))
        .orderBy('stack.slug')
        .limit(limit)
        .execute(),
  )
}

export function findStackRow(db: Database, slug: string): Promise<StackRow | undefined> {
  return selectStacks(db).where('stack.slug', '=', slug).executeTakeFirst()
}

export async function insertStack(db: Database, row: Insertable<Tables['stack']>): Promise<void> {
  await db.insertInto('stack').values(row).execute()
}

export async function updateStackRow(db: Database, id: string, change: Updateable<Tables['stack']>): Promise<void> {
  await db.updateTable('stack').set(change).where('id', '=', id).execute()
}

/** Deletes the stack, and with it its runs. */
export async function deleteStackRow(db: Database, id: string): Promise<void> {
  await db.deleteFrom('stack').where('id', '=', id).execute()
}

/** An attached stack, as far as its right to its integration depends on it (R22). */
export interface AttachedStack {
  readonly id: string
  readonly slug: string
  readonly spaceId: string
  readonly integrationId: string
  readonly integrationSpaceId: string
}

/** The stacks attached through an integration. */
export function listAttachedStacks(db: Database, integrationId: string): Promise<AttachedStack[]> {
  return selectAttached(db, (eb) => eb('stack.integration_id', '=', integrationId))
}

/** The stacks attached through any integration but the default one, whose use needs no inheritance. */
export function listInheritingStacks(db: Database): Promise<AttachedStack[]> {
  return selectAttached(db, (eb) => eb('integration.is_default', '=', 0))
}

function selectAttached(
  db: Database,
  where: (
    eb: ExpressionBuilder<Pick<Tables, 'stack' | 'integration'>, 'stack' | 'integration'>,
  ) => ReturnType<typeof eb>,
): Promise<AttachedStack[]> {
  return db
    .selectFrom('stack')
    .innerJoin('integration', 'integration.id', 'stack.integration_id')
    .select([
      'stack.id as id',
      'stack.slug as slug',
      'stack.space_id as spaceId',
      'integration.id as integrationId',
      'integration.space_id as integrationSpaceId',
    ])
    .where(where)
    .orderBy('stack.slug')
    .execute()
}

/** Detaches the stacks: they keep what they were attached to, for people to read, and say why and since when (R80). */
export async function detachStackRows(
  db: Database,
  stackIds: readonly string[],
  reason: DetachReason,
  now: number,
): Promise<void> {
  if (stackIds.length === 0) return
  await db
    .updateTable('stack')
    .set({
      integration_id: null,
      uses_default: 0,
      managed_by: null,
      attached_at: null,
      repository_id: null,
      detached: 1,
      detached_reason: reason,
      detached_at: now,
    })
    .where('id', 'in', stackIds)
    .execute()
}
