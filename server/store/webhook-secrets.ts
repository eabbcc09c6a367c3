import type { Database } from './tables.ts'

/** A webhook secret as it lies in the database: sealed. */
export interface SealedWebhookSecret {
  readonly id: string
  /** Of its integration. */
  readonly slug: string
  readonly integrationId: string
  readonly version: number
  readonly sealed: string
  /** Epoch milliseconds; null for the newest. */
  readonly validUntil: number | null
}

/** So long a retired secret is told from a wrong one (R43). */
const rememberedMs = 30 * 86_400_000

/** Lists the webhook secrets of the integrations with these slugs, the newest of each first, retired ones included. */
export async function listWebhookSecrets(
  db: Database,
  slugs: readonly string[],
  now: number,
): Promise<SealedWebhookSecret[]> {
  return db
    .selectFrom('integration')
    .innerJoin('webhook_secret', 'webhook_secret.integration_id', 'integration.id')
    .where('integration.slug', 'in', slugs)
    .where(({ eb, or }) =>
      or([eb('webhook_secret.valid_until', 'is', null), eb('webhook_secret.valid_until', '>', now - rememberedMs)]),
    )
    .orderBy('webhook_secret.version', 'desc')
    .select([
      'webhook_secret.id as id',
      'integration.slug as slug',
      'integration.id as integrationId',
      'webhook_secret.version as version',
      'webhook_secret.secret as sealed',
      'webhook_secret.valid_until as validUntil',
    ])
    .execute()
}
