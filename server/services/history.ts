import type * as z from 'zod'
import { Delivery } from '../../schemas/delivery.ts'
import type { Page, PageRequest } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import { Run } from '../../schemas/run.ts'
import { RowId } from '../../schemas/text.ts'
import { type DeliveryRow, findDeliveryRow, listDeliveryRows, listRunIdsByDelivery } from '../store/deliveries.ts'
import { findIntegrationRow, findIntegrationRowById } from '../store/integrations.ts'
import { mapPage } from '../store/keyset-page.ts'
import { findRunRow, listRunRows, type RunRow } from '../store/runs.ts'
import type { Database } from '../store/tables.ts'
import { timestamp } from './installation.ts'
import { getStackRow } from './stack-view.ts'

/** Lists runs, newest first; of one stack where its slug is given. */
export async function listRuns(
  db: Database,
  { stackId, ...page }: PageRequest & { readonly stackId?: string | undefined },
): Promise<Page<Run>> {
  const stackRowId = stackId === undefined ? undefined : (await getStackRow(db, stackId)).id
  return mapPage(await listRunRows(db, { ...withRowIds(page), stackRowId }), toRun)
}

export async function getRun(db: Database, id: string): Promise<Run> {
  const row = await findRunRow(db, id)
  if (!row) throw new Problem('run_not_found', `There is no run with the id "${id}".`)
  return toRun(row)
}

/** Lists an integration's deliveries, newest first. */
export async function listDeliveries(
  db: Database,
  integrationSlug: string,
  { state, ...page }: PageRequest & { readonly state?: 'queued' | 'processed' | undefined },
): Promise<Page<Delivery>> {
  const integration = await findIntegrationRow(db, integrationSlug)
  if (!integration) {
    throw new Problem('integration_not_found', `There is no integration with the id "${integrationSlug}".`)
  }
  const rows = await listDeliveryRows(db, { ...withRowIds(page), state, integrationId: integration.id })
  const ids = rows.items.map(({ id }) => id)
  const runs = await listRunIdsByDelivery(db, ids)
  return mapPage(rows, (row) => toDelivery(row, integrationSlug, runs.get(row.id) ?? []))
}

/** Gives one delivery; one whose integration is gone is not shown any more. */
export async function getDelivery(db: Database, id: string): Promise<Delivery> {
  const row = await findDeliveryRow(db, id)
  const integration = row && (await findIntegrationRowById(db, row.integration_id))
  if (!row || !integration) throw new Problem('delivery_not_found', `There is no delivery with the id "${id}".`)
  const runs = await listRunIdsByDelivery(db, [id])
  return toDelivery(row, integration.slug, runs.get(id) ?? [])
}

/** What is no id names nothing; a column of ids would not even be comparable with it. */
function withRowIds(page: PageRequest): PageRequest {
  const ids = page.ids?.filter((id) => RowId.safeParse(id).success)
  const cursorless = ids === undefined ? page : { ...page, ids: ids.length > 0 ? ids : [noId] }
  return cursorless
}

const noId = '00000000-0000-7000-8000-000000000000'

function toRun(row: RunRow): Run {
  return {
    id: row.id,
    stackId: row.stackSlug,
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
