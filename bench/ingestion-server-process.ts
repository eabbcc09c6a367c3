import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createNodeMiddleware, Webhooks } from '@octokit/webhooks'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { systemClock } from '../server/core/clock.ts'
import { createSealer } from '../server/core/sealer.ts'
import { AddressBudget } from '../server/http/address-budget.ts'
import { httpLimits } from '../server/http/http-limits.ts'
import { createHttpServer } from '../server/http/http-server.ts'
import { createReceiverMetrics } from '../server/http/receiver-metrics.ts'
import { createWebhookListener } from '../server/http/webhook-listener.ts'
import { WebhookObservations } from '../server/http/webhook-observations.ts'
import { type BatchStore, groupCommit } from '../server/store/dialect/group-commit.ts'
import { openDatabase } from '../server/store/dialect/open-database.ts'
import { SecretCache } from '../server/store/secret-cache.ts'
import { startReceiver, testSealingKey } from '../test/support/receiver.ts'
import { answerQuestions } from './child.ts'
import { githubPath, sharedSecret } from './ingestion-webhooks.ts'

/** The servers that are compared. */
export type ContenderKind = 'bare' | 'verified' | 'octokit' | 'verify-only' | 'durable'

/** What a server process tells when it is asked, whatever the question. */
export interface ServerUsage {
  readonly port: number
  /** CPU time of the whole process since its start. */
  readonly cpuMicroseconds: number
  readonly rssBytes: number
}

/** `node ingestion-server-process.js <kind> [database URL]`, of a database that holds the integrations. */
const [, , kind, databaseUrl = ''] = process.argv
const { port, close } = await start(kind as ContenderKind)

answerQuestions<object, ServerUsage>(() => {
  const { user, system } = process.cpuUsage()
  return { port, cpuMicroseconds: user + system, rssBytes: process.memoryUsage.rss() }
}, close)

async function start(wanted: ContenderKind): Promise<{ port: number; close: () => Promise<void> }> {
  switch (wanted) {
    case 'bare':
      return serve(createServer((request, response) => readWhole(request, () => response.end('{}'))))
    case 'verified':
      return serve(verifiedServer())
    case 'octokit': {
      const webhooks = new Webhooks({ secret: sharedSecret })
      const middleware = createNodeMiddleware(webhooks, { path: githubPath })
      return serve(createServer((request, response) => void middleware(request, response)))
    }
    case 'verify-only':
      return serve(verifyOnlyServer())
    case 'durable': {
      const receiver = await startReceiver(databaseUrl)
      return { port: receiver.port, close: receiver.stop }
    }
  }
}

/** The floor of what verifies: the body's HMAC under one secret that is at hand. */
function verifiedServer(): Server {
  const key = createSecretKey(Buffer.from(sharedSecret))
  return createServer((request, response) => {
    readWhole(request, (body) => {
      const signature = Buffer.from(String(request.headers['x-hub-signature']).slice('sha256='.length), 'hex')
      const expected = createHmac('sha256', key).update(body).digest()
      const isRight = signature.length === expected.length && timingSafeEqual(signature, expected)
      response.writeHead(isRight ? 200 : 401, { 'Content-Length': 2 }).end('{}')
    })
  })
}

/** Our receiver up to the point where it would store: real secrets, limits, metrics and groups, kept nowhere. */
function verifyOnlyServer(): Server {
  const keepsNothing: BatchStore = {
    maxBatch: 128,
    maxInFlight: 1,
    store: (batch) => batch.map(({ id }) => ({ kind: 'stored', id })),
    failureOf: () => 'unavailable',
    close: () => undefined,
  }
  const writer = groupCommit(keepsNothing, { onCommit() {}, onFailure() {}, onMissingPartition() {} })
  const listener = createWebhookListener({
    secrets: new SecretCache(
      openDatabase(databaseUrl),
      createSealer({ current: testSealingKey, old: [] }),
      systemClock,
    ),
    writer,
    observations: new WebhookObservations(),
    metrics: createReceiverMetrics(new Registry(), () => 0),
    limits: httpLimits,
    clock: systemClock,
    log: pino({ level: 'silent' }),
    strangers: new AddressBudget(httpLimits.unverifiedPerSecond, httpLimits.unverifiedBurst),
    sourceAddress: (request) => request.socket.remoteAddress ?? '',
  })
  return createHttpServer(listener, (_request, response) => response.writeHead(404).end(), httpLimits)
}

function readWhole(request: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => done(Buffer.concat(chunks)))
}

async function serve(server: Server): Promise<{ port: number; close: () => Promise<void> }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    close: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
