import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import { createCallScheduler } from '../clients/call-scheduler.ts'
import { systemClock as callClock } from '../clients/system-clock.ts'
import { openUndiciTransport } from '../clients/transport-undici.ts'
import { type Config, dangersOf } from './config.ts'
import type { Clock } from './core/clock.ts'
import { createFailureLimiter } from './core/failure-limiter.ts'
import { createTokenSigner } from './core/jwt.ts'
import { createOutboundGuard } from './core/outbound-guard.ts'
import { getEncryptionKeys, openSealer } from './encryption-key.ts'
import { bootstrapKeyFile, handOutBootstrapKey, removeBootstrapKey, type Terminal } from './hand-out-bootstrap-key.ts'
import { unauthenticated } from './http/api-router.ts'
import { createApp } from './http/app.ts'
import { apiKeyHandlers } from './http/handlers/api-keys.ts'
import { deliveryHandlers } from './http/handlers/deliveries.ts'
import { integrationHandlers } from './http/handlers/integrations.ts'
import { metaHandlers } from './http/handlers/meta.ts'
import { runHandlers } from './http/handlers/runs.ts'
import { spaceHandlers } from './http/handlers/spaces.ts'
import { attachmentHandlers, stackHandlers } from './http/handlers/stacks.ts'
import { webhookTargetHandlers } from './http/handlers/webhook-targets.ts'
import { httpLimits } from './http/http-limits.ts'
import { closeHttpServer, createHttpServer } from './http/http-server.ts'
import { createHttpMetrics, watchOldestDelivery } from './http/metrics.ts'
import { openReceiver } from './http/receiver.ts'
import { startJobs } from './jobs/start-jobs.ts'
import { createBitbucketAccess } from './services/bitbucket-access.ts'
import { prepareBootstrapKey } from './services/bootstrap-key.ts'
import type { Installation } from './services/installation.ts'
import { callerOf, createCallerCache } from './services/tokens.ts'
import { holdDatabase } from './store/dialect/hold-database.ts'
import { openDatabase } from './store/dialect/open-database.ts'
import { createWake } from './store/dialect/wake.ts'
import { migrate } from './store/migrate.ts'
import { findOldestQueued } from './store/queue-age.ts'
import { findSetting } from './store/settings.ts'
import type { Database } from './store/tables.ts'
import { readVersion } from './version.ts'

export interface ServerDependencies {
  readonly clock: Clock
  readonly log: Logger
  /** Where a bootstrap key is shown if it is a terminal: standard output. */
  readonly terminal: Terminal
}

export interface RunningServer {
  /** `http://<host>:<port>`, as it listens. */
  readonly url: string
  /** Stops accepting, finishes what is in flight, releases what it holds (R208). A second call waits for the first. */
  close(): Promise<void>
}

/** With the grace before it and the jobs' own after it, less than thirty seconds. */
const longestFinishMs = 10_000

/**
 * Starts a whole server: database, keys, receiver, API and jobs. Whatever was opened is closed again when a step
 * fails, in the reverse order, as it is at `close`.
 */
export async function startServer(config: Config, dependencies: ServerDependencies): Promise<RunningServer> {
  const cleanups: (() => Promise<void> | void)[] = []
  const closeAll = async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  }
  try {
    return await start(config, dependencies, cleanups, closeAll)
  } catch (error) {
    await closeAll()
    throw error
  }
}

