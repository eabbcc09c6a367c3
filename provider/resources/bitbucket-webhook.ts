import { applyWebhookChanges, observeWebhooks } from '../../clients/bitbucket/apply-webhook-changes.ts'
import { findRepositoryById, getRepository } from '../../clients/bitbucket/repositories.ts'
import { fieldDrift, keptWebhook, webhookDrift } from '../../clients/bitbucket/webhook-drift.ts'
import { deleteWebhook, findWebhook, type ObservedWebhook } from '../../clients/bitbucket/webhooks.ts'
import { isSameWebhookUrl } from '../../schemas/rules/webhook-url.ts'
import { at, DiagnosticError } from '../framework/diagnostics.ts'
import type { PlanOf, StateOf } from '../framework/infer.ts'
import type { ApplyContext, Resource } from '../framework/provider.ts'
import { isUnknown, known } from '../framework/value.ts'
import { bitbucketWebhookSchema } from './bitbucket-webhook-schema.ts'
import { findImportedWebhook } from './import-webhook.ts'
import { findIntegration } from './integration.ts'
import { planWebhook } from './plan-webhook.ts'
import { getBitbucket, type ProviderClient } from './provider-client.ts'
import { forgetWebhook, reportWebhook } from './report-webhook.ts'
import { unlessElsewhere } from './repository-address.ts'
import { type WantedWebhook, wantedWebhook } from './wanted-webhook.ts'

type Schema = typeof bitbucketWebhookSchema
type State = StateOf<Schema>
type Plan = PlanOf<Schema>

export const bitbucketWebhook: Resource<Schema, ProviderClient> = {
  typeName: 'mooring_bitbucket_webhook',
  schema: bitbucketWebhookSchema,

  validate(config, { diagnostics }) {
    const { integration_id, url, secret, secret_wo } = config
    if (integration_id !== null && url !== null) {
      diagnostics.error(
        'Two addresses',
        'Set integration_id, which brings its own address, or url; not both.',
        at('url'),
      )
    }
    if (integration_id === null && url === null) {
      diagnostics.error('No address', 'Set integration_id, or url.', at('integration_id'))
    }
    if (secret !== null && secret_wo !== null) {
      diagnostics.error('Two secrets', 'Set secret or secret_wo, not both.', at('secret'))
    }
    if (integration_id !== null && (secret !== null || secret_wo !== null)) {
      diagnostics.error(
        'The integration brings the secret',
        'Leave secret and secret_wo out.',
        at(secret === null ? 'secret_wo' : 'secret'),
      )
    }
  },

  async modifyPlan({ config, prior, planned }, context) {
    return prior && planned && config ? planWebhook(config, prior, planned, context) : undefined
  },

  async create(planned, context) {
    return write(planned, null, context)
  },

  async read(current, { client, diagnostics }) {
    const bitbucket = getBitbucket(client)
    const scope = { projectKey: current.project_key, repositorySlug: current.repository_slug }
    const observed = await unlessElsewhere(findWebhook(bitbucket, scope, current.hook_id))
    if (!observed) {
      if (await unlessElsewhere(getRepository(bitbucket, scope))) return undefined
      const likely = [{ projectKey: current.project_key }]
      const moved = await findRepositoryById(bitbucket, current.repository_id, likely)
      if (!moved) return undefined
      diagnostics.warning(
        'The repository has another address',
        `${current.project_key}/${current.repository_slug} is now ${moved.project.key}/${moved.slug}; its webhook went along. Change project_key and repository_slug.`,
        at('repository_slug'),
      )
      return current
    }
    const repositoryId = current.repository_id ?? (await getRepository(bitbucket, scope)).id
    return stateOf(
      { ...current, repository_id: repositoryId },
      observed,
      await observedSecret(current, observed, client),
    )
  },

  async update(planned, prior, context) {
    return write(planned, prior, context)
  },

  async delete(prior, { client, diagnostics }) {
    const bitbucket = getBitbucket(client)
    const { project_key, repository_slug, repository_id } = prior
    const isThere = await unlessElsewhere(
      getRepository(bitbucket, { projectKey: project_key, repositorySlug: repository_slug }),
    )
    const repository = isThere ?? (await findRepositoryById(bitbucket, repository_id, [{ projectKey: project_key }]))
    if (repository) {
      const scope = { projectKey: repository.project.key, repositorySlug: repository.slug }
      await deleteWebhook(bitbucket, scope, prior.hook_id)
    }
    await forgetWebhook(client, prior.integration_id, prior.repository_id, diagnostics)
  },

  /** By `PROJECT/repository/<webhook id>`, or by `PROJECT/repository?url=<address>`. */
  async importState(id, { client }) {
    const found = await findImportedWebhook(id, client)
    return found && { ...found, id: idOf(found.project_key, found.repository_slug, found.hook_id) }
  },
}

