import { randomBytes } from 'node:crypto'
import type { Integration, IntegrationUpdate, NewIntegration } from '../../schemas/integration.ts'
import type { Page, PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import { canUseIntegration } from '../../schemas/rules/usable-spaces.ts'
import { rootSpaceId } from '../../schemas/space.ts'
import { authorisedSpaces, type Caller } from '../core/authorise.ts'
import type { Sealer } from '../core/sealer.ts'
import { uuidv7 } from '../core/uuid-v7.ts'
import { recordAudit } from '../store/audit.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import { isUniqueViolation } from '../store/dialect/unique-violation.ts'
import {
  deleteIntegrationRow,
  type IntegrationRow,
  insertIntegration,
  listIntegrationRows,
  updateIntegrationRow,
} from '../store/integrations.ts'
import { mapPage } from '../store/keyset-page.ts'
import { findSpace, lockSpaces, readSpaceTree } from '../store/spaces.ts'
import { listAttachedStacks } from '../store/stacks.ts'
import type { Database } from '../store/tables.ts'
import { actorOf } from './actor.ts'
import { checkHosts } from './check-hosts.ts'
import { type DetachOptions, detach, detachOrRefuse } from './detach-stacks.ts'
import type { Installation } from './installation.ts'
import { getVisibleIntegration, toIntegration } from './integration-view.ts'
import { fieldProblem, invalidField } from './invalid-field.ts'
import { slugOf, spaceNotFound } from './spaces.ts'

/** Creates an integration with its first webhook secret (R1, R3, R4, R5). */
export async function createIntegration(
  installation: Installation,
  caller: Caller,
  input: NewIntegration,
): Promise<Integration> {
  const { db, clock, sealer } = installation
  const now = clock.now()
  const slug = slugOf(input.name)
  checkHosts(installation.bitbucket, input)
  checkPlace(input.isDefault, input.spaceId)
  requirePublicUrl(installation)
  const id = uuidv7(now)
  const row: IntegrationRow = {
    id,
    slug,
    name: input.name,
    is_default: input.isDefault ? 1 : 0,
    space_id: input.spaceId,
    api_host: input.apiHost,
    user_facing_host: input.userFacingHost,
    username: input.username,
    access_token: sealToken(sealer, id, input.accessToken),
    labels: JSON.stringify(input.labels),
    description: input.description,
    allow_detach_on_destroy: input.allowDetachOnDestroy ? 1 : 0,
    created_at: now,
    updated_at: now,
  }
  try {
    await inWriteTransaction(db, async (transaction) => {
      await lockSpaces(transaction)
      if (!(await findSpace(transaction, input.spaceId))) throw spaceNotFound(input.spaceId, '/spaceId')
      await insertIntegration(transaction, row, firstSecret(sealer, id, now))
      await recordAudit(transaction, now, [
        { actor: actorOf(caller), action: 'integration.create', object: `integration:${slug}`, details: { rowId: id } },
      ])
    })
  } catch (error) {
    if (isUniqueViolation(error, 'integration_slug')) {
      throw new Problem('name_taken', `The name "${input.name}" is taken: its id would be "${slug}" too.`)
    }
    if (isUniqueViolation(error, 'integration_default')) {
      throw new Problem('default_integration_exists', 'There is a default integration already; an account has one.')
    }
    throw error
  }
  installation.onSecretsChanged(slug)
  return toIntegration(installation, row)
}

export interface IntegrationQuery extends PageRequest {
  readonly spaceId?: string | undefined
  readonly isDefault?: 'true' | 'false' | undefined
}

/** Lists what the caller may see. */
export async function listIntegrations(
  installation: Installation,
  caller: Caller,
  { isDefault, ...query }: IntegrationQuery,
): Promise<Page<Integration>> {
  const visibleSpaces = authorisedSpaces(caller, 'webhooks', await readSpaceTree(installation.db))
  const page = await listIntegrationRows(installation.db, {
    ...query,
    isDefault: isDefault === undefined ? undefined : isDefault === 'true',
    visibleSpaces,
  })
  return mapPage(page, (row) => toIntegration(installation, row))
}

export async function getIntegration(installation: Installation, caller: Caller, slug: string): Promise<Integration> {
  return toIntegration(installation, await getVisibleIntegration(installation.db, caller, slug))
}

/** Changes an integration. A move that takes it away from stacks is decided by `options` (R13). */
export async function updateIntegration(
  installation: Installation,
  caller: Caller,
  slug: string,
  change: IntegrationUpdate,
  options: DetachOptions,
): Promise<{ integration: Integration; detached: string[] }> {
  const { db, clock } = installation
  const now = clock.now()
  return inWriteTransaction(db, async (transaction) => {
    await lockSpaces(transaction)
    const row = await getVisibleIntegration(transaction, caller, slug)
    const changed = changedRow(installation, row, change, now)
    if (changed.space_id !== row.space_id && !(await findSpace(transaction, changed.space_id))) {
      throw spaceNotFound(changed.space_id, '/spaceId')
    }
    const losing = changed.space_id === row.space_id ? [] : await stacksThatLose(transaction, changed)
    const detached = await detachOrRefuse(transaction, losing, 'integration_moved', options, now)
    if (options.dryRun) return { integration: toIntegration(installation, changed), detached }
    const { id: _id, ...columns } = changed
    await updateIntegrationRow(transaction, row.id, columns)
    await recordAudit(transaction, now, [
      {
        actor: actorOf(caller),
        action: 'integration.update',
        object: `integration:${slug}`,
        details: { rowId: row.id, fields: Object.keys(change), detached },
      },
    ])
    return { integration: toIntegration(installation, changed), detached }
  })
}

/** Deletes an integration and detaches its stacks in the same transaction (R8). */
export async function deleteIntegration(
  installation: Installation,
  caller: Caller,
  slug: string,
  dryRun: boolean,
): Promise<{ detached: string[] }> {
  const { db, clock } = installation
  const now = clock.now()
  const detached = await inWriteTransaction(db, async (transaction) => {
    await lockSpaces(transaction)
    const row = await getVisibleIntegration(transaction, caller, slug)
    const stacks = await listAttachedStacks(transaction, row.id)
    const slugs = stacks.map((stack) => stack.slug)
    if (row.allow_detach_on_destroy === 0 && stacks.length > 0) {
      const detail = `The integration "${slug}" is protected (allowDetachOnDestroy is false) and ${stacks.length} stacks are attached. Lift the protection or detach them first.`
      throw new Problem('integration_protected', detail, { stacks: slugs })
    }
    if (dryRun) return slugs
    await detach(transaction, stacks, 'integration_deleted', now)
    await deleteIntegrationRow(transaction, row.id)
    await recordAudit(transaction, now, [
      {
        actor: actorOf(caller),
        action: 'integration.delete',
        object: `integration:${slug}`,
        details: { rowId: row.id, detached: slugs },
      },
    ])
    return slugs
  })
  if (!dryRun) installation.onSecretsChanged(slug)
  return { detached }
}

function changedRow(
  { sealer, bitbucket }: Installation,
  row: IntegrationRow,
  change: IntegrationUpdate,
  now: number,
): IntegrationRow {
  if (change.name !== undefined && change.name !== row.name) {
    const detail = `The name of an integration cannot be changed: its webhook endpoint is built from it. It is "${row.name}".`
    throw fieldProblem('name_immutable', '/name', detail)
  }
  if (change.isDefault !== undefined && change.isDefault !== (row.is_default === 1)) {
    throw invalidField('/isDefault', 'cannot be changed: delete the integration and create it anew')
  }
  const apiHost = change.apiHost ?? row.api_host
  if (apiHost !== row.api_host && change.accessToken === undefined) {
    const detail = 'Send accessToken with the new apiHost: a stored token is never sent to another place.'
    throw fieldProblem('token_required', '/apiHost', detail)
  }
  const userFacingHost = change.userFacingHost === undefined ? row.user_facing_host : change.userFacingHost
  if (change.apiHost !== undefined || change.userFacingHost !== undefined) {
    checkHosts(bitbucket, { apiHost, userFacingHost })
  }
  const spaceId = change.spaceId ?? row.space_id
  checkPlace(row.is_default === 1, spaceId)
  return {
    ...row,
    space_id: spaceId,
    api_host: apiHost,
    user_facing_host: userFacingHost,
    username: change.username ?? row.username,
    access_token: change.accessToken === undefined ? row.access_token : sealToken(sealer, row.id, change.accessToken),
    labels: change.labels === undefined ? row.labels : JSON.stringify(change.labels),
    description: change.description ?? row.description,
    allow_detach_on_destroy:
      change.allowDetachOnDestroy === undefined ? row.allow_detach_on_destroy : change.allowDetachOnDestroy ? 1 : 0,
    updated_at: now,
  }
}

function checkPlace(isDefault: boolean, spaceId: string): void {
  if (isDefault && spaceId !== rootSpaceId) {
    throw invalidField('/spaceId', 'a default integration lives in the root space')
  }
}

function requirePublicUrl(installation: Installation): void {
  if (installation.publicUrl() === undefined) {
    const detail =
      'Set MOORING_PUBLIC_URL to the address at which Bitbucket reaches this server, and start it again: the webhook endpoint is built from it.'
    throw new Problem('public_url_required', detail)
  }
}

async function stacksThatLose(db: Database, changed: IntegrationRow) {
  const tree = await readSpaceTree(db)
  const stacks = await listAttachedStacks(db, changed.id)
  return stacks.filter(
    ({ spaceId }) =>
      !canUseIntegration({ isDefault: changed.is_default === 1, spaceId: changed.space_id }, spaceId, tree),
  )
}

function sealToken(sealer: Sealer, integrationId: string, token: string): string {
  return sealer.seal({ table: 'integration', id: integrationId, column: 'access_token' }, token)
}

function firstSecret(sealer: Sealer, integrationId: string, now: number) {
  const id = uuidv7(now)
  const secret = randomBytes(32).toString('base64url')
  return {
    id,
    integration_id: integrationId,
    version: 1,
    secret: sealer.seal({ table: 'webhook_secret', id, column: 'secret' }, secret),
    valid_until: null,
    created_at: now,
  }
}
