import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import { createCallScheduler } from '../clients/call-scheduler.ts'
import { systemClock as callClock } from '../clients/system-clock.ts'
import { openTrustingTransports } from '../clients/transport-undici.ts'
import { Problem } from '../schemas/problem.ts'
import { type Config, dangersOf } from './config.ts'
import type { Clock } from './core/clock.ts'
import { createCsrfTokens } from './core/csrf-token.ts'
import { deriveKey } from './core/derived-key.ts'
import { createFailureLimiter } from './core/failure-limiter.ts'
import { createTokenSigner } from './core/jwt.ts'
import { createOutboundGuard } from './core/outbound-guard.ts'
import { getEncryptionKeys, openSealer } from './encryption-key.ts'
import { bootstrapKeyFile, handOutBootstrapKey, removeBootstrapKey, type Terminal } from './hand-out-bootstrap-key.ts'
import { createApp } from './http/app.ts'
import { type AuthenticateParts, createAuthenticate, findSession, spendOrRefuse } from './http/authenticate.ts'
import { createCursors } from './http/cursor.ts'
import { gateHandlers, isLeftToTheOriginal, isPossibleOnLowDisk, type OperationGate } from './http/gate-handlers.ts'
import { watchInstallation } from './http/gauges.ts'
import { apiKeyHandlers } from './http/handlers/api-keys.ts'
import { auditHandlers } from './http/handlers/audit.ts'
import { browsingHandlers } from './http/handlers/browsing.ts'
import { deliveryHandlers } from './http/handlers/deliveries.ts'
import { integrationHandlers } from './http/handlers/integrations.ts'
import { metaHandlers } from './http/handlers/meta.ts'
import { moduleHandlers } from './http/handlers/modules.ts'
import { runHandlers } from './http/handlers/runs.ts'
import { sessionHandlers } from './http/handlers/sessions.ts'
import { spaceHandlers } from './http/handlers/spaces.ts'
import { attachmentHandlers, stackHandlers } from './http/handlers/stacks.ts'
import { userHandlers } from './http/handlers/users.ts'
import { vcsAgentPoolHandlers } from './http/handlers/vcs-agent-pools.ts'
import { webhookTargetHandlers } from './http/handlers/webhook-targets.ts'
import { httpLimits } from './http/http-limits.ts'
import { closeHttpServer, createHttpServer } from './http/http-server.ts'
import { createAnswerOnce } from './http/idempotency.ts'
import { createHttpMetrics, watchOldestDelivery } from './http/metrics.ts'
import { openReceiver } from './http/receiver.ts'
import { noteRefusedSecrets } from './http/refused-secrets.ts'
import { createSourceAddress } from './http/source-address.ts'
import { startLoop } from './jobs/loop.ts'
import { startJobs } from './jobs/start-jobs.ts'
import { jobTasks } from './jobs/tasks.ts'
import { createBitbucketAccess } from './services/bitbucket-access.ts'
import { prepareBootstrapKey } from './services/bootstrap-key.ts'
import { createCallerCache } from './services/callers.ts'
import type { Installation } from './services/installation.ts'
import { lookUpsPerMinute } from './services/integration-look-ups.ts'
import { quietAccess, quietProblem } from './services/quiet-access.ts'
import { createSecretAttempts, watchSealer } from './services/secret-attempts.ts'
import { createSessionCache } from './services/sessions.ts'
import { chainEarlierRows } from './store/audit-first-chain.ts'
import { openAuditKey } from './store/audit-key.ts'
import { startDatabaseClock } from './store/dialect/database-clock.ts'
import { createDiskReserve, type DiskReserve } from './store/dialect/disk-reserve.ts'
import { findNetworkFileSystem } from './store/dialect/file-system-kind.ts'
import { measureFreeSpace } from './store/dialect/free-space.ts'
import { holdDatabase } from './store/dialect/hold-database.ts'
import { openJobQueue } from './store/dialect/job-queue.ts'
import { openDatabase } from './store/dialect/open-database.ts'
import { openListener } from './store/dialect/postgres-listener.ts'
import { createWake } from './store/dialect/wake.ts'
import { measureWalls } from './store/dialect/walls.ts'
import { type Home, type HomeWish, settleHome } from './store/home.ts'
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
  /** What a database that is not at home here means; when absent it keeps quiet (S76). */
  readonly homeWish?: HomeWish
}

export interface RunningServer {
  /** `http://<host>:<port>`, as it listens. */
  readonly url: string
  /** What goes on in it, in numbers and states; never a value from a request (S45). */
  state(): Readonly<Record<string, unknown>>
  /** Stops accepting, finishes what is in flight, releases what it holds (R208). A second call waits for the first. */
  close(): Promise<void>
}

const quietWarning =
  'this database is a copy: no calls to Bitbucket, no runs, no webhooks. To make it the installation, stop the one that it was taken from and start with --take-over'
const clockIsWrong =
  'the clock of this machine and the database’s are more than a minute apart: tokens may expire early or late'
