import type { Page } from '../../schemas/page.ts'
import type { UsableIntegration } from '../../schemas/repository-browsing.ts'
import { explainUse, type UseExplanation } from '../../schemas/rules/usable-spaces.ts'
import { authorisedIntegrations, authoriseIn, type Caller } from '../core/authorise.ts'
import { listIntegrationRows } from '../store/integrations.ts'
import { mapPage } from '../store/keyset-page.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import type { Database } from '../store/tables.ts'
import { requireDecision } from './require-decision.ts'
import { spaceNotFound } from './spaces.ts'

/** Says of each integration that the caller sees whether the space may use it, and why (R22). */
export async function listUsableIntegrations(
  db: Database,
  caller: Caller,
  spaceId: string,
  page: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Page<UsableIntegration>> {
  const tree = await readSpaceTree(db)
  const decision = tree.has(spaceId) ? authoriseIn(caller, 'read', spaceId, tree) : 'hidden'
  requireDecision(decision, `read the space "${spaceId}"`, () => spaceNotFound(spaceId))
  const scope = authorisedIntegrations(caller, 'see-integrations', tree)
  return mapPage(await listIntegrationRows(db, { ...page, scope }), (row) => {
    const use = explainUse({ isDefault: row.is_default === 1, spaceId: row.space_id }, spaceId, tree)
    return {
      integrationId: row.slug,
      integrationName: row.name,
      spaceId: row.space_id,
      ...use,
      path: [...use.path],
      why: inWords(use, spaceId, row.space_id),
    }
  })
}

function inWords({ reason, path }: UseExplanation, spaceId: string, integrationSpaceId: string): string {
  switch (reason) {
    case 'default':
      return 'It is the default integration, which every space may use.'
    case 'same_space':
      return `It lives in "${spaceId}" itself.`
    case 'inherited':
      return `It lives in "${integrationSpaceId}", and every space on the way there inherits: ${path.join(' > ')}.`
    case 'blocked':
      return `It lives in "${integrationSpaceId}" above, but "${path.at(-1)}" does not inherit from its parent.`
    case 'elsewhere':
      return `It lives in "${integrationSpaceId}", which is neither "${spaceId}" nor above it.`
  }
}
