import { createHash, createHmac, randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { openDatabase } from '../../server/store/dialect/open-database.ts'
import { migrate } from '../../server/store/migrate.ts'
import { insertIntegration, type TestIntegration } from '../../test/support/receiver.ts'
import { seededRandom } from './random.ts'
import { startServerChild } from './server-child.ts'

export interface KillReport {
  readonly rounds: number
  readonly seed: number
  /** Deliveries that were answered 202, or 200 as a duplicate. */
  readonly acknowledged: number
  /** Acknowledged, but not in the database as they were sent. */
  readonly lost: number
  /** In the database more than once. */
  readonly doubled: number
  /** From opening the killed server's database until the first row was read. */
  readonly reopenP50Ms: number
  readonly reopenMaxMs: number
}

interface Sent {
  readonly requestId: string
  readonly body: string
}

const connections = 16

/**
 * Kills the server with SIGKILL right after a 202, again and again on one database, and compares what was
 * acknowledged with what is stored (F2). What had no answer is sent again to the next process, as a person who
 * redelivers would. `databaseUrl` is of an empty database.
 */
export async function killAfterAnswers(databaseUrl: string, rounds: number, seed: number): Promise<KillReport> {
  const random = seededRandom(seed)
  const integration = await prepare(databaseUrl)
  const acknowledged = new Map<string, Sent>()
  const reopened: number[] = []
  let unanswered: Sent[] = []
  for (let round = 0; round < rounds; round += 1) {
    const server = await startServerChild(databaseUrl)
    const killAfter = 1 + Math.floor(random() * 150)
    const answered = await sendUntil(server.port, integration, unanswered, killAfter, () => server.end('SIGKILL'))
    reopened.push(await timeToReopen(databaseUrl))
    for (const sent of answered.acknowledged) acknowledged.set(sent.requestId, sent)
    unanswered = answered.unanswered
  }
  reopened.sort((a, b) => a - b)
  return {
    rounds,
    seed,
    acknowledged: acknowledged.size,
    ...(await compare(databaseUrl, [...acknowledged.values()])),
    reopenP50Ms: Math.round(reopened[Math.floor(reopened.length / 2)] ?? 0),
    reopenMaxMs: Math.round(reopened.at(-1) ?? 0),
  }
}

async function prepare(databaseUrl: string): Promise<TestIntegration> {
  const db = openDatabase(databaseUrl)
  try {
    await migrate(db, Date.now())
    return await insertIntegration(db, 'faults')
  } finally {
    await db.destroy()
  }
}

interface Answers {
  readonly acknowledged: Sent[]
  readonly unanswered: Sent[]
}

/** Sends from several connections, and calls `kill` with the answer that makes `killAfter`. */
async function sendUntil(
  port: number,
  integration: TestIntegration,
  first: readonly Sent[],
  killAfter: number,
  kill: () => Promise<unknown>,
): Promise<Answers> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const again = [...first]
  const acknowledged: Sent[] = []
  const unanswered: Sent[] = []
  let killing: Promise<unknown> | undefined
  async function sendOnAndOn(): Promise<void> {
    while (killing === undefined) {
      const sent = again.pop() ?? newDelivery()
      const status = await send(agent, port, integration, sent)
      if (status === 202 || status === 200) acknowledged.push(sent)
      else unanswered.push(sent)
      if (acknowledged.length >= killAfter) killing ??= kill()
    }
  }
  await Promise.all(Array.from({ length: connections }, sendOnAndOn))
  await killing
  agent.destroy()
  return { acknowledged, unanswered: [...unanswered, ...again] }
}

function newDelivery(): Sent {
  const requestId = randomBytes(16).toString('hex')
  return { requestId, body: JSON.stringify({ eventKey: 'repo:refs_changed', requestId, text: 'x'.repeat(5_800) }) }
}

/** The status, or `undefined` when no whole answer came. */
async function send(
  agent: Agent,
  port: number,
  { slug, secret }: TestIntegration,
  { requestId, body }: Sent,
): Promise<number | undefined> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-event-key': 'repo:refs_changed',
    'x-request-id': requestId,
    'x-hub-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  }
  return new Promise((resolve) => {
    const path = `/webhooks/bitbucket-datacenter/${slug}`
    const sending = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
      // The status line is what the sender goes by: from here on the delivery counts as taken.
      response.resume()
      response.once('end', () => resolve(response.statusCode))
      response.once('close', () => resolve(response.statusCode))
    })
    sending.once('error', () => resolve(undefined))
    sending.end(body)
  })
}

async function timeToReopen(databaseUrl: string): Promise<number> {
  const startedAt = performance.now()
  const db = openDatabase(databaseUrl)
  try {
    await db.selectFrom('delivery').select('id').orderBy('id', 'desc').limit(1).execute()
    return performance.now() - startedAt
  } finally {
    await db.destroy()
  }
}

async function compare(databaseUrl: string, acknowledged: readonly Sent[]) {
  const db = openDatabase(databaseUrl)
  try {
    const rows = await db.selectFrom('delivery').select(['request_id', 'body']).execute()
    const stored = new Map<string, string[]>()
    for (const { request_id: id, body } of rows) {
      if (id !== null) stored.set(id, [...(stored.get(id) ?? []), digest(body)])
    }
    const lost = acknowledged.filter(
      ({ requestId, body }) => !stored.get(requestId)?.includes(digest(Buffer.from(body))),
    )
    const doubled = [...stored.values()].filter((digests) => digests.length > 1)
    return { lost: lost.length, doubled: doubled.length }
  } finally {
    await db.destroy()
  }
}

function digest(body: Uint8Array): string {
  return createHash('sha1').update(body).digest('hex')
}
