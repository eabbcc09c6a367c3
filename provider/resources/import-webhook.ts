import { listWebhooks, type ObservedWebhook } from '../../clients/bitbucket/webhooks.ts'
import { isSameWebhookUrl, splitWebhookUrl } from '../../schemas/rules/webhook-url.ts'
import { Slug } from '../../schemas/text.ts'
import { DiagnosticError } from '../framework/diagnostics.ts'
import { findIntegration } from './integration.ts'
import { getBitbucket, type ProviderClient } from './provider-client.ts'

/** What an import finds out before the first read. */
export interface ImportedWebhook {
  readonly project_key: string
  readonly repository_slug: string
  readonly hook_id: number
  readonly integration_id: string | null
  readonly url: string | null
}

/**
 * Finds the webhook that an import names: `PROJECT/repository/<webhook id>`, or `PROJECT/repository?url=<address>`.
 * One at the endpoint of an integration is that integration's; any other keeps its address.
 *
 * @throws DiagnosticError for a text that is neither
 */
export async function findImportedWebhook(id: string, client: ProviderClient): Promise<ImportedWebhook | undefined> {
  const parts = /^(~?[^/?]+)\/([^/?]+)(?:\/(\d+)|\?url=(.+))$/.exec(id)
  const [, project_key, repository_slug, hookId, url] = parts ?? []
  if (project_key === undefined || repository_slug === undefined) {
    throw new DiagnosticError(
      'Not an import id',
      `Give PROJECT/repository/<webhook id> or PROJECT/repository?url=<address>, not ${JSON.stringify(id)}.`,
    )
  }
  const scope = { projectKey: project_key, repositorySlug: repository_slug }
  const webhooks = await listWebhooks(getBitbucket(client), scope)
  const found = webhooks.find((webhook) =>
    url === undefined ? webhook.id === Number(hookId) : isSameWebhookUrl(url, webhook.url),
  )
  if (!found) return undefined
  const integration_id = (await integrationAt(found, client)) ?? null
  const address = integration_id === null ? found.url : null
  return { project_key, repository_slug, hook_id: found.id, integration_id, url: address }
}

/** The integration whose endpoint the webhook points at; the endpoint ends in its id. */
async function integrationAt({ url }: ObservedWebhook, client: ProviderClient): Promise<string | undefined> {
  const endpoint = splitWebhookUrl(url)?.endpoint
  const id = endpoint?.split('/').at(-1)
  if (!client.server || endpoint === undefined || !Slug.safeParse(id).success || id === undefined) return undefined
  const integration = await findIntegration(client, id)
  return integration && isSameWebhookUrl(integration.webhookUrl, endpoint) ? id : undefined
}
