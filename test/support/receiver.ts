import { createHmac, randomBytes } from 'node:crypto'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { type Clock, systemClock } from '../../server/core/clock.ts'
import { createSealer, type Sealer } from '../../server/core/sealer.ts'
import { uuidv7 } from '../../server/core/uuid-v7.ts'
import { type HttpLimits, httpLimits } from '../../server/http/http-limits.ts'
import { closeHttpServer, createHttpServer } from '../../server/http/http-server.ts'
import { openReceiver, type Receiver } from '../../server/http/receiver.ts'
import { openDatabase } from '../../server/store/dialect/open-database.ts'
import { createWake, type Wake } from '../../server/store/dialect/wake.ts'
import type { Database } from '../../server/store/tables.ts'

/** The sealing key of receivers in tests, in every process of one. */
export const testSealingKey: Uint8Array = Buffer.alloc(32, 'mooring test key')

export interface TestReceiver extends Receiver {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly port: number
  readonly db: Database
  readonly sealer: Sealer
  readonly registry: Registry
  readonly wake: Wake
  readonly server: Server
  /** The URLs that the receiver left to the router, which answers 404 to all. */
  readonly passedOn: readonly string[]
  stop(): Promise<void>
}

export interface TestReceiverOptions {
  readonly limits?: Partial<HttpLimits>
  readonly clock?: Clock
}

/** Starts the receiver alone on a free port of 127.0.0.1, on a migrated database. */
export async function startReceiver(databaseUrl: string, options: TestReceiverOptions = {}): Promise<TestReceiver> {
  const db = openDatabase(databaseUrl)
  const sealer = createSealer({ current: testSealingKey, old: [] })
  const limits = { ...httpLimits, ...options.limits }
  const registry = new Registry()
  const wake = createWake()
  const receiver = openReceiver({
    databaseUrl,
    db,
    sealer,
    limits,
    clock: options.clock ?? systemClock,
    wake,
    registry,
    log: pino({ level: 'silent' }),
    sourceAddress: (request) => request.socket.remoteAddress ?? '',
  })
  const passedOn: string[] = []
  const router: RequestListener = (request, response) => {
    passedOn.push(request.url ?? '')
    response.writeHead(404).end()
  }
  const server = createHttpServer(receiver.listener, router, limits)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  async function stop(): Promise<void> {
    server.closeAllConnections()
    await closeHttpServer(server)
    await receiver.close()
    await db.destroy()
  }
  return { ...receiver, url, port, db, sealer, registry, wake, server, passedOn, stop }
}

export interface TestIntegration {
  readonly id: string
  readonly slug: string
  readonly secret: string
}

/** Inserts an integration with one webhook secret, version 1. */
export async function insertIntegration(
  db: Database,
  slug: string,
  options: { readonly secret?: string; readonly spaceId?: string } = {},
): Promise<TestIntegration> {
  const now = Date.now()
  const id = uuidv7(now)
  await db
    .insertInto('integration')
    .values({
      id,
      slug,
      name: slug,
      is_default: 0,
      space_id: options.spaceId ?? 'root',
      api_host: 'http://127.0.0.1:7990',
      user_facing_host: null,
      username: '',
      access_token: '',
      labels: '[]',
      description: '',
      allow_detach_on_destroy: 1,
      created_at: now,
      updated_at: now,
    })
    .execute()
  const secret = options.secret ?? randomBytes(24).toString('base64url')
  await insertSecret(db, id, 1, secret, null)
  return { id, slug, secret }
}

/** Inserts one more version of an integration's webhook secret; `validUntil` null for the newest. */
export async function insertSecret(
  db: Database,
  integrationId: string,
  version: number,
  secret: string,
  validUntil: number | null,
): Promise<void> {
  const id = uuidv7(Date.now())
  const sealer = createSealer({ current: testSealingKey, old: [] })
  const sealed = sealer.seal({ table: 'webhook_secret', id, column: 'secret' }, secret)
  await db
    .insertInto('webhook_secret')
    .values({
      id,
      integration_id: integrationId,
      version,
      secret: sealed,
      valid_until: validUntil,
      created_at: Date.now(),
    })
    .execute()
}

/** What Bitbucket would write into `X-Hub-Signature`. */
export function sign(secret: string, body: string | Uint8Array): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
}

export interface SentDelivery {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

/** Sends a webhook as Bitbucket does; headers given replace the usual ones, `undefined` leaves one out. */
export async function sendWebhook(
  url: string,
  integration: Pick<TestIntegration, 'slug' | 'secret'>,
  body: string | Buffer,
  headers: Readonly<Record<string, string | undefined>> = {},
): Promise<SentDelivery> {
  const all = {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'Atlassian HttpClient 4.2.0 / Bitbucket-9.4.0',
    'x-event-key': 'repo:refs_changed',
    'x-request-id': randomBytes(16).toString('hex'),
    'x-hub-signature': sign(integration.secret, body),
    ...headers,
  }
  const present = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const response = await fetch(`${url}/webhooks/bitbucket-datacenter/${integration.slug}`, {
    method: 'POST',
    headers: present,
    body: typeof body === 'string' ? body : new Uint8Array(body),
  })
  return { status: response.status, text: await response.text(), headers: response.headers }
}