const onNetworkFileSystem =
  'the database lies on a network file system, whose locks and flushes SQLite cannot rely on: move it, or use PostgreSQL'
const diskFull = 'the disk under the database is full: deliveries are refused until there is space'
const diskLow = 'the disk under the database is nearly full: nothing but deliveries is written'

/** On PostgreSQL no statement waits longer for its answer: nothing that the server does while it serves takes as long. */
const statementTimeoutMs = 8_000

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
  { clock, log, terminal, homeWish = 'keep' }: ServerDependencies,
  cleanups: (() => Promise<void> | void)[],
  closeAll: () => Promise<void>,
): Promise<RunningServer> {
  for (const danger of dangersOf(config)) log.warn({ danger }, 'dangerous setting')
  const networkFileSystem = findNetworkFileSystem(config.databaseUrl)
  if (networkFileSystem !== undefined) log.warn({ networkFileSystem }, onNetworkFileSystem)
  const hold = holdDatabase(config.databaseUrl)
  cleanups.push(() => hold.release())
  const db = openDatabase(
    config.databaseUrl,
    (error) => log.warn({ err: error }, 'database connection lost'),
    (error) => disk.noticed(error),
    statementTimeoutMs,
  )
  cleanups.push(() => db.destroy())
  const disk = watchDisk(config, db, clock, log)
  cleanups.push(() => disk.stop())
  await migrateWithoutHaste(config.databaseUrl, clock)
  await disk.start()
  const databaseClock = await startDatabaseClock(db, clock, (driftMs) => log.warn({ driftMs }, clockIsWrong))
  cleanups.push(() => databaseClock.stop())

  const keys = await getEncryptionKeys(db, config)
  const attempts = createSecretAttempts(db, clock)
  const sealer = watchSealer(await openSealer(db, keys), attempts)
  await chainEarlierRows(db, await openAuditKey(db, sealer))
  const flushing = startLoop({
    name: 'secret attempts',
    everyMs: 60_000,
    log,
    turn: async () => {
      await attempts.flush()
      return false
    },
  })
  cleanups.push(async () => {
    await flushing.stop()
    await attempts.flush().catch((error: unknown) => log.error({ err: error }, 'refused attempts were not recorded'))
  })
  const instanceId = await getInstanceId(db)
  const home = await settleHome(db, config.databaseUrl, homeWish, clock.now())
  if (home.isQuiet) log.warn({ instanceId }, quietWarning)
  if (home.isTakenOver) log.warn({ instanceId }, 'this database has taken over: it is the installation now')
  const keyFile = bootstrapKeyFile(config)
  const bootstrapKey = await prepareBootstrapKey(db, clock, config.bootstrapKey)
  if (!bootstrapKey) removeBootstrapKey(keyFile)
  else if (!config.bootstrapKey) handOutBootstrapKey(bootstrapKey, keyFile, terminal, log)

  const guard = createOutboundGuard(config)
  const transports = openTrustingTransports({ checkAddress: guard.checkAddress })
  cleanups.push(() => transports.close())
  const calls = callClock()
  const scheduler = createCallScheduler({ clock: calls, callsPerSecond: 5, burst: 60, maxInFlight: 4 })
  const callers = createCallerCache(db, clock)
  const sourceAddress = createSourceAddress(config.trustedProxies)
  const wake = createWake()
  const listener = openListener(config.databaseUrl, config.databaseListenUrl, (error) =>
    log.warn({ err: error }, 'notifications are not heard; work is found by looking'),
  )
  cleanups.push(() => listener?.close())
  const queue = openJobQueue(db, { tasks: jobTasks, clock, log, ...(listener && { listener }) })
  const registry = new Registry()
  const receiver = openReceiver({
    databaseUrl: config.databaseUrl,
    preparedStatements: config.preparedStatements,
    db,
    sealer,
    limits: httpLimits,
    clock,
    wake,
    registry,
    log,
    disk,
    sourceAddress,
  })
  cleanups.push(() => receiver.close())
  let listening: string | undefined
  const access = createBitbucketAccess(transports, scheduler, calls, guard, sealer)

  const installation: Installation = {
    db,
    clock,
    sealer,
    instanceId,
    // On a machine that may call itself, Bitbucket's stand-in reaches the server where it listens (R209).
    publicUrl: () => config.publicUrl ?? (config.allowedLoopback.length > 0 ? listening : undefined),
    bitbucket: home.isQuiet ? quietAccess(access) : access,
    lookUps: createFailureLimiter(lookUpsPerMinute),
    repositoryAccess: config.repositoryAccess,
    onSecretsChanged: (slug) => receiver.secrets.invalidate(slug),
    onKeyRevoked: (keyId) => {
      callers.forget(keyId)
      removeBootstrapKey(keyFile)
    },
  }

  watchOldestDelivery(registry, () => findOldestQueued(db), clock.now)
  const unwatch = watchInstallation(registry, {
    version: readVersion(),
    isQuiet: home.isQuiet,
    freeBytes: () => disk.freeBytes,
    diskState: () => disk.state,
    walls: () => measureWalls(db, clock.now()),
  })
  cleanups.push(unwatch)

  const signer = createTokenSigner(keys, instanceId)
  const tokens = { db, clock, signer, perKey: createFailureLimiter(10), perAddress: createFailureLimiter(60) }
  const sessions = {
    db,
    clock,
    signer,
    csrf: createCsrfTokens(keys),
    sessions: createSessionCache(db, clock),
  }
  const authentication: AuthenticateParts = {
    callers,
    sessions,
    strangers: receiver.strangers,
    sourceAddress,
    publicUrl: installation.publicUrl,
  }
  let isAccepting = true
  const app = createApp({
    log,
    httpMetrics: createHttpMetrics(registry),
    metrics: config.metrics === 'open' ? registry : undefined,
    health: {
      isAccepting: () => isAccepting,
      askDatabase: async () => void (await findSetting(db, 'instance_id')),
      trouble: () => (disk.state === 'full' ? diskFull : undefined),
      note: () => (home.isQuiet ? quietWarning : disk.state === 'low' ? diskLow : undefined),
    },
    authenticate: createAuthenticate(authentication),
    onRefused: noteRefusedSecrets(attempts),
    answering: {
      sourceAddress,
      onStranger: (address) => spendOrRefuse(receiver.strangers, address),
      findSessionId: async (request) => (await findSession(authentication, request))?.session.id,
      answerOnce: createAnswerOnce(db, clock, [
        deriveKey(keys.current, 'idempotency digest'),
        ...keys.old.map((key) => deriveKey(key, 'idempotency digest')),
      ]),
      cursors: createCursors(deriveKey(keys.current, 'list cursor')),
    },
    handlers: gateHandlers(
      {
        ...metaHandlers(installation, readVersion(), home.isQuiet),
        ...apiKeyHandlers(installation, tokens),
        ...userHandlers(installation),
        ...sessionHandlers(sessions, tokens),
        ...spaceHandlers({ ...installation, spaceAdmins: config.spaceAdmins }),
        ...integrationHandlers(installation),
        ...vcsAgentPoolHandlers(installation),
        ...stackHandlers(installation),
        ...attachmentHandlers(installation),
        ...moduleHandlers(installation),
        ...browsingHandlers(installation),
        ...webhookTargetHandlers(installation),
        ...runHandlers(db),
        ...deliveryHandlers(db),
        ...auditHandlers(db),
      },
      refusalOf(home, disk),
    ),
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
  if (!home.isQuiet) {
    const jobs = startJobs({
      installation: { ...installation, clock: databaseClock },
      wake,
      queue,
      log,
      registry,
      mayWork: () => disk.state === 'enough',
    })
    cleanups.push(() => jobs.stop())
  }
  cleanups.push(async () => {
    const late = setTimeout(() => server.closeAllConnections(), longestFinishMs)
    await closeHttpServer(server)
    clearTimeout(late)
  })
  log.info({ url: listening, publicUrl: installation.publicUrl() ?? null }, 'listening')

  let closing: Promise<void> | undefined
  return {
    url: listening,
    state: () => ({ url: listening, isAccepting, isQuiet: home.isQuiet, disk: disk.state, freeBytes: disk.freeBytes }),
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

/** Brings the tables up to date, through a connection on which statements may take their time. */
async function migrateWithoutHaste(databaseUrl: string, clock: Clock): Promise<void> {
  const db = openDatabase(databaseUrl)
  try {
    await migrate(db, clock.now())
  } finally {
    await db.destroy()
  }
}

/** Watches the disk under the database, and says what follows from its state (F6). */
function watchDisk(config: Config, db: Database, clock: Clock, log: Logger): DiskReserve {
  return createDiskReserve({
    databaseUrl: config.databaseUrl,
    lowWaterBytes: config.diskLowWaterMib * 1024 * 1024,
    measure: () => measureFreeSpace(db, config.databaseUrl),
    now: clock.now,
    onChange: (state, freeBytes) => {
      if (state === 'enough') log.info({ freeBytes }, 'there is enough space on the disk again')
      else log.error({ freeBytes }, state === 'full' ? diskFull : diskLow)
    },
  })
}

/** What is refused while the server works on a copy, or on a disk that is nearly full. */
function refusalOf(home: Home, disk: DiskReserve): OperationGate {
  return (operation) => {
    if (home.isQuiet && isLeftToTheOriginal(operation)) return quietProblem()
    if (disk.state === 'enough' || isPossibleOnLowDisk(operation)) return undefined
    return new Problem('disk_space_low', 'The server writes nothing but deliveries until there is space on its disk.', {
      retryAfterSeconds: 60,
    })
  }
}

async function getInstanceId(db: Database): Promise<string> {
  const instanceId = await findSetting(db, 'instance_id')
  if (instanceId === undefined) throw new Error('The database has no instance id: it was not migrated by Mooring.')
  return instanceId
}
