import { webhookName } from '../../clients/bitbucket/desired-webhook.ts'
import { getRepository } from '../../clients/bitbucket/repositories.ts'
import { findWebhook } from '../../clients/bitbucket/webhooks.ts'
import type { Integration } from '../../schemas/integration.ts'
import { isSameWebhookUrl } from '../../schemas/rules/webhook-url.ts'
import { at } from '../framework/diagnostics.ts'
import type { ConfigOf, PlanOf, StateOf, UnresolvedFields } from '../framework/infer.ts'
import type { PlanContext } from '../framework/provider.ts'
import { isUnknown, unknown } from '../framework/value.ts'
import type { bitbucketWebhookSchema } from './bitbucket-webhook-schema.ts'
import { findIntegration } from './integration.ts'
import type { ProviderClient } from './provider-client.ts'
import { unlessElsewhere } from './repository-address.ts'

type Schema = typeof bitbucketWebhookSchema
type State = StateOf<Schema>
type Plan = UnresolvedFields<PlanOf<Schema>>
type Config = UnresolvedFields<ConfigOf<Schema>>

/** What an existing webhook is to become, beyond what the schema says by itself. */
export async function planWebhook(
  config: Config,
  prior: State,
  planned: Plan,
  context: PlanContext<ProviderClient>,
): Promise<Plan> {
  await planMove(prior, planned, context)
  const integration = await plannedIntegration(planned, context)
  const needsSecret = prior.secret_state === 'wrong' || prior.secret_state === 'missing'
  return {
    ...planned,
    name: plannedName(config, planned, integration),
    webhook_url: plannedUrl(prior, planned, integration),
    secret_state: needsSecret ? 'ok' : await plannedSecretState(config, prior, planned, context),
  }
}

/** Another address is the same repository when Bitbucket says so by its number; else the webhook is replaced. */
async function planMove(
  prior: State,
  planned: Plan,
  { client, requireReplace }: PlanContext<ProviderClient>,
): Promise<void> {
  const { project_key, repository_slug } = planned
  if (project_key === prior.project_key && repository_slug === prior.repository_slug) return
  if (!isUnknown(project_key) && !isUnknown(repository_slug) && client?.bitbucket) {
    const address = { projectKey: project_key, repositorySlug: repository_slug }
    const repository = await unlessElsewhere(getRepository(client.bitbucket, address))
    if (repository?.id === prior.repository_id) return
  }
  if (project_key !== prior.project_key) requireReplace(at('project_key'))
  if (repository_slug !== prior.repository_slug) requireReplace(at('repository_slug'))
}

/** Null for a webhook without one; unknown where it cannot be asked for, or is yet to be made. */
async function plannedIntegration(
  { integration_id }: Plan,
  { client }: PlanContext<ProviderClient>,
): Promise<Integration | null | typeof unknown> {
  if (integration_id === null) return null
  if (isUnknown(integration_id) || !client?.server) return unknown
  return (await findIntegration(client, integration_id)) ?? unknown
}

/** Without a name in the configuration the webhook has the one that every user of the planner gives it. */
function plannedName(config: Config, planned: Plan, integration: Integration | null | typeof unknown): Plan['name'] {
  if (config.name !== null || isUnknown(planned.name) || isUnknown(integration)) return planned.name
  return webhookName(integration?.name)
}

/** The address that the webhook should have: somebody may have changed it in Bitbucket, or the server's own changed. */
function plannedUrl(
  prior: State,
  planned: Plan,
  integration: Integration | null | typeof unknown,
): Plan['webhook_url'] {
  if (isUnknown(planned.webhook_url) || integration === null) return planned.webhook_url
  if (isUnknown(integration)) return planned.webhook_url
  return isSameWebhookUrl(integration.webhookUrl, prior.webhook_url) ? planned.webhook_url : integration.webhookUrl
}

/** `unknown` makes an update. A write-only secret can only be compared here, where the configuration is at hand. */
async function plannedSecretState(
  config: Config,
  prior: State,
  planned: Plan,
  { client }: PlanContext<ProviderClient>,
): Promise<Plan['secret_state']> {
  const { integration_id } = planned
  // Another integration of the same id has another secret; while the id is unknown it could be one.
  if (isUnknown(integration_id)) return unknown
  if (integration_id !== null && client?.deletedIntegrations.has(integration_id)) return unknown
  const secret = config.secret_wo
  if (typeof secret !== 'string' || !client?.bitbucket) return planned.secret_state
  const scope = { projectKey: prior.project_key, repositorySlug: prior.repository_slug }
  const observed = await unlessElsewhere(findWebhook(client.bitbucket, scope, prior.hook_id))
  const isWrong = observed !== undefined && (observed.configuration?.secret ?? '') !== secret
  // Not `ok`, which it is in the state already: only a difference makes the update.
  return isWrong ? unknown : planned.secret_state
}
