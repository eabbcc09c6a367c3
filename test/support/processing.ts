import { createHmac, randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { openUndiciTransport } from '../../clients/transport-undici.ts'
import { normalProjectRoot } from '../../schemas/rules/affected-paths.ts'
import { type Clock, systemClock } from '../../server/core/clock.ts'
import { uuidv7 } from '../../server/core/uuid-v7.ts'
import { createComparisonCache } from '../../server/services/comparison-cache.ts'
import { processDeliveries } from '../../server/services/process-deliveries.ts'
import type { ProcessingDeps } from '../../server/services/processing-deps.ts'
import { claimDeliveries, type Verdict } from '../../server/store/delivery-queue.ts'
import { repositoryKey } from '../../server/store/stack-lookup.ts'
import type { Database } from '../../server/store/tables.ts'
import { insertIntegration } from './receiver.ts'

export interface TestStack {
  readonly id: string
  readonly slug: string
}

export interface NewTestStack {
  readonly slug: string
  readonly integrationId: string
  readonly repository: { readonly id: number | null; readonly key: string; readonly slug: string }
  readonly branch?: string
  readonly projectRoot?: string
}

/** Inserts an attached stack. */
export async function insertStack(db: Database, stack: NewTestStack): Promise<TestStack> {
  const now = Date.now()
  const { id, key, slug } = stack.repository
  const row = {
    id: uuidv7(now),
    slug: stack.slug,
    name: stack.slug,
    space_id: 'root',
    branch: stack.branch ?? 'main',
    project_root: stack.projectRoot ?? '',
    normal_root: normalProjectRoot(stack.projectRoot ?? ''),
    labels: '[]',
    description: '',
    integration_id: stack.integrationId,
    uses_default: 0,
    project_key: key,
    repository_slug: slug,
    repository_key: repositoryKey(key, slug),
    repository_id: id,
    managed_by: 'stack',
    attached_at: now,
    detached: 0,
    detached_reason: null,
    detached_at: null,
    head_commit: null,
    created_at: now,
  } as const
  await db.insertInto('stack').values(row).execute()
  return { id: row.id, slug: row.slug }
}

/** An integration of the Bitbucket at `apiHost`. */
export async function insertIntegrationOf(db: Database, slug: string, apiHost: string) {
  const integration = await insertIntegration(db, slug)
  await db.updateTable('integration').set({ api_host: apiHost }).where('id', '=', integration.id).execute()
  return integration
}

export interface NewTestDelivery {
  readonly integration: { readonly id: string; readonly secret: string }
  readonly body: string | Uint8Array
  readonly eventKey?: string
  readonly requestId?: string
  readonly receivedAt?: number
}

/** Stores a delivery as the receiver does after a good signature; gives its id. */
export async function storeDelivery(db: Database, given: NewTestDelivery): Promise<string> {
  const now = given.receivedAt ?? Date.now()
  const body = Buffer.from(given.body)
  const id = uuidv7(Date.now())
  const digest = createHmac('sha256', given.integration.secret).update(body).digest('hex')
  const requestId = given.requestId ?? randomUUID()
  await db
    .insertInto('delivery')
    .values({
      id,
      integration_id: given.integration.id,
      request_id: requestId,
      event_key: given.eventKey ?? 'repo:refs_changed',
      headers: '{}',
      received_at: now,
      size: body.length,
      secret_version: 1,
      body_digest: digest,
      body,
      state: 'queued',
      lease_until: null,
      not_before: 0,
      attempts: 0,
      verdict: null,
      reason: null,
      detail: null,
      processed_at: null,
    })
    .execute()
  return id
}

export interface PushedRepository {
  readonly id: number
  readonly key: string
  readonly slug: string
}

/** The body of a push, as Bitbucket writes it; `date` tells repeated pushes apart. */
export function pushBody(
  repository: PushedRepository,
  changes: readonly { readonly branch: string; readonly from: string | null; readonly to: string }[],
  date: string = new Date().toISOString(),
): string {
  const none = '0'.repeat(40)
  return JSON.stringify({
    eventKey: 'repo:refs_changed',
    date,
    actor: { name: 'ada', id: 1 },
    repository: { id: repository.id, slug: repository.slug, project: { key: repository.key } },
    changes: changes.map(({ branch, from, to }) => ({
      ref: { id: `refs/heads/${branch}`, displayId: branch, type: 'BRANCH' },
      refId: `refs/heads/${branch}`,
      fromHash: from ?? none,
      toHash: to,
      type: from === null ? 'ADD' : 'UPDATE',
    })),
  })
}

export interface TestProcessing extends ProcessingDeps {
  readonly verdicts: Verdict[]
  /** Log lines of level warn and above. */
  readonly logged: Record<string, unknown>[]
}

/** What processing needs, with a client that calls Bitbucket as it is: no retries, no rate. */
export function testProcessing(db: Database, token: string, clock: Clock = systemClock): TestProcessing {
  const transport = openUndiciTransport({})
  onTestFinished(() => transport.close())
  const verdicts: Verdict[] = []
  const logged: Record<string, unknown>[] = []
  return {
    db,
    clock,
    log: pino({ level: 'warn' }, { write: (line: string) => logged.push(JSON.parse(line)) }),
    publicUrl: () => 'https://mooring.test',
    bitbucketClient: (integration) => ({ transport: transport.send, baseUrl: integration.api_host, token }),
    comparisons: createComparisonCache({ keepMs: 86_400_000, most: 100 }),
    onVerdict: (verdict) => verdicts.push(verdict),
    onRuns: () => undefined,
    signal: new AbortController().signal,
    verdicts,
    logged,
  }
}

/** Claims and processes what is due, a batch, and says how many deliveries that were. */
export async function processDue(deps: ProcessingDeps, limit = 64): Promise<number> {
  const now = deps.clock.now()
  const claimed = await claimDeliveries(deps.db, { now, leaseUntil: now + 60_000, limit, except: [] })
  const integrations = new Set(claimed.map((delivery) => delivery.integration_id))
  for (const id of integrations) {
    await processDeliveries(
      deps,
      id,
      claimed.filter((delivery) => delivery.integration_id === id),
    )
  }
  return claimed.length
}

/** The runs, oldest first, as `<type> <stack> <state> <commit>`. */
export async function listRunLines(db: Database): Promise<string[]> {
  const rows = await db
    .selectFrom('run')
    .innerJoin('stack', 'stack.id', 'run.stack_id')
    .select(['run.type as type', 'stack.slug as stack', 'run.state as state', 'run.commit_sha as commit'])
    .orderBy('run.id')
    .execute()
  return rows.map(({ type, stack, state, commit }) => `${type} ${stack} ${state} ${commit}`)
}

/** The deliveries, oldest first, as `<state> <verdict> <reason>`. */
export async function listVerdictLines(db: Database): Promise<string[]> {
  const rows = await db.selectFrom('delivery').select(['state', 'verdict', 'reason']).orderBy('id').execute()
  return rows.map(({ state, verdict, reason }) => [state, verdict, reason].filter((word) => word !== null).join(' '))
}
