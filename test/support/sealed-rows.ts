import type { Sealer } from '../../server/core/sealer.ts'
import { uuidv7 } from '../../server/core/uuid-v7.ts'
import type { Database } from '../../server/store/tables.ts'

/** Inserts integrations `vcs-0` and so on, each with an access token `token <n>` and a webhook secret `secret <n>`. */
export async function insertSealedIntegrations(db: Database, sealer: Sealer, count: number): Promise<string[]> {
  const now = Date.now()
  const integrations = Array.from({ length: count }, (_, n) => {
    const id = uuidv7(now)
    return {
      id,
      slug: `vcs-${n}`,
      name: `VCS ${n}`,
      is_default: 0 as const,
      space_id: 'root',
      api_host: 'https://bitbucket.example.com',
      user_facing_host: null,
      username: '',
      access_token: sealer.seal({ table: 'integration', id, column: 'access_token' }, `token ${n}`),
      labels: '[]',
      description: '',
      allow_detach_on_destroy: 1 as const,
      created_at: now,
      updated_at: now,
    }
  })
  const secrets = integrations.map(({ id: integrationId }, n) => {
    const id = uuidv7(now)
    const secret = sealer.seal({ table: 'webhook_secret', id, column: 'secret' }, `secret ${n}`)
    return { id, integration_id: integrationId, version: 1, secret, valid_until: null, created_at: now }
  })
  for (let first = 0; first < count; first += 500) {
    await db
      .insertInto('integration')
      .values(integrations.slice(first, first + 500))
      .execute()
    await db
      .insertInto('webhook_secret')
      .values(secrets.slice(first, first + 500))
      .execute()
  }
  return integrations.map(({ id }) => id)
}
