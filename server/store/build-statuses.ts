import { type Insertable, type Selectable, sql } from 'kysely'
import { uuidv7 } from '../core/uuid-v7.ts'
import { claimRows } from './dialect/transactions.ts'
import type { Database, Tables } from './tables.ts'

export type BuildStatusRow = Selectable<Tables['build_status']>

/** What a run's state means for its commit in Bitbucket. */
export type NewStatus = Pick<
  Insertable<Tables['build_status']>,
  | 'integration_id'
  | 'project_key'
  | 'repository_slug'
  | 'repository_id'
  | 'commit_sha'
  | 'status_key'
  | 'state'
  | 'url'
  | 'name'
  | 'description'
  | 'ref'
>

/**
 * Puts statuses into the outbox, in the transaction that makes them true (L3). One row per commit and key: the newest
 * state replaces one that was not sent yet (L23). A send that is under way, or backs off, keeps its time, so that
 * an older state cannot arrive after a newer one.
 */
export async function putBuildStatuses(db: Database, statuses: readonly NewStatus[], now: number): Promise<void> {
  // One statement may not change a row twice: of several states of one key the last counts.
  const newest = [...new Map(statuses.map((status) => [keyOf(status), status])).values()]
  for (let at = 0; at < newest.length; at += 500) {
    await db
      .insertInto('build_status')
      .values(
        newest.slice(at, at + 500).map((status) => ({
          ...status,
          id: uuidv7(now),
          revision: 1,
          sent_revision: 0,
          attempts: 0,
          not_before: now,
          error: null,
          created_at: now,
          updated_at: now,
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(['integration_id', 'repository_id', 'commit_sha', 'status_key']).doUpdateSet((eb) => ({
          project_key: eb.ref('excluded.project_key'),
          repository_slug: eb.ref('excluded.repository_slug'),
          state: eb.ref('excluded.state'),
          url: eb.ref('excluded.url'),
          name: eb.ref('excluded.name'),
          description: eb.ref('excluded.description'),
          ref: eb.ref('excluded.ref'),
          revision: sql<number>`build_status.revision + 1`,
          updated_at: eb.ref('excluded.updated_at'),
        })),
      )
      .execute()
  }
}

/** A run whose status is to change, by what its status is found by. */
export interface StatusOfRun {
  readonly runId: string
  readonly integrationId: string
  readonly commit: string
  readonly statusKey: string
}

/**
 * Turns the statuses of these runs into FAILED, in the transaction that fails the runs. A status that tells of a newer
 * run of the same commit and key by now stays as it is.
 */
export async function failBuildStatuses(
  db: Database,
  runs: readonly StatusOfRun[],
  description: string,
  now: number,
): Promise<void> {
  for (let at = 0; at < runs.length; at += 200) {
    await db
      .updateTable('build_status')
      .set({ state: 'FAILED', description, revision: sql<number>`revision + 1`, updated_at: now })
      .where((eb) =>
        eb.or(
          runs
            .slice(at, at + 200)
            .map(({ runId, integrationId, commit, statusKey }) =>
              eb.and([
                eb('integration_id', '=', integrationId),
                eb('commit_sha', '=', commit),
                eb('status_key', '=', statusKey),
                eb('url', 'like', `%/runs/${runId}`),
              ]),
            ),
        ),
      )
      .execute()
  }
}

export interface StatusClaim {
  readonly now: number
  /** A claim that is neither reported as sent nor as failed is due again then. */
  readonly leaseUntil: number
  readonly limit: number
  /** Integrations that this process sends to already. */
  readonly except: readonly string[]
}

/** Claims the statuses that Bitbucket does not have yet, those due longest first. */
export async function claimBuildStatuses(db: Database, claim: StatusClaim): Promise<BuildStatusRow[]> {
  const due = db
    .selectFrom('build_status')
    .select('id')
    .where('sent_revision', '<', sql.ref<number>('revision'))
    .where('not_before', '<=', claim.now)
    .$if(claim.except.length > 0, (query) => query.where('integration_id', 'not in', claim.except))
    .orderBy('not_before')
    .orderBy('id')
    .limit(claim.limit)
    .$call(claimRows(db))
  const rows = await db
    .updateTable('build_status')
    .set((eb) => ({ not_before: claim.leaseUntil, attempts: eb('attempts', '+', 1) }))
    .where('id', 'in', due)
    .returningAll()
    .execute()
  return rows.sort((one, other) => (one.id < other.id ? -1 : 1))
}

type SentStatus = Pick<BuildStatusRow, 'id' | 'revision' | 'attempts'>

/** Records that Bitbucket has the status as it was claimed; a newer state is due at once. */
export async function markStatusSent(db: Database, sent: SentStatus): Promise<void> {
  await ownClaim(db, sent).set({ sent_revision: sent.revision, attempts: 0, not_before: 0, error: null }).execute()
}

/** Records why the status could not be sent, and when to try again. */
export async function markStatusFailed(
  db: Database,
  failed: SentStatus,
  error: string,
  notBefore: number,
): Promise<void> {
  await ownClaim(db, failed).set({ not_before: notBefore, error }).execute()
}

/** Ends the tries for the state that was claimed; the error stays, for people to read (R95). */
export async function giveUpStatus(db: Database, failed: SentStatus, error: string): Promise<void> {
  await ownClaim(db, failed).set({ sent_revision: failed.revision, attempts: 0, not_before: 0, error }).execute()
}

/** Gives a claim back untried. */
export async function releaseStatus(db: Database, claimed: SentStatus): Promise<void> {
  await ownClaim(db, claimed)
    .set((eb) => ({ not_before: 0, attempts: eb('attempts', '-', 1) }))
    .execute()
}

/** A claim that has lapsed, and was claimed again, has another number of attempts. */
function ownClaim(db: Database, { id, attempts }: SentStatus) {
  return db.updateTable('build_status').where('id', '=', id).where('attempts', '=', attempts)
}

function keyOf(status: NewStatus): string {
  return `${status.integration_id} ${status.repository_id} ${status.commit_sha} ${status.status_key}`
}
