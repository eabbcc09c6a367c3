import type { Insertable, Selectable, Updateable } from 'kysely'
import type { LabelFilter, Page, PageRequest } from '../../schemas/page.ts'
import type { SpaceScope } from '../core/authorise.ts'
import { hasLabels } from './dialect/has-labels.ts'
import { countAtMost, readPage } from './keyset-page.ts'
import type { Database, Tables } from './tables.ts'
import { isInSpaces } from './visible.ts'

export type VcsAgentPoolRow = Selectable<Tables['vcs_agent_pool']>

export interface VcsAgentPoolFilter extends PageRequest, LabelFilter {
  readonly spaceId?: string | undefined
  readonly scope: SpaceScope
}

/** Lists VCS agent pools by slug. */
export function listVcsAgentPoolRows(db: Database, filter: VcsAgentPoolFilter): Promise<Page<VcsAgentPoolRow>> {
  const { ids, spaceId, scope } = filter
  const listed = () =>
    db
      .selectFrom('vcs_agent_pool')
      .where(isInSpaces(db, scope, 'vcs_agent_pool.space_id'))
      .where(hasLabels(db, 'vcs_agent_pool.labels', filter))
      .$if(ids !== undefined, (query) => query.where('slug', 'in', ids ?? []))
      .$if(spaceId !== undefined, (query) => query.where('space_id', '=', spaceId ?? ''))
  return readPage(
    'vcs-agent-pools',
    filter,
    (row) => [row.slug],
    ([after] = [], limit) =>
      listed()
        .selectAll()
        .$if(after !== undefined, (query) => query.where('slug', '>', after ?? ''))
        .orderBy('slug')
        .limit(limit)
        .execute(),
    (atMost) => countAtMost(db, listed().select('slug'), atMost),
  )
}

export function findVcsAgentPoolRow(db: Database, slug: string): Promise<VcsAgentPoolRow | undefined> {
  return db.selectFrom('vcs_agent_pool').selectAll().where('slug', '=', slug).executeTakeFirst()
}

export async function insertVcsAgentPool(db: Database, row: Insertable<Tables['vcs_agent_pool']>): Promise<void> {
  await db.insertInto('vcs_agent_pool').values(row).execute()
}

export async function updateVcsAgentPoolRow(
  db: Database,
  id: string,
  change: Updateable<Tables['vcs_agent_pool']>,
): Promise<void> {
  await db.updateTable('vcs_agent_pool').set(change).where('id', '=', id).execute()
}

export async function deleteVcsAgentPoolRow(db: Database, id: string): Promise<void> {
  await db.deleteFrom('vcs_agent_pool').where('id', '=', id).execute()
}
