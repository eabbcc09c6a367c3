import type { Installation } from '../../services/installation.ts'
import { forgetRegistration, listRegistrations, reportRegistration } from '../../services/registrations.ts'
import { listWebhookTargets } from '../../services/webhook-targets.ts'
import type { Handlers } from '../handlers.ts'

export function webhookTargetHandlers(
  installation: Installation,
): Pick<Handlers, 'listWebhookTargets' | 'reportRegistration' | 'listRegistrations' | 'forgetRegistration'> {
  return {
    listWebhookTargets: ({ query }, { caller }) => listWebhookTargets(installation, caller, query),
    reportRegistration: ({ body }, { caller }) => reportRegistration(installation, caller, body),
    listRegistrations: ({ query }, { caller }) => listRegistrations(installation, caller, query),
    forgetRegistration: async ({ params }, { caller }) => {
      await forgetRegistration(installation, caller, params.id)
      return undefined
    },
  }
}
