import type { Insertable, Selectable, Updateable } from 'kysely'
import type { Page, PageRequest } from '../../schemas/page.ts'
import type { SpaceNode } from '../../schemas/rules/usable-spaces.ts'
import { rootSpaceId } from '../../schemas/space.ts'
import { readPage } from './keyset-page.ts'
import type { Database, Tables } from './tables.ts'

export type SpaceRow = Selectable<Tables['space']>

/** Lists spaces by id. */
export function listSpaces(db: Database, request: PageRequest): Promise<Page<SpaceRow>> {
  return readPage(
    'spaces',
    request,
    (row) => [row.id],
    ([after] = [], limit) =>
      db
        .selectFrom('space')
        .selectAll()
        .$if(request.ids !== undefined, (query) => query.where('id', 'in', request.ids ?? []))
        .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
        .orderBy('id')
        .limit(limit)
        .execute(),
  )
}

export function findSpace(db: Database, id: string): Promise<SpaceRow | undefined> {
  return db.selectFrom('space').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Reads how all spaces hang together. */
export async function readSpaceTree(db: Database): Promise<Map<string, SpaceNode>> {
  const rows = await db.selectFrom('space').select(['id', 'parent_id', 'inherit_entities']).execute()
  return new Map(
    rows.map((row) => [row.id, { id: row.id, parentId: row.parent_id, inheritEntities: row.inherit_entities === 1 }]),
  )
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

/** Deletes the space and the revoked API keys that name it. */
export async function deleteSpaceRow(db: Database, id: string): Promise<void> {
  await db.deleteFrom('api_key').where('space_id', '=', id).where('revoked_at', 'is not', null).execute()
  await db.deleteFrom('space').where('id', '=', id).execute()
}

/** Counts what lies directly in a space. */
export async function countSpaceContents(
  db: Database,
  id: string,
): Promise<{
  readonly spaces: number
  readonly integrations: number
  readonly stacks: number
  readonly apiKeys: number
}> {
  const counts = await db
    .selectNoFrom((eb) => [
      eb
        .selectFrom('space')
        .select((count) => count.fn.countAll().as('n'))
        .where('parent_id', '=', id)
        .as('spaces'),
      eb
        .selectFrom('integration')
        .select((count) => count.fn.countAll().as('n'))
        .where('space_id', '=', id)
        .as('integrations'),
      eb
        .selectFrom('stack')
        .select((count) => count.fn.countAll().as('n'))
        .where('space_id', '=', id)
        .as('stacks'),
      eb
        .selectFrom('api_key')
        .select((count) => count.fn.countAll().as('n'))
        .where('space_id', '=', id)
        .where('revoked_at', 'is', null)
        .as('apiKeys'),
    ])
    .executeTakeFirstOrThrow()
  return {
    spaces: Number(counts.spaces),
    integrations: Number(counts.integrations),
    stacks: Number(counts.stacks),
    apiKeys: Number(counts.apiKeys),
  }
}
