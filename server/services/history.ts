import type * as z from 'zod'
import { Delivery } from '../../schemas/delivery.ts'
import type { Page, PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import { Run } from '../../schemas/run.ts'
import { authorisedSpaces, authoriseIn, authoriseIntegration, type Caller } from '../core/authorise.ts'
import { type DeliveryRow, findDeliveryRow, listDeliveryRows, listRunIdsByDelivery } from '../store/deliveries.ts'
import { findIntegrationRowById } from '../store/integrations.ts'
import { mapPage } from '../store/keyset-page.ts'
import { findRunRow, listRunRows, type RunRow } from '../store/runs.ts'
import { readSpaceTree } from '../store/space-tree.ts'
import type { Database } from '../store/tables.ts'
import { timestamp } from './installation.ts'
import { getIntegrationFor, placeOf } from './integration-view.ts'
import { invalidField } from './invalid-field.ts'
import { getStackFor, moduleKind, stackKind } from './stack-view.ts'

export interface RunQuery extends PageRequest {
  readonly stackId?: string | undefined
  readonly moduleId?: string | undefined
}

/** Lists the runs that the caller may read, newest first; of one stack or module where its slug is given (R27). */
export async function listRuns(
  db: Database,
  caller: Caller,
  { stackId, moduleId, ...page }: RunQuery,
): Promise<Page<Run>> {
  if (stackId !== undefined && moduleId !== undefined) {
    throw invalidField('?moduleId', 'a run is a stack’s or a module’s: expected one of the two')
  }
  const [kind, slug] = stackId === undefined ? [moduleKind, moduleId] : [stackKind, stackId]
  const stackRowId = slug === undefined ? undefined : (await getStackFor(db, caller, 'read', kind, slug)).id
  const scope = authorisedSpaces(caller, 'read', await readSpaceTree(db))
  return mapPage(await listRunRows(db, { ...page, stackRowId, scope }), toRun)
}

export async function getRun(db: Database, caller: Caller, id: string): Promise<Run> {
  const row = await findRunRow(db, id)
  const isVisible = row && authoriseIn(caller, 'read', row.spaceId, await readSpaceTree(db)) === 'allowed'
  if (!isVisible) throw new Problem('run_not_found', `There is no run with the id "${id}".`)
  return toRun(row)
}

/** Lists an integration's deliveries, newest first: the right of its Admins (S27). */
export async function listDeliveries(
  db: Database,
  caller: Caller,
  integrationSlug: string,
  { state, ...page }: PageRequest & { readonly state?: 'queued' | 'processed' | undefined },
): Promise<Page<Delivery>> {
  const integration = await getIntegrationFor(db, caller, 'administer', integrationSlug)
  const rows = await listDeliveryRows(db, { ...page, state, integrationId: integration.id })
  const ids = rows.items.map(({ id }) => id)
  const runs = await listRunIdsByDelivery(db, ids)
  return mapPage(rows, (row) => toDelivery(row, integrationSlug, runs.get(row.id) ?? []))
}

/** Gives one delivery; one whose integration is gone is not shown any more. */
export async function getDelivery(db: Database, caller: Caller, id: string): Promise<Delivery> {
  const row = await findDeliveryRow(db, id)
  const integration = row && (await findIntegrationRowById(db, row.integration_id))
  const isVisible =
    integration &&
    authoriseIntegration(caller, 'administer', placeOf(integration), await readSpaceTree(db)) === 'allowed'
  if (!row || !isVisible) throw new Problem('delivery_not_found', `There is no delivery with the id "${id}".`)
  const runs = await listRunIdsByDelivery(db, [id])
  return toDelivery(row, integration.slug, runs.get(id) ?? [])
}

function toRun(row: RunRow): Run {
  return {
    id: row.id,
    stackId: row.stackKind === 'stack' ? row.stackSlug : null,
    moduleId: row.stackKind === 'module' ? row.stackSlug : null,
    type: row.type,
    state: known(Run.shape.state, row.state),
    stateReason: row.state_reason,
    commitSha: row.commit_sha,
    branch: row.branch,
    deliveryId: row.delivery_id,
    createdAt: timestamp(row.created_at),
  }
}

function toDelivery(row: DeliveryRow, integrationSlug: string, runIds: string[]): Delivery {
  return {
    id: row.id,
    integrationId: integrationSlug,
    requestId: row.request_id,
    eventKey: row.event_key,
    receivedAt: timestamp(row.received_at),
    size: row.size,
    secretVersion: row.secret_version,
    duplicates: row.duplicates ?? 0,
    state: row.state,
    verdict: known(Delivery.shape.verdict, row.verdict),
    reason: known(Delivery.shape.reason, row.reason),
    detail: row.detail,
    attempts: row.attempts,
    runIds,
  }
}

/** A stored word as one of those that the schema has; another one was stored by a bug. */
function known<Schema extends z.ZodType>(schema: Schema, stored: unknown): z.output<Schema> {
  return schema.parse(stored)
}
