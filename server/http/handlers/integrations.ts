import type { Installation } from '../../services/installation.ts'
import { readIntegrationDetails } from '../../services/integration-details.ts'
import { testIntegration, testNewConnection } from '../../services/integration-tests.ts'
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
  | 'readIntegrationDetails'
  | 'testIntegration'
  | 'testConnection'
> {
  return {
    createIntegration: ({ body }, { caller }) => createIntegration(installation, caller, body),
    listIntegrations: ({ query }, { caller }) => listIntegrations(installation, caller, query),
    getIntegration: ({ params }, { caller }) => getIntegration(installation, caller, params.id),
    updateIntegration: ({ params, query, body }, { caller, ifMatch }) =>
      updateIntegration(installation, caller, params.id, body, query, ifMatch),
    deleteIntegration: ({ params, query }, { caller, ifMatch }) =>
      deleteIntegration(installation, caller, params.id, query.dryRun, ifMatch),
    readIntegrationDetails: ({ params }, { caller }) => readIntegrationDetails(installation, caller, params.id),
    testIntegration: ({ params, body }, { caller }) => testIntegration(installation, caller, params.id, body),
    testConnection: ({ body }, { caller }) => testNewConnection(installation, caller, body),
    readWebhookCredentials: ({ params }, { caller }) => readWebhookCredentials(installation, caller, params.id),
  }
}
