import { randomBytes, randomUUID } from 'node:crypto'
import { createServerClient, type ServerClient } from '../../../clients/server/client.ts'
import { openUndiciTransport } from '../../../clients/transport-undici.ts'
import { readConfig } from '../../../server/config.ts'
import { createLogger } from '../../../server/core/logger.ts'
import { startServer } from '../../../server/start-server.ts'
import { openDatabase } from '../../../server/store/dialect/open-database.ts'
import type { HomeWish } from '../../../server/store/home.ts'
import type { Database } from '../../../server/store/tables.ts'

/** Whose key it is stays the same for every server that is started on one database. */
export interface FuzzIdentity {
  readonly databaseUrl: string
  readonly encryptionKey: string
  readonly bootstrapKey: { readonly keyId: string; readonly keySecret: string }
  /** How far the server's clock is ahead; limits by the minute are passed by moving it. */
  readonly clock: { aheadMs: number }
}

export interface FuzzServer extends FuzzIdentity {
  readonly url: string
  readonly db: Database
  readonly now: () => number
  client(key: { readonly keyId: string; readonly keySecret: string }): ServerClient
  /** What it logged that no request may cause. */
  complaints(): string[]
  close(): Promise<void>
}

export const pageOrigin = 'http://mooring.test'

export function newIdentity(databaseUrl: string): FuzzIdentity {
  return {
    databaseUrl,
    encryptionKey: randomBytes(32).toString('base64'),
    bootstrapKey: { keyId: randomUUID(), keySecret: `mrg_${randomBytes(32).toString('base64url')}` },
    clock: { aheadMs: 0 },
  }
}

/** Starts a whole server in this process; `settings` are variables of its environment, an empty text takes one away. */
export async function startFuzzServer(
  identity: FuzzIdentity,
  settings: Readonly<Record<string, string>>,
  homeWish: HomeWish = 'keep',
): Promise<FuzzServer> {
  const { databaseUrl, encryptionKey, bootstrapKey, clock } = identity
  const environment = {
    MOORING_DATABASE_URL: databaseUrl,
    MOORING_ENCRYPTION_KEY: encryptionKey,
    MOORING_BOOTSTRAP_KEY: `${bootstrapKey.keyId}:${bootstrapKey.keySecret}`,
    MOORING_PUBLIC_URL: pageOrigin,
    MOORING_LISTEN: '127.0.0.1:0',
    MOORING_STOP_GRACE_SECONDS: '0',
    MOORING_DISK_LOW_WATER_MIB: '0',
    // The sender says from which address it comes, so that strangers are not all one.
    MOORING_TRUSTED_PROXIES: '127.0.0.0/8',
    ...settings,
  }
  const config = readConfig(Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== '')))
  const complaints: string[] = []
  const log = createLogger('info', {
    write: (line: string) => {
      if (/"undeclared problem"|"request failed by a bug"/.test(line)) complaints.push(line)
    },
  })
  const now = () => Date.now() + clock.aheadMs
  const running = await startServer(config, {
    clock: { now },
    log,
    terminal: { isTTY: false, write: () => undefined },
    homeWish,
  })
  const db = openDatabase(databaseUrl)
  const transport = openUndiciTransport({})
  return {
    ...identity,
    url: running.url,
    db,
    now,
    client: (credentials) => createServerClient(transport.send, { endpoint: running.url, now, credentials }),
    complaints: () => complaints.splice(0),
    close: async () => {
      await transport.close()
      await db.destroy()
      await running.close()
    },
  }
}