async function write(
  planned: Plan,
  prior: State | null,
  { client, config, checkpoint, diagnostics }: ApplyContext<Schema, ProviderClient>,
): Promise<State> {
  const bitbucket = getBitbucket(client)
  const scope = { projectKey: planned.project_key, repositorySlug: planned.repository_slug }
  const repository = await getRepository(bitbucket, scope)
  const settings = { ...planned, name: isUnknown(planned.name) ? null : planned.name }
  const { desired, secretVersion } = await wantedWebhook(client, settings, config.secret ?? config.secret_wo, {
    hookId: prior?.hook_id ?? null,
    formerUrls: prior ? [prior.webhook_url] : [],
  })
  const observed = await observeWebhooks(bitbucket, scope, desired)
  const changes = webhookDrift(desired, observed)
  const applied = await applyWebhookChanges(bitbucket, scope, desired, changes, { listedJustNow: true })
  const webhook = applied.webhook ?? keptWebhook(desired, observed)
  if (applied.error !== undefined && !webhook) throw applied.error
  if (!webhook) {
    throw new DiagnosticError(
      'There is a webhook with this address already',
      `${repository.project.key}/${repository.slug} has a webhook with the same address that was not made here. Set adopt_existing = true, or import it.`,
      at('adopt_existing'),
    )
  }
  const state = stateOf({ ...planned, repository_id: repository.id }, webhook, 'ok')
  // What was written is saved even where the rest fails; an update that failed leaves the state as it was (R132).
  if (applied.done.some(({ kind }) => kind !== 'deleted')) checkpoint(state)
  if (applied.error !== undefined) throw applied.error
  await reportWebhook(client, planned.integration_id, repository, webhook.id, secretVersion, diagnostics)
  if (prior && prior.integration_id !== planned.integration_id) {
    await forgetWebhook(client, prior.integration_id, prior.repository_id, diagnostics)
  }
  return state
}

async function observedSecret(current: State, observed: ObservedWebhook, client: ProviderClient): Promise<string> {
  // An import has no settings yet: whose secret it should be is only known once the configuration is applied.
  if (current.integration_id === null && current.secret === null) return current.secret_state ?? 'ok'
  const wanted = await wantedFor(current, observed, client)
  if (!wanted) return 'wrong'
  if (typeof observed.configuration?.secret !== 'string') return 'missing'
  return fieldDrift(wanted.desired, observed).includes('secret') ? 'wrong' : 'ok'
}

/** Undefined where the integration is gone, and its secret with it. */
async function wantedFor(
  current: State,
  observed: ObservedWebhook,
  client: ProviderClient,
): Promise<WantedWebhook | undefined> {
  if (current.integration_id !== null && !(await findIntegration(client, current.integration_id))) return undefined
  return wantedWebhook(client, current, current.secret, { hookId: observed.id, formerUrls: [current.webhook_url] })
}

function stateOf(
  settings: Omit<Plan, 'repository_id'> & { readonly repository_id: number },
  observed: ObservedWebhook,
  secretState: string,
): State {
  const { project_key, repository_slug, integration_id, url } = settings
  const events: readonly string[] = settings.events ?? []
  const hasAll = events.length > 0 && events.every((event) => observed.events.includes(event))
  const isTolerant = (settings.events_policy ?? 'at-least') === 'at-least'
  return {
    id: idOf(project_key, repository_slug, observed.id),
    hook_id: observed.id,
    project_key,
    repository_slug,
    repository_id: settings.repository_id,
    integration_id,
    name: observed.name,
    url: url === null ? null : isSameWebhookUrl(url, observed.url) ? url : observed.url,
    webhook_url: observed.url,
    events: hasAll && isTolerant ? events : observed.events,
    events_policy: settings.events_policy ?? 'at-least',
    secret: settings.secret,
    secret_wo: null,
    secret_wo_version: settings.secret_wo_version,
    active: observed.active,
    ssl_verification_required: observed.sslVerificationRequired ?? settings.ssl_verification_required ?? true,
    adopt_existing: settings.adopt_existing ?? true,
    secret_state: known(secretState, 'ok'),
  }
}

function idOf(projectKey: string, repositorySlug: string, hookId: number): string {
  return `${projectKey}/${repositorySlug}/${hookId}`
}
