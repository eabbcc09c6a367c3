import type { Expression, ExpressionBuilder, Insertable, Selectable, SqlBool, Updateable } from 'kysely'
import type { LabelFilter, Page, PageRequest } from '../../schemas/page.ts'
import type { SpaceScope } from '../core/authorise.ts'
import { hasLabels } from './dialect/has-labels.ts'
import { countAtMost, readPage } from './keyset-page.ts'
import type { Database, Tables } from './tables.ts'
import { isInSpaces } from './visible.ts'

/** Stacks and modules stand in one table; a slug is unique among those of its kind. */
export type StackKindName = 'stack' | 'module'

export interface StackRow extends Selectable<Tables['stack']> {
  /** The slug of the integration that it is attached through. */
  readonly integration_slug: string | null
}

export interface StackFilter extends PageRequest, LabelFilter {
  readonly kind: StackKindName
  /** The spaces whose stacks are listed. */
  readonly scope: SpaceScope
  readonly spaceId?: string | undefined
  readonly integrationId?: string | undefined
  readonly detached?: boolean | undefined
}

export type DetachReason = 'integration_deleted' | 'integration_moved' | 'space_changed' | 'repository_not_allowed'

function selectStacks(db: Database) {
  return db
    .selectFrom('stack')
    .leftJoin('integration', 'integration.id', 'stack.integration_id')
    .selectAll('stack')
    .select('integration.slug as integration_slug')
}

/** Lists the stacks, or the modules, of the scope by slug. */
export function listStackRows(db: Database, filter: StackFilter): Promise<Page<StackRow>> {
  const { kind, scope, ids, spaceId, integrationId, detached } = filter
  const listed = () =>
    selectStacks(db)
      .where('stack.kind', '=', kind)
      .where(isInSpaces(db, scope, 'stack.space_id'))
      .where(hasLabels(db, 'stack.labels', filter))
      .$if(ids !== undefined, (query) => query.where('stack.slug', 'in', ids ?? []))
      .$if(spaceId !== undefined, (query) => query.where('stack.space_id', '=', spaceId ?? ''))
      .$if(integrationId !== undefined, (query) => query.where('integration.slug', '=', integrationId ?? ''))
      .$if(detached !== undefined, (query) => query.where('stack.detached', '=', detached ? 1 : 0))
  return readPage(
    `${kind}s`,
    filter,
    (row) => [row.slug],
    ([after] = [], limit) =>
      listed()
        .$if(after !== undefined, (query) => query.where('stack.slug', '>', after ?? ''))
        .orderBy('stack.slug')
        .limit(limit)
        .execute(),
    (atMost) => countAtMost(db, listed(), atMost),
  )
}

export function findStackRow(db: Database, kind: StackKindName, slug: string): Promise<StackRow | undefined> {
  return selectStacks(db).where('stack.kind', '=', kind).where('stack.slug', '=', slug).executeTakeFirst()
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

/** An attached stack, as far as its right to its integration and its repository depends on it (R22, S24). */
export interface AttachedStack {
  readonly id: string
  readonly kind: StackKindName
  readonly slug: string
  readonly spaceId: string
  readonly projectKey: string | null
  readonly repositorySlug: string | null
  readonly integrationId: string
  readonly integrationSpaceId: string
  readonly integrationIsDefault: 0 | 1
  /** The integration's repository rules, as they are stored. */
  readonly integrationAccess: string | null
}

/** The stacks attached through an integration. */
export function listAttachedStacks(db: Database, integrationId: string): Promise<AttachedStack[]> {
  return selectAttached(db, (eb) => eb('stack.integration_id', '=', integrationId))
}

/** The spaces of the stacks attached to a repository through an integration: few, however many stacks there are. */
export async function listSpacesOfRepository(
  db: Database,
  integrationId: string,
  repositoryId: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom('stack')
    .select('space_id')
    .distinct()
    .where('integration_id', '=', integrationId)
    .where('repository_id', '=', repositoryId)
    .execute()
  return rows.map(({ space_id }) => space_id)
}

/** The stacks attached to a repository through an integration. */
export function listStacksOfRepository(
  db: Database,
  integrationId: string,
  repositoryId: number,
): Promise<AttachedStack[]> {
  return selectAttached(db, (eb) =>
    eb.and([eb('stack.integration_id', '=', integrationId), eb('stack.repository_id', '=', repositoryId)]),
  )
}

/** The stacks whose right to their integration or repository can end by a change of spaces. */
export function listInheritingStacks(db: Database): Promise<AttachedStack[]> {
  return selectAttached(db, (eb) =>
    eb.or([eb('integration.is_default', '=', 0), eb('integration.repository_access', 'is not', null)]),
  )
}

function selectAttached(
  db: Database,
  where: (eb: ExpressionBuilder<Pick<Tables, 'stack' | 'integration'>, 'stack' | 'integration'>) => Expression<SqlBool>,
): Promise<AttachedStack[]> {
  return db
    .selectFrom('stack')
    .innerJoin('integration', 'integration.id', 'stack.integration_id')
    .select([
      'stack.id as id',
      'stack.kind as kind',
      'stack.slug as slug',
      'stack.space_id as spaceId',
      'stack.project_key as projectKey',
      'stack.repository_slug as repositorySlug',
      'integration.id as integrationId',
      'integration.space_id as integrationSpaceId',
      'integration.is_default as integrationIsDefault',
      'integration.repository_access as integrationAccess',
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
