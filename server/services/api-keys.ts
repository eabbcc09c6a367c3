import type { ApiKey, ApiKeyUpdate, CreatedApiKey, NewApiKey } from '../../schemas/api-key.ts'
import type { Page, PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import { rootSpaceId } from '../../schemas/space.ts'
import { createApiKeySecret, hashApiKeySecret } from '../core/api-key-secret.ts'
import { authorisedSpaces, authoriseIn, type Caller, isRootAdmin, type SpaceTree } from '../core/authorise.ts'
import { requireMatch } from '../core/etag.ts'
import { uuidv7 } from '../core/uuid-v7.ts'
import {
  type ApiKeyRow,
  findApiKey,
  hasRootAdmin,
  insertApiKey,
  listApiKeyRows,
  listApiKeysByIds,
  revokeApiKeyRow,
  revokeBootstrapKeys,
  updateApiKeyRow,
} from '../store/api-keys.ts'
import { recordAudit } from '../store/audit.ts'
import { mapPage } from '../store/keyset-page.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import type { Database } from '../store/tables.ts'
import { findUser } from '../store/users.ts'
import { actorOf } from './actor.ts'
import { changeAs } from './callers.ts'
import { type Installation, labelsOf, timestamp, timestampOrNull } from './installation.ts'
import { invalidField } from './invalid-field.ts'
import { requireDecision } from './require-decision.ts'
import { spaceNotFound } from './spaces.ts'
import { userNotFound } from './users.ts'
import { requireIntegrations, visibleIntegrations } from './visible-integrations.ts'

/**
 * Creates an API key; its secret is shown this once (R205). A user's key is made by himself or by a root admin, a
 * service's by an Admin of its space. The bootstrap key makes one root admin and ends with that (S18).
 */
export async function createApiKey(
  installation: Installation,
  asked: Caller,
  input: NewApiKey,
): Promise<CreatedApiKey> {
  const now = installation.clock.now()
  const secret = input.secret ?? createApiKeySecret()
  const row = newRow(input, secret, now)
  await changeAs(installation, asked, async (transaction, caller) => {
    if (caller.kind === 'bootstrap') await useUpBootstrapKey(transaction, caller, input, now)
    else if (input.userId !== null) await requireUser(transaction, caller, input.userId)
    else await requireSpace(transaction, caller, input.spaceId)
    await requireNarrowing(transaction, caller, input.integrationIds)
    await insertApiKey(transaction, row)
    await recordAudit(transaction, now, [
      {
        actor: actorOf(caller),
        action: 'api_key.create',
        object: `api_key:${row.id}`,
        details: { role: row.role, spaceId: row.space_id, userId: row.user_id, integrationIds: input.integrationIds },
      },
    ])
  })
  if (asked.kind === 'bootstrap' && asked.keyId !== null) installation.onKeyRevoked(asked.keyId)
  return { ...toApiKey({ ...row, generation: 1 }, new Set(input.integrationIds)), secret }
}

/** Lists the caller's own keys, and those of services where he is an Admin. */
export async function listApiKeys({ db }: Installation, caller: Caller, request: PageRequest): Promise<Page<ApiKey>> {
  const tree = await readSpaceTree(db)
  const services = authorisedSpaces(caller, 'administer', tree)
  const page = await listApiKeyRows(db, request, { userId: caller.userId, services })
  const visible = await visibleIntegrations(db, caller, tree, page.items.flatMap(integrationIdsOf))
  return mapPage(page, (row) => toApiKey(row, visible))
}

export async function getApiKey({ db }: Installation, caller: Caller, id: string): Promise<ApiKey> {
  return viewOf(db, caller, await getApiKeyRow(db, caller, id))
}

/** Changes a key's name or end, or narrows it; the tokens made before end, and a new one is what the key now is. */
export async function updateApiKey(
  installation: Installation,
  asked: Caller,
  id: string,
  change: ApiKeyUpdate,
  ifMatch?: string | undefined,
): Promise<ApiKey> {
  const now = installation.clock.now()
  const updated = await changeAs(installation, asked, async (transaction, caller) => {
    const row = await getApiKeyRow(transaction, caller, id)
    requireMatch(ifMatch, await viewOf(transaction, caller, row))
    if (change.integrationIds !== undefined) {
      refuseNarrowing(row.role, change.integrationIds)
      await requireNarrowing(transaction, caller, change.integrationIds)
    }
    const columns = {
      ...(change.name === undefined ? {} : { name: change.name }),
      ...(change.expiresAt === undefined ? {} : { expires_at: expiryOf(change.expiresAt, now) }),
      ...(change.integrationIds === undefined
        ? {}
        : { integrations: change.integrationIds && JSON.stringify(change.integrationIds) }),
    }
    await updateApiKeyRow(transaction, id, columns)
    await recordAudit(transaction, now, [
      {
        actor: actorOf(caller),
        action: 'api_key.update',
        object: `api_key:${id}`,
        details: { fields: Object.keys(change) },
      },
    ])
    return viewOf(transaction, caller, { ...row, ...columns })
  })
  installation.onKeyRevoked(id)
  return updated
}

/** Revokes a key, and the tokens and sessions made from it. */
export async function revokeApiKey(
  installation: Installation,
  asked: Caller,
  id: string,
  ifMatch?: string | undefined,
): Promise<void> {
  const now = installation.clock.now()
  await changeAs(installation, asked, async (transaction, caller) => {
    const row = await getApiKeyRow(transaction, caller, id)
    requireMatch(ifMatch, await viewOf(transaction, caller, row))
    if (!(await revokeApiKeyRow(transaction, id, now))) throw apiKeyNotFound(id)
    await recordAudit(transaction, now, [{ actor: actorOf(caller), action: 'api_key.revoke', object: `api_key:${id}` }])
  })
  installation.onKeyRevoked(id)
}

/** The bootstrap key makes one root admin, once, and only where there is none. */
async function useUpBootstrapKey(db: Database, caller: Caller, input: NewApiKey, now: number): Promise<void> {
  if (input.role !== 'admin' || input.spaceId !== rootSpaceId) {
    throw invalidField('/role', 'the bootstrap key can create an admin of the root space only')
  }
  if (await hasRootAdmin(db, now)) {
    throw new Problem('forbidden', 'There is a root admin already: the bootstrap key is of no more use.')
  }
  if (caller.keyId === null || !(await revokeApiKeyRow(db, caller.keyId, now))) {
    throw new Problem('forbidden', 'The bootstrap key was used already.')
  }
  await revokeBootstrapKeys(db, now)
}

/** Whoever is no root admin makes keys for himself alone; other users do not exist for him. */
async function requireUser(db: Database, caller: Caller, userId: string): Promise<void> {
  const isVisible = caller.userId === userId || isRootAdmin(caller)
  if (!isVisible || !(await findUser(db, userId))) throw userNotFound(userId, '/userId')
}

async function requireSpace(db: Database, caller: Caller, spaceId: string): Promise<void> {
  const tree = await readSpaceTree(db)
  const decision = tree.has(spaceId) ? authoriseIn(caller, 'administer', spaceId, tree) : 'hidden'
  requireDecision(decision, `make keys of services in the space "${spaceId}"`, () => spaceNotFound(spaceId, '/spaceId'))
}

async function requireNarrowing(db: Database, caller: Caller, slugs: readonly string[] | null): Promise<void> {
  const named = (slugs ?? []).map((slug, index) => ({ slug, pointer: `/integrationIds/${index}` }))
  if (named.length > 0) await requireIntegrations(db, caller, await readSpaceTree(db), named)
}

function refuseNarrowing(role: ApiKeyRow['role'], integrationIds: readonly string[] | null): void {
  if (integrationIds === null || role === 'webhook-registrar') return
  throw invalidField('/integrationIds', 'only the key of a webhook registrar can be narrowed to integrations')
}

/** The key, for its user, an Admin of the service's space, or a root admin; it does not exist for others. */
async function getApiKeyRow(db: Database, caller: Caller, id: string): Promise<ApiKeyRow> {
  const row = await findApiKey(db, id)
  if (!row || !isVisible(row, caller, await readSpaceTree(db))) throw apiKeyNotFound(id)
  return row
}

function isVisible(row: ApiKeyRow, caller: Caller, tree: SpaceTree): boolean {
  if (isRootAdmin(caller)) return true
  if (row.role === 'user') return row.user_id !== null && row.user_id === caller.userId
  return authoriseIn(caller, 'administer', row.space_id, tree) === 'allowed'
}

/** The names of those of the keys, revoked ones too, that the caller may know; his own among them. */
export async function listKeyNames(db: Database, caller: Caller, ids: readonly string[]): Promise<Map<string, string>> {
  const tree = await readSpaceTree(db)
  const rows = await listApiKeysByIds(db, [...new Set(ids)])
  const known = rows.filter((row) => row.id === caller.keyId || isVisible(row, caller, tree))
  return new Map(known.map(({ id, name }) => [id, name]))
}

function apiKeyNotFound(id: string): Problem {
  return new Problem('api_key_not_found', `There is no API key with the id "${id}", or it is revoked already.`)
}

function newRow(input: NewApiKey, secret: string, now: number) {
  const role = input.role ?? ('user' as const)
  refuseNarrowing(role, input.integrationIds)
  return {
    id: uuidv7(now),
    name: input.name,
    role,
    // A user's key has no space of its own; the column wants one.
    space_id: role === 'user' ? rootSpaceId : input.spaceId,
    secret_sha256: hashApiKeySecret(secret),
    created_at: now,
    expires_at: expiryOf(input.expiresAt, now),
    last_used_at: null,
    revoked_at: null,
    user_id: input.userId,
    integrations: input.integrationIds && JSON.stringify(input.integrationIds),
  }
}

function expiryOf(text: string | null, now: number): number | null {
  const expiresAt = text === null ? null : Date.parse(text)
  if (expiresAt !== null && expiresAt <= now) throw invalidField('/expiresAt', 'expected a time to come')
  return expiresAt
}

function integrationIdsOf(row: ApiKeyRow): string[] {
  return row.integrations === null ? [] : labelsOf(row.integrations)
}

async function viewOf(db: Database, caller: Caller, row: ApiKeyRow): Promise<ApiKey> {
  const slugs = integrationIdsOf(row)
  const visible = slugs.length > 0 ? await visibleIntegrations(db, caller, await readSpaceTree(db), slugs) : new Map()
  return toApiKey(row, visible)
}

function toApiKey(row: ApiKeyRow, visible: { has(slug: string): boolean }): ApiKey {
  return {
    id: row.id,
    name: row.name,
    userId: row.user_id,
    role: row.role === 'user' || row.role === 'bootstrap' ? null : row.role,
    spaceId: row.role === 'user' ? null : row.space_id,
    integrationIds: row.integrations === null ? null : integrationIdsOf(row).filter((slug) => visible.has(slug)),
    createdAt: timestamp(row.created_at),
    expiresAt: timestampOrNull(row.expires_at),
    lastUsedAt: timestampOrNull(row.last_used_at),
  }
}
