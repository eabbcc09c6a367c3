import { listBranches, listProjects, listRepositories, listTree } from '../../services/browse-repositories.ts'
import type { Installation } from '../../services/installation.ts'
import { listUsableIntegrations } from '../../services/usable-integrations.ts'
import type { Handlers } from '../handlers.ts'

export function browsingHandlers(
  installation: Installation,
): Pick<
  Handlers,
  | 'listBitbucketProjects'
  | 'listBitbucketRepositories'
  | 'listBitbucketBranches'
  | 'listBitbucketTree'
  | 'listUsableIntegrations'
> {
  return {
    listBitbucketProjects: ({ params, query }, { caller }) =>
      listProjects(installation, caller, { ...query, integrationId: params.id }),
    listBitbucketRepositories: ({ params, query }, { caller }) =>
      listRepositories(installation, caller, { ...query, integrationId: params.id }),
    listBitbucketBranches: ({ params, query }, { caller }) =>
      listBranches(installation, caller, { ...query, integrationId: params.id }),
    listBitbucketTree: ({ params, query }, { caller }) =>
      listTree(installation, caller, { ...query, integrationId: params.id }),
    listUsableIntegrations: ({ params, query }, { caller }) =>
      listUsableIntegrations(installation.db, caller, params.id, query),
  }
}
