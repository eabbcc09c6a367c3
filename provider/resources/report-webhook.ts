import type { Repository } from '../../clients/bitbucket/repositories.ts'
import type { Diagnostics } from '../framework/diagnostics.ts'
import { getServer, type ProviderClient } from './provider-client.ts'

/**
 * Tells the server that Terraform declares this webhook, so that the hook service leaves it alone (R142). A report
 * that fails is a warning: the webhook itself is right.
 */
export async function reportWebhook(
  client: ProviderClient,
  integrationId: string | null,
  repository: Repository,
  webhookId: number,
  secretVersion: number | null,
  diagnostics: Diagnostics,
): Promise<void> {
  if (integrationId === null) return
  const body = {
    integrationId,
    projectKey: repository.project.key,
    repositorySlug: repository.slug,
    repositoryId: repository.id,
    webhookId,
    secretVersion,
    observed: 'in_sync' as const,
    managedBy: 'terraform' as const,
  }
  try {
    await getServer(client).call('reportRegistration', { body })
  } catch (error) {
    warn(diagnostics, 'does not know that Terraform declares this webhook; the hook service may write it too', error)
  }
}

/** Tells the server that the webhook is gone. */
export async function forgetWebhook(
  client: ProviderClient,
  integrationId: string | null,
  repositoryId: number,
  diagnostics: Diagnostics,
): Promise<void> {
  if (integrationId === null) return
  try {
    const server = getServer(client)
    let cursor: string | undefined
    do {
      const page = await server.call('listRegistrations', { query: { integrationId, limit: 500, cursor } })
      const found = page.items.find((item) => item.repositoryId === repositoryId && item.managedBy === 'terraform')
      if (found) {
        await server.call('forgetRegistration', { params: { id: found.id } })
        return
      }
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
  } catch (error) {
    if (isGone(error)) return
    warn(diagnostics, 'still believes that Terraform declares this webhook', error)
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'status' in error && error.status === 404
}

function warn(diagnostics: Diagnostics, consequence: string, error: unknown): void {
  const reason = error instanceof Error ? error.message : 'unknown error'
  diagnostics.warning('The server was not told', `The server ${consequence}: ${reason}`)
}
