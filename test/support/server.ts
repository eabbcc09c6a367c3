import { randomBytes, randomUUID } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { createServerClient, type ServerClient } from '../../clients/server/client.ts'
import { openUndiciTransport } from '../../clients/transport-undici.ts'
import type { Config } from '../../server/config.ts'
import { type Clock, systemClock } from '../../server/core/clock.ts'
import { createLogger } from '../../server/core/logger.ts'
import { startServer } from '../../server/start-server.ts'
import type { HomeWish } from '../../server/store/home.ts'
import type { Database } from '../../server/store/tables.ts'
import type { TestDatabase } from './databases.ts'
import { connectTestDatabase, openTestDatabaseUrl } from './server-database.ts'

export interface TestServer {
  readonly url: string
  readonly databaseUrl: string
  /** A client with a root admin's key. */
  readonly root: ServerClient
  /** That key. */
  readonly rootKey: { readonly keyId: string; readonly keySecret: string }
  /** A client with another key, or with none: anonymous. */
  client(credentials?: { readonly keyId: string; readonly keySecret: string }): ServerClient
  /** Creates a webhook-registrar's key for the space, and gives its client. */
  registrar(spaceId: string): Promise<ServerClient>
  /** A request as it is, with the root admin's token unless the headers carry another; null for none. */
  request(method: string, path: string, options?: RawRequest): Promise<Response>
  /** A fresh token of the key. */
  token(credentials?: { readonly keyId: string; readonly keySecret: string }): Promise<string>
  /** One more connection to its database. */
  readonly db: Database
  /** Everything it logged. */
  log(): string
  close(): Promise<void>
}

export interface RawRequest {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Sent as it is, in place of `body`. */
  readonly text?: string
  readonly token?: string | null
}

export interface TestServerOptions extends Partial<Config> {
  readonly clock?: Clock
  /** A root admin's key that the database has already. */
  readonly rootKey?: { readonly keyId: string; readonly keySecret: string }
  readonly homeWish?: HomeWish
}

/** Starts a whole server of its own for the running test, on a free port, and stops it when the test ends. */
export async function startTestServer(database: TestDatabase, options: TestServerOptions = {}): Promise<TestServer> {
  const server = await openTestServer(await openTestDatabaseUrl(database), options)
  onTestFinished(() => server.close())
  return server
}

/** The same on a database that is there already; the caller closes it. */
export async function openTestServer(databaseUrl: string, options: TestServerOptions = {}): Promise<TestServer> {
  const { clock = systemClock, rootKey: knownKey, homeWish = 'keep', ...config } = options
  const lines: string[] = []
  const log = createLogger(config.logLevel ?? 'debug', { write: (line: string) => lines.push(line) })
  const bootstrapKey = config.bootstrapKey ?? {
    id: randomUUID(),
    secret: `mrg_${randomBytes(32).toString('base64url')}`,
  }
  const running = await startServer(
    { ...testConfig(databaseUrl), ...config, bootstrapKey },
    { clock, log, terminal: { isTTY: false, write: () => undefined }, homeWish },
  )
  const transport = openUndiciTransport({})
  const client = (credentials?: { readonly keyId: string; readonly keySecret: string }) =>
    createServerClient(transport.send, {
      endpoint: running.url,
      now: () => Date.now(),
      ...(credentials ? { credentials: keyOf(credentials) } : {}),
    })
  const bootstrap = client({ keyId: bootstrapKey.id, keySecret: bootstrapKey.secret })
  const createRoot = async () => {
    const { id, secret } = await bootstrap.call('createApiKey', { body: { name: 'test root', role: 'admin' } })
    return { keyId: id, keySecret: secret }
  }
  const rootKey = knownKey ?? (await createRoot())
  const root = client(rootKey)
  const token = async (credentials = rootKey) =>
    (await client().call('createToken', { body: keyOf(credentials) })).token
  let rootToken: string | undefined

  return {
    url: running.url,
    databaseUrl,
    root,
    rootKey,
    client,
    registrar: async (spaceId) => {
      const key = await root.call('createApiKey', {
        body: { name: `registrar ${spaceId}`, role: 'webhook-registrar', spaceId },
      })
      return client({ keyId: key.id, keySecret: key.secret })
    },
    request: async (method, path, given = {}) => {
      if (given.token === undefined) rootToken ??= await token()
      const bearer = given.token === undefined ? rootToken : given.token
      const body = given.text ?? (given.body === undefined ? undefined : JSON.stringify(given.body))
      return fetch(`${running.url}${path}`, {
        method,
        redirect: 'manual',
        headers: {
          ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...given.headers,
        },
        ...(body === undefined ? {} : { body }),
      })
    },
    token,
    get db() {
      return connectTestDatabase(databaseUrl)
    },
    log: () => lines.join(''),
    close: async () => {
      await transport.close()
      await running.close()
      refuseUndeclaredProblems(lines)
    },
  }
}

/** Of whatever else is known of a caller the key alone is sent. */
function keyOf({ keyId, keySecret }: { readonly keyId: string; readonly keySecret: string }) {
  return { keyId, keySecret }
}

/** Whatever a suite sees of an operation is in its row of the table, and so in the documentation (R204). */
function refuseUndeclaredProblems(lines: readonly string[]): void {
  const found = lines
    .filter((line) => line.includes('"undeclared problem"'))
    .map((line) => JSON.parse(line) as { operation: string; code: string })
    .map(
      ({ operation, code }) => `${operation} answered ${code}, which is not among its problems in schemas/operations.`,
    )
  if (found.length > 0) throw new Error([...new Set(found)].join('\n'))
}

/** A configuration as the quickstart's: loopback may be called, nothing waits at the end. */
export function testConfig(databaseUrl: string): Config {
  return {
    databaseUrl,
    databaseListenUrl: undefined,
    preparedStatements: true,
    publicUrl: 'http://mooring.test',
    listen: { host: '127.0.0.1', port: 0 },
    encryptionKey: randomBytes(32),
    oldEncryptionKeys: [],
    bootstrapKey: undefined,
    stateDirectory: undefined,
    trustedProxies: [],
    spaceAdmins: 'off',
    allowedLoopback: [],
    allowedHosts: undefined,
    repositoryAccess: 'everything',
    metrics: 'open',
    diskLowWaterMib: 0,
    logLevel: 'debug',
    stopGraceSeconds: 0,
  }
}
