import { rootSpaceId } from '../../schemas/space.ts'
import { createApiKeySecret, hashApiKeySecret } from '../core/api-key-secret.ts'
import type { Clock } from '../core/clock.ts'
import { uuidv7 } from '../core/uuid-v7.ts'
import { findLiveApiKey, hasRootAdmin, insertApiKey, revokeBootstrapKeys } from '../store/api-keys.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import { lockSpaces } from '../store/spaces.ts'
import type { Database } from '../store/tables.ts'

/** An API key as it is written down: `<id>:<secret>`. */
export interface WrittenKey {
  readonly id: string
  readonly secret: string
}

const lifetimeMs = 3_600_000

/**
 * Makes the key with which the first root admin is created (R205, S18): good for one hour and one use. Undefined
 * where there is a root admin. A key that the operator gave is used instead of one that is made; it needs no hour,
 * since the operator takes it away himself.
 */
export async function prepareBootstrapKey(
  db: Database,
  clock: Clock,
  given: WrittenKey | undefined,
): Promise<WrittenKey | undefined> {
  const now = clock.now()
  return inWriteTransaction(db, async (transaction) => {
    await lockSpaces(transaction)
    if (await hasRootAdmin(transaction, now)) return undefined
    if (given && (await findLiveApiKey(transaction, given.id, now))) return given
    const key = given ?? { id: uuidv7(now), secret: createApiKeySecret() }
    if (!given) await revokeBootstrapKeys(transaction, now)
    const isNew = await insertApiKey(transaction, {
      id: key.id,
      name: 'bootstrap',
      role: 'bootstrap',
      space_id: rootSpaceId,
      secret_sha256: hashApiKeySecret(key.secret),
      created_at: now,
      expires_at: given ? null : now + lifetimeMs,
      last_used_at: null,
      revoked_at: null,
      user_id: null,
      integrations: null,
    })
    // A given key that was used up stays so: whoever read it once must not become root later.
    return isNew ? key : undefined
  })
}
