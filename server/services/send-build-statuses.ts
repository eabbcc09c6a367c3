import type { Logger } from 'pino'
import { type NewBuildStatus, postBuildStatus } from '../../clients/bitbucket/build-statuses.ts'
import type { BitbucketClient } from '../../clients/bitbucket/client.ts'
import { BitbucketError } from '../../clients/bitbucket/errors.ts'
import { UnsafePathError } from '../../clients/bitbucket/paths.ts'
import { TransportError } from '../../clients/transport.ts'
import { type BackOff, backOffMs } from '../core/back-off.ts'
import type { Clock } from '../core/clock.ts'
import { lendsRepository } from '../core/repository-access.ts'
import {
  type BuildStatusRow,
  giveUpStatus,
  markStatusFailed,
  markStatusSent,
  releaseStatus,
} from '../store/build-statuses.ts'
import { findIntegrationRowById, type IntegrationRow } from '../store/integrations.ts'
import type { Database } from '../store/tables.ts'
import { reachOf } from './repository-access.ts'

/** What sending build statuses needs of the world. */
export interface StatusDeps {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  readonly bitbucketClient: (integration: IntegrationRow) => BitbucketClient
  /** Aborts what is being sent when the server stops. */
  readonly signal: AbortSignal
}

const retry: BackOff = { firstMs: 1_000, longestMs: 600_000 }
const patienceMs = 24 * 3_600_000

const sentAtOnce = 4

/**
 * Sends one integration's claimed statuses, a few at once: each is of another commit or key, so that their order does
 * not matter (R90). A failure is tried again with a back-off of at most ten minutes, and given up 24 hours after
 * the state was reached; the row keeps the error (R95).
 */
export async function sendBuildStatuses(
  deps: StatusDeps,
  integrationId: string,
  statuses: readonly BuildStatusRow[],
): Promise<void> {
  const integration = await findIntegrationRowById(deps.db, integrationId)
  const waiting = [...statuses]
  const down: TransportError[] = []
  const next = async (): Promise<void> => {
    for (let status = waiting.shift(); status; status = waiting.shift()) {
      const [error] = down
      if (!integration) await giveUpStatus(deps.db, status, 'The integration was deleted.')
      else if (!lends(integration, status)) await giveUpStatus(deps.db, status, notLent)
      else if (deps.signal.aborted) await releaseStatus(deps.db, status)
      else if (error) await recordFailure(deps, integration, status, error)
      else await sendOne(deps, integration, status, down)
    }
  }
  await Promise.all(Array.from({ length: sentAtOnce }, next))
}

const notLent = 'The integration does not lend the repository to any space any more.'

/** A status is of a run that was allowed when it was made; it needs a rule that still covers the repository (S24). */
function lends(integration: IntegrationRow, { project_key, repository_slug }: BuildStatusRow): boolean {
  return lendsRepository(reachOf(integration), { projectKey: project_key, repositorySlug: repository_slug })
}

async function sendOne(
  deps: StatusDeps,
  integration: IntegrationRow,
  status: BuildStatusRow,
  down: TransportError[],
): Promise<void> {
  const address = { projectKey: status.project_key, repositorySlug: status.repository_slug }
  try {
    const client = { ...deps.bitbucketClient(integration), signal: deps.signal }
    await postBuildStatus(client, address, status.commit_sha, toBody(status))
  } catch (error) {
    if (deps.signal.aborted) return releaseStatus(deps.db, status)
    if (error instanceof TransportError) down.push(error) // the host itself: the others need not try it
    return recordFailure(deps, integration, status, error)
  }
  await markStatusSent(deps.db, status)
}

async function recordFailure(
  { db, clock, log }: StatusDeps,
  integration: IntegrationRow,
  status: BuildStatusRow,
  error: unknown,
): Promise<void> {
  const message = messageOf(error)
  const what = { integration: integration.slug, commit: status.commit_sha, key: status.status_key, err: error }
  if (clock.now() - status.updated_at >= patienceMs) {
    log.error(what, 'build status given up')
    return giveUpStatus(db, status, `Given up after 24 hours: ${message}`)
  }
  log.warn(what, 'build status not sent')
  await markStatusFailed(db, status, message, clock.now() + backOffMs(retry, status.attempts))
}

function toBody(status: BuildStatusRow): NewBuildStatus {
  const { status_key: key, state, url, name, description, ref } = status
  return { key, state, url, name, description, ref }
}

/** Only our own sentences are stored: a library's message may hold more than it should (S37). */
function messageOf(error: unknown): string {
  const isOurs = error instanceof BitbucketError || error instanceof TransportError || error instanceof UnsafePathError
  return isOurs ? error.message : 'The server failed; its log says why.'
}
