import type { WebhookCredentials } from '../../schemas/integration.ts'
import type { Caller } from '../core/authorise.ts'
import { type AuditEntry, recordAudit } from '../store/audit.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import { newestSecrets } from '../store/integrations.ts'
import { actorOf } from './actor.ts'
import { presentCaller } from './callers.ts'
import type { Installation } from './installation.ts'
import { getIntegrationFor, webhookUrl } from './integration-view.ts'

/** Reveals the webhook endpoint and secret. The audit row is written before the secret is opened (R12, S70). */
export async function readWebhookCredentials(
  installation: Installation,
  asked: Caller,
  slug: string,
): Promise<WebhookCredentials> {
  const { db, clock, sealer } = installation
  const now = clock.now()
  const secret = await inWriteTransaction(db, async (transaction) => {
    const caller = await presentCaller(transaction, asked, now)
    const integration = await getIntegrationFor(transaction, caller, 'webhooks', slug)
    const newest = (await newestSecrets(transaction, [integration.id])).get(integration.id)
    if (!newest) throw new Error(`The integration ${integration.id} has no webhook secret.`)
    await recordAudit(transaction, now, [revealEntry(caller, slug, newest)])
    return newest
  })
  return {
    url: webhookUrl(installation, slug),
    secret: sealer.open({ table: 'webhook_secret', id: secret.id, column: 'secret' }, secret.secret),
    version: secret.version,
  }
}

/** A person's reading is recorded each time, a service's once per key and secret version (R12). */
export function revealEntry(
  caller: Caller,
  slug: string,
  secret: { readonly id: string; readonly version: number },
): AuditEntry {
  const isRegistrar = caller.grants.every(({ role }) => role === 'webhook-registrar')
  return {
    actor: actorOf(caller),
    action: 'webhook_secret.reveal',
    object: `integration:${slug}`,
    details: { version: secret.version },
    ...(isRegistrar ? { onceKey: `reveal:${caller.keyId}:${secret.id}` } : {}),
  }
}
