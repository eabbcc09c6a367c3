import type { Database } from './tables.ts'

/** A webhook secret as it lies in the database: sealed. */
export interface SealedWebhookSecret {
  readonly id: string
  readonly integrationId: string
  readonly version: number
  readonly sealed: string
  /** Epoch milliseconds; null for the newest. */
  readonly validUntil: number | null
}

/** Three may be valid at a time (R36); of the retired ones the last two are told from wrong ones (R43). */
const keptVersions = 5

/** Lists an integration's webhook secrets by its slug, the newest first, retired ones included. */
export async function listWebhookSecrets(db: Database, slug: string): Promise<SealedWebhookSecret[]> {
  return db
    .selectFrom('integration')
    .innerJoin('webhook_secret', 'webhook_secret.integration_id', 'integration.id')
    .where('integration.slug', '=', slug)
    .orderBy('webhook_secret.version', 'desc')
    .limit(keptVersions)
    .select([
      'webhook_secret.id as id',
      'integration.id as integrationId',
      'webhook_secret.version as version',
      'webhook_secret.secret as sealed',
      'webhook_secret.valid_until as validUntil',
    ])
    .execute()
}
