import type { Installation } from '../../services/installation.ts'
import {
  createVcsAgentPool,
  deleteVcsAgentPool,
  getVcsAgentPool,
  listVcsAgentPools,
  updateVcsAgentPool,
} from '../../services/vcs-agent-pools.ts'
import type { Handlers } from '../handlers.ts'

export function vcsAgentPoolHandlers(
  installation: Installation,
): Pick<
  Handlers,
  'createVcsAgentPool' | 'listVcsAgentPools' | 'getVcsAgentPool' | 'updateVcsAgentPool' | 'deleteVcsAgentPool'
> {
  return {
    createVcsAgentPool: ({ body }, { caller }) => createVcsAgentPool(installation, caller, body),
    listVcsAgentPools: ({ query }, { caller }) => listVcsAgentPools(installation, caller, query),
    getVcsAgentPool: ({ params }, { caller }) => getVcsAgentPool(installation, caller, params.id),
    updateVcsAgentPool: ({ params, body }, { caller, ifMatch }) =>
      updateVcsAgentPool(installation, caller, params.id, body, ifMatch),
    deleteVcsAgentPool: async ({ params }, { caller, ifMatch }) => {
      await deleteVcsAgentPool(installation, caller, params.id, ifMatch)
      return undefined
    },
  }
}