async function start(
  config: Config,
  { clock, log, terminal }: ServerDependencies,
  cleanups: (() => Promise<void> | void)[],
  closeAll: () => Promise<void>,
): Promise<RunningServer> {
  for (const danger of dangersOf(config)) log.warn({ danger }, 'dangerous setting')
  const hold = holdDatabase(config.databaseUrl)
  cleanups.push(() => hold.release())
  const db = openDatabase(config.databaseUrl, (error) => log.warn({ err: error }, 'database connection lost'))
  cleanups.push(() => db.destroy())
  await migrate(db, clock.now())

  const keys = await getEncryptionKeys(db, config)
  const sealer = await openSealer(db, keys)
  const instanceId = await getInstanceId(db)
  const keyFile = bootstrapKeyFile(config)
  const bootstrapKey = await prepareBootstrapKey(db, clock, config.bootstrapKey)
  if (!bootstrapKey) removeBootstrapKey(keyFile)
  else if (!config.bootstrapKey) handOutBootstrapKey(bootstrapKey, keyFile, terminal, log)

  const guard = createOutboundGuard(config)
  const transport = openUndiciTransport({ checkAddress: guard.checkAddress })
  cleanups.push(() => transport.close())
  const calls = callClock()
  const scheduler = createCallScheduler({ clock: calls, callsPerSecond: 5, burst: 60, maxInFlight: 4 })
  const callers = createCallerCache(db, clock)
  const wake = createWake()
  const registry = new Registry()
  const receiver = openReceiver({
    databaseUrl: config.databaseUrl,
    db,
    sealer,
    limits: httpLimits,
    clock,
    wake,
    registry,
    log,
    sourceAddress: (request) => request.socket.remoteAddress ?? 'unknown',
  })
  cleanups.push(() => receiver.close())
  let listening: string | undefined

  const installation: Installation = {
    db,
    clock,
    sealer,
    instanceId,
    // On a machine that may call itself, Bitbucket's stand-in reaches the server where it listens (R209).
    publicUrl: () => config.publicUrl ?? (config.allowedLoopback.length > 0 ? listening : undefined),
    bitbucket: createBitbucketAccess(transport.send, scheduler, calls, guard, sealer),
    onSecretsChanged: (slug) => receiver.secrets.invalidate(slug),
    onKeyRevoked: (keyId) => {
      callers.forget(keyId)
      removeBootstrapKey(keyFile)
    },
  }

  watchOldestDelivery(registry, () => findOldestQueued(db), clock.now)

  const signer = createTokenSigner(keys, instanceId)
  let isAccepting = true
  const app = createApp({
    log,
    httpMetrics: createHttpMetrics(registry),
    metrics: config.metrics === 'open' ? registry : undefined,
    health: { isAccepting: () => isAccepting, askDatabase: async () => void (await findSetting(db, 'instance_id')) },
    authenticate: async (authorization) => {
      const caller = await callerOf(signer, callers, clock, authorization)
      if (!caller) throw unauthenticated()
      return caller
    },
    handlers: {
      ...metaHandlers(installation, readVersion()),
      ...apiKeyHandlers(installation, {
        db,
        clock,
        signer,
        perKey: createFailureLimiter(10),
        perAddress: createFailureLimiter(60),
      }),
      ...spaceHandlers(installation),
      ...integrationHandlers(installation),
      ...stackHandlers(installation),
      ...attachmentHandlers(installation),
      ...webhookTargetHandlers(installation),
      ...runHandlers(db),
      ...deliveryHandlers(db),
    },
  })
  const server = createHttpServer(receiver.listener, app, httpLimits)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(config.listen.port, config.listen.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo
  const host = config.listen.host.includes(':') ? `[${config.listen.host}]` : config.listen.host
  listening = `http://${host}:${port}`
  const jobs = startJobs({ installation, wake, log, registry })
  cleanups.push(() => jobs.stop())
  cleanups.push(async () => {
    const late = setTimeout(() => server.closeAllConnections(), longestFinishMs)
    await closeHttpServer(server)
    clearTimeout(late)
  })
  log.info({ url: listening, publicUrl: installation.publicUrl() ?? null }, 'listening')

  let closing: Promise<void> | undefined
  return {
    url: listening,
    close: () => {
      closing ??= (async () => {
        isAccepting = false
        await sleep(config.stopGraceSeconds * 1000)
        await closeAll()
      })()
      return closing
    },
  }
}

async function getInstanceId(db: Database): Promise<string> {
  const instanceId = await findSetting(db, 'instance_id')
  if (instanceId === undefined) throw new Error('The database has no instance id: it was not migrated by Mooring.')
  return instanceId
}
