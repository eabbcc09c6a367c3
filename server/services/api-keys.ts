import type { ApiKey, CreatedApiKey, NewApiKey } from '../../schemas/api-key.ts'
import type { Page, PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import { rootSpaceId } from '../../schemas/space.ts'
import { createApiKeySecret, hashApiKeySecret } from '../core/api-key-secret.ts'
import type { Caller } from '../core/authorise.ts'
import { uuidv7 } from '../core/uuid-v7.ts'
import {
  type ApiKeyRow,
  hasRootAdmin,
  insertApiKey,
  listApiKeyRows,
  revokeApiKeyRow,
  revokeBootstrapKeys,
} from '../store/api-keys.ts'
import { recordAudit } from '../store/audit.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import { mapPage } from '../store/keyset-page.ts'
import { findSpace, lockSpaces } from '../store/spaces.ts'
import type { Database } from '../store/tables.ts'
import { actorOf } from './actor.ts'
import { type Installation, timestamp, timestampOrNull } from './installation.ts'
import { invalidField } from './invalid-field.ts'
import { spaceNotFound } from './spaces.ts'

/** Creates an API key; its secret is shown this once (R205). The bootstrap key ends with it (S18). */
export async function createApiKey(
  installation: Installation,
  caller: Caller,
  input: NewApiKey,
): Promise<CreatedApiKey> {
  const { db, clock } = installation
  const now = clock.now()
  const secret = input.secret ?? createApiKeySecret()
  const row = newRow(input, secret, now)
  await inWriteTransaction(db, async (transaction) => {
    await lockSpaces(transaction)
    if (caller.role === 'bootstrap') await useUpBootstrapKey(transaction, caller, input, now)
    if (!(await findSpace(transaction, input.spaceId))) throw spaceNotFound(input.spaceId, '/spaceId')
    await insertApiKey(transaction, row)
    await recordAudit(transaction, now, [
      {
        actor: actorOf(caller),
        action: 'api_key.create',
        object: `api_key:${row.id}`,
        details: { role: row.role, spaceId: row.space_id },
      },
    ])
  })
  if (caller.role === 'bootstrap' && caller.keyId !== null) installation.onKeyRevoked(caller.keyId)
  return { ...toApiKey(row), secret }
}

export async function listApiKeys({ db }: Installation, request: PageRequest): Promise<Page<ApiKey>> {
  return mapPage(await listApiKeyRows(db, request), toApiKey)
}

/** Revokes a key, and the tokens made from it. */
export async function revokeApiKey(installation: Installation, caller: Caller, id: string): Promise<void> {
  const { db, clock } = installation
  const now = clock.now()
  await inWriteTransaction(db, async (transaction) => {
    if (!(await revokeApiKeyRow(transaction, id, now))) {
      throw new Problem('api_key_not_found', `There is no API key with the id "${id}", or it is revoked already.`)
    }
    await recordAudit(transaction, now, [{ actor: actorOf(caller), action: 'api_key.revoke', object: `api_key:${id}` }])
  })
  installation.onKeyRevoked(id)
}

/** The bootstrap key makes one root admin, once, and only where there is none. */
async function useUpBootstrapKey(db: Database, caller: Caller, input: NewApiKey, now: number): Promise<void> {
  if (input.role !== 'root-admin') throw invalidField('/role', 'the bootstrap key can create a root-admin only')
  if (await hasRootAdmin(db, now)) {
    throw new Problem('forbidden', 'There is a root admin already: the bootstrap key is of no more use.')
  }
  if (caller.keyId === null || !(await revokeApiKeyRow(db, caller.keyId, now))) {
    throw new Problem('forbidden', 'The bootstrap key was used already.')
  }
  await revokeBootstrapKeys(db, now)
}

function newRow(input: NewApiKey, secret: string, now: number) {
  if (input.role === 'root-admin' && input.spaceId !== rootSpaceId) {
    throw invalidField('/spaceId', 'a root-admin is one of the root space')
  }
  const expiresAt = input.expiresAt === null ? null : Date.parse(input.expiresAt)
  if (expiresAt !== null && expiresAt <= now) throw invalidField('/expiresAt', 'expected a time to come')
  return {
    id: uuidv7(now),
    name: input.name,
    role: input.role,
    space_id: input.spaceId,
    secret_sha256: hashApiKeySecret(secret),
    created_at: now,
    expires_at: expiresAt,
    last_used_at: null,
    revoked_at: null,
  }
}

function toApiKey(row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    name: row.name,
    role: row.role === 'root-admin' ? 'root-admin' : 'webhook-registrar',
    spaceId: row.space_id,
    createdAt: timestamp(row.created_at),
    expiresAt: timestampOrNull(row.expires_at),
    lastUsedAt: timestampOrNull(row.last_used_at),
  }
}
