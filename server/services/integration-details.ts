import type { IntegrationDetails } from '../../schemas/integration.ts'
import { webhookEvents } from '../../schemas/webhook.ts'
import type { Caller } from '../core/authorise.ts'
import { recordAudit } from '../store/audit.ts'
import { listAuditRows } from '../store/audit-rows.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import { newestSecrets } from '../store/integrations.ts'
import type { Database } from '../store/tables.ts'
import { listKeyNames } from './api-keys.ts'
import { presentCaller } from './callers.ts'
import { type Installation, timestamp } from './installation.ts'
import { getIntegrationFor, webhookUrl } from './integration-view.ts'
import { revealEntry } from './webhook-credentials.ts'

const historyLength = 50

/**
 * Shows an Admin what to enter in Bitbucket, and who changed the integration or looked at its secret (R26). This look
 * is recorded before the secret is opened (R12, S70).
 */
export async function readIntegrationDetails(
  installation: Installation,
  asked: Caller,
  slug: string,
): Promise<IntegrationDetails> {
  const { db, clock, sealer } = installation
  const now = clock.now()
  const { newest, history } = await inWriteTransaction(db, async (transaction) => {
    const caller = await presentCaller(transaction, asked, now)
    const row = await getIntegrationFor(transaction, caller, 'administer', slug)
    const secret = (await newestSecrets(transaction, [row.id])).get(row.id)
    if (!secret) throw new Error(`The integration ${row.id} has no webhook secret.`)
    await recordAudit(transaction, now, [revealEntry(caller, slug, secret)])
    return { newest: secret, history: await readHistory(transaction, caller, slug, row.created_at) }
  })
  return {
    webhookUrl: webhookUrl(installation, slug),
    webhookSecret: sealer.open({ table: 'webhook_secret', id: newest.id, column: 'secret' }, newest.secret),
    secretVersion: newest.version,
    webhookEvents: webhookEvents.map(({ key, label }) => ({ key, label })),
    history,
  }
}

/** Since this integration was created: one of the same name before it was another. */
async function readHistory(
  db: Database,
  caller: Caller,
  slug: string,
  since: number,
): Promise<IntegrationDetails['history']> {
  const filter = { object: `integration:${slug}`, since, order: 'newest', limit: historyLength } as const
  const { items } = await listAuditRows(db, filter)
  const names = await listKeyNames(
    db,
    caller,
    items.flatMap(({ actor }) => (actor.startsWith('key:') ? [actor.slice(4)] : [])),
  )
  return items.map(({ at, actor, action }) => {
    const keyName = names.get(actor.replace(/^key:/, '')) ?? null
    // A key that the caller may not see stays nameless here, too (R26); root admins find it in the audit log.
    const isHidden = keyName === null && actor.startsWith('key:')
    return { at: timestamp(at), actor: isHidden ? 'key' : actor, keyName, action }
  })
}
