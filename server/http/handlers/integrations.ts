import type { Installation } from '../../services/installation.ts'
import {
  createIntegration,
  deleteIntegration,
  getIntegration,
  listIntegrations,
  updateIntegration,
} from '../../services/integrations.ts'
import { readWebhookCredentials } from '../../services/webhook-credentials.ts'
import type { Handlers } from '../handlers.ts'

export function integrationHandlers(
  installation: Installation,
): Pick<
  Handlers,
  | 'createIntegration'
  | 'listIntegrations'
  | 'getIntegration'
  | 'updateIntegration'
  | 'deleteIntegration'
  | 'readWebhookCredentials'
> {
  return {
    createIntegration: ({ body }, { caller }) => createIntegration(installation, caller, body),
    listIntegrations: ({ query }, { caller }) => listIntegrations(installation, caller, query),
    getIntegration: ({ params }, { caller }) => getIntegration(installation, caller, params.id),
    updateIntegration: ({ params, query, body }, { caller }) =>
      updateIntegration(installation, caller, params.id, body, query),
    deleteIntegration: ({ params, query }, { caller }) =>
      deleteIntegration(installation, caller, params.id, query.dryRun),
    readWebhookCredentials: ({ params }, { caller }) => readWebhookCredentials(installation, caller, params.id),
  }
}
