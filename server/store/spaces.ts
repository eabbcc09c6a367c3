import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { LabelFilter, Page, PageRequest } from '../../schemas/page.ts'
import { rootSpaceId } from '../../schemas/space.ts'
import type { SpaceScope } from '../core/authorise.ts'
import { hasLabels } from './dialect/has-labels.ts'
import { forgetSpaceInRepositoryRules } from './integrations.ts'
import { countAtMost, readPage } from './keyset-page.ts'
import type { Database, Tables } from './tables.ts'
import { isInSpaces } from './visible.ts'

export type SpaceRow = Selectable<Tables['space']>

/** Lists those spaces of the scope by id. */
export function listSpaces(
  db: Database,
  request: PageRequest & LabelFilter,
  scope: SpaceScope,
): Promise<Page<SpaceRow>> {
  const listed = () =>
    db
      .selectFrom('space')
      .where(isInSpaces(db, scope, 'space.id'))
      .where(hasLabels(db, 'space.labels', request))
      .$if(request.ids !== undefined, (query) => query.where('id', 'in', request.ids ?? []))
  return readPage(
    'spaces',
    request,
    (row) => [row.id],
    ([after] = [], limit) =>
      listed()
        .selectAll()
        .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
        .orderBy('id')
        .limit(limit)
        .execute(),
    (atMost) => countAtMost(db, listed().select('id'), atMost),
  )
}

export function findSpace(db: Database, id: string): Promise<SpaceRow | undefined> {
  return db.selectFrom('space').selectAll().where('id', '=', id).executeTakeFirst()
}

/**
 * Makes this transaction the only one that changes spaces, integrations or attachments until it ends: what it reads
 * of them stays true while it writes. An update that changes nothing locks the row on both databases.
 */
export async function lockSpaces(db: Database): Promise<void> {
  await db
    .updateTable('space')
    .set((eb) => ({ id: eb.ref('id') }))
    .where('id', '=', rootSpaceId)
    .execute()
}

export async function insertSpace(db: Database, row: Insertable<Tables['space']>): Promise<void> {
  await db.insertInto('space').values(row).execute()
}

export async function updateSpaceRow(db: Database, id: string, change: Updateable<Tables['space']>): Promise<void> {
  await db.updateTable('space').set(change).where('id', '=', id).execute()
}

/** Deletes the space, the revoked API keys that name it, and what repository rules grant to it. */
export async function deleteSpaceRow(db: Database, id: string): Promise<void> {
  await forgetSpaceInRepositoryRules(db, id)
  await db.deleteFrom('api_key').where('space_id', '=', id).where('revoked_at', 'is not', null).execute()
  await db.deleteFrom('space').where('id', '=', id).execute()
}

/** What keeps a space from being deleted, in the words of the answer: tables whose rows lie in a space. */
const contents = [
  { what: 'spaces', table: 'space', column: 'parent_id' },
  { what: 'integrations', table: 'integration', column: 'space_id' },
  { what: 'stacks', table: 'stack', column: 'space_id', kind: 'stack' },
  { what: 'modules', table: 'stack', column: 'space_id', kind: 'module' },
  { what: 'VCS agent pools', table: 'vcs_agent_pool', column: 'space_id' },
  { what: 'roles of users', table: 'user_role', column: 'space_id' },
] as const

/** Counts what lies directly in a space (R20). */
export async function countSpaceContents(
  db: Database,
  id: string,
): Promise<{ readonly what: string; readonly count: number }[]> {
  const counts = []
  for (const { what, table, column, ...rest } of contents) {
    const ofKind = 'kind' in rest ? sql`and kind = ${rest.kind}` : sql``
    const { rows } = await sql<{ n: number | string }>`
      select count(*) as n from ${sql.table(table)} where ${sql.ref(column)} = ${id} ${ofKind}`.execute(db)
    counts.push({ what, count: Number(rows[0]?.n ?? 0) })
  }
  const keys = await db
    .selectFrom('api_key')
    .select((eb) => eb.fn.countAll().as('n'))
    .where('space_id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirstOrThrow()
  return [...counts, { what: 'API keys', count: Number(keys.n) }]
}
