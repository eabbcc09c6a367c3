import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { openDatabase } from '../../server/store/dialect/open-database.ts'
import { migrate } from '../../server/store/migrate.ts'
import { insertIntegration } from '../../test/support/receiver.ts'
import { type Judgement, judge, type Stored } from './history.ts'
import { type Cluster, createCluster, execute } from './postgres-cluster.ts'
import { seededRandom } from './random.ts'
import { createRootToken } from './root-token.ts'
import { type ServerChild, startServerChild } from './server-child.ts'
import { openRoad, type TcpRoad } from './tcp-road.ts'
import { startTraffic } from './traffic.ts'

/** A server that runs on a PostgreSQL to which faults are done, through a network to which they are done, too. */
export interface FaultBench {
  readonly server: ServerChild
  /** Does the fault under traffic, and judges what was acknowledged. */
  run(fault: PostgresFault, holdMs: number): Promise<FaultReport>
  close(): Promise<void>
}

export interface FaultReport extends Judgement {
  readonly fault: PostgresFault
  /** From the end of the fault to the next delivery that was acknowledged. */
  readonly recoverySeconds: number
  /** From the end of traffic until every delivery was processed. */
  readonly drainSeconds: number
  readonly readyReasons: readonly string[]
}

/** What a fault has at hand. `current` is the cluster that takes writes. */
interface World {
  current: Cluster
  readonly road: TcpRoad
  readonly holdMs: number
}

/** Each fault lasts about `holdMs` and is over when its promise is. */
const faults = {
  stop: async ({ current, holdMs }: World) => {
    await current.stop('fast')
    await sleep(holdMs)
    await current.start()
  },
  kill: async ({ current, holdMs }: World) => {
    await current.stop('kill')
    await sleep(holdMs)
    await current.start()
  },
  freeze: async ({ current, holdMs }: World) => {
    current.freeze()
    await sleep(holdMs)
    current.thaw()
  },
  /** What an administrator, or a server that ends idle sessions, does. */
  terminate: async ({ current, holdMs }: World) => {
    for (let times = 0; times < 5; times += 1) {
      await terminateAll(current)
      await sleep(holdMs / 5)
    }
  },
  /** A firewall that forgot the connections: they look open, and nothing comes through. New ones do. */
  firewall: async ({ road }: World) => road.swallow(),
  connectionLimit: async ({ current, holdMs }: World) => {
    await execute(current.url('app'), 'alter database app connection limit 0')
    await terminateAll(current)
    await sleep(holdMs)
    await execute(current.url('app'), 'alter database app connection limit -1')
  },
  /** Statements that run as serialisable transactions fail when they could not have run one after the other. */
  serialisation: async ({ current, holdMs }: World) => {
    await execute(current.url('app'), `alter database app set default_transaction_isolation = 'serializable'`)
    await terminateAll(current)
    const end = performance.now() + holdMs
    while (performance.now() < end) {
      await execute(
        current.url('app'),
        `begin; select count(*) from delivery_key; update delivery_key set created_at = created_at
          where delivery_id in (select delivery_id from delivery_key order by delivery_id desc limit 20);
          select pg_sleep(0.1); commit`,
      ).catch(() => undefined)
    }
    await execute(current.url('app'), 'alter database app reset default_transaction_isolation')
    await terminateAll(current)
  },
  /** The standby has every commit that was acknowledged. It takes the place of the server that died. */
  failover: async (world: World) => {
    const { current, road, holdMs } = world
    const standby = await current.standby()
    await standby.start()
    await execute(current.url('postgres'), `alter system set synchronous_standby_names = '*'`)
    await execute(current.url('postgres'), 'select pg_reload_conf()')
    await isFollowed(current)
    await sleep(500)
    await current.stop('kill')
    await sleep(holdMs)
    await standby.promote()
    road.leadTo(standby.port)
    world.current = standby
    await current.remove()
  },
  /** Whatever is free on its file system is taken. A PostgreSQL that cannot write its log ends; it is started again. */
  fullDisk: async ({ current, holdMs }: World) => {
    const ballast = join(current.folder, 'ballast')
    fill(ballast)
    await sleep(holdMs)
    rmSync(ballast)
    if (!current.isRunning()) await current.start()
  },
} as const satisfies Readonly<Record<string, (world: World) => Promise<unknown> | undefined>>

export type PostgresFault = keyof typeof faults

/** Those that need nothing but PostgreSQL: a full disk needs a small one. */
export const postgresFaults = (Object.keys(faults) as PostgresFault[]).filter((fault) => fault !== 'fullDisk')

/** Does every fault once per round, on one server that is never restarted; how long each lasts follows from the seed. */
export async function runPostgresFaults(rounds: number, seed: number): Promise<FaultReport[]> {
  const random = seededRandom(seed)
  const bench = await openFaultBench()
  const reports: FaultReport[] = []
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const fault of postgresFaults)
        reports.push(await bench.run(fault, Math.round(longestHoldMs[fault] * random())))
    }
  } finally {
    await bench.close()
  }
  return reports
}

const longestHoldMs: Readonly<Record<PostgresFault, number>> = {
  stop: 15_000,
  kill: 10_000,
  freeze: 30_000,
  terminate: 3_000,
  firewall: 0,
  connectionLimit: 12_000,
  serialisation: 5_000,
  failover: 5_000,
  fullDisk: 20_000,
}

/**
 * Starts cluster, network and server; the server's role is no superuser, for whom limits do not hold. The cluster's files
 * are put into `folder` where it is given.
 */
export async function openFaultBench(folder?: string): Promise<FaultBench> {
  const cluster = await createCluster(folder)
  await cluster.start()
  await execute(cluster.url('postgres'), `create role app login password 'app'`)
  await execute(cluster.url('postgres'), 'create database app owner app')
  const road = await openRoad(cluster.port)
  const databaseUrl = `postgres://app:app@127.0.0.1:${road.port}/app`
  const db = openDatabase(databaseUrl)
  await migrate(db, Date.now())
  const integration = await insertIntegration(db, 'faults')
  await db.destroy()
  const server = await startServerChild(databaseUrl)
  const token = await createRootToken(server.port)
  const world = { current: cluster, road }

  return {
    server,
    run: async (fault, holdMs) => {
      const here = { ...world, holdMs }
      const traffic = startTraffic({ port: server.port, integration, token })
      await sleep(700)
      await faults[fault](here)
      world.current = here.current
      const repairedAt = performance.now()
      const firstAfter = () => traffic.calls.find((call) => call.status === 202 && call.sentAt > repairedAt)
      // What was sent before a firewall forgot its connections has to run into its time-out first.
      await until(() => firstAfter() !== undefined, 30_000)
      await sleep(500)
      await until(traffic.isReady, 15_000)
      await traffic.stop()
      const stoppedAt = performance.now()
      await until(async () => (await readStored(world.current)).deliveries.every(isProcessed), 100_000)
      return {
        fault,
        ...judge(traffic.calls, await readStored(world.current, new Set(traffic.calls.map(({ key }) => key)))),
        recoverySeconds: seconds((firstAfter()?.answeredAt ?? Number.NaN) - repairedAt),
        drainSeconds: seconds(performance.now() - stoppedAt),
        readyReasons: [...traffic.reasons],
      }
    },
    close: async () => {
      await server.end('SIGKILL')
      await road.close()
      await world.current.remove()
    },
  }
}

/** The tables as they are, through a connection of its own; of the given keys alone where there are any. */
async function readStored(cluster: Cluster, keys?: ReadonlySet<string>): Promise<Stored> {
  const client = new pg.Client({ connectionString: cluster.url('app') })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const deliveries = await client.query<{ key: string; digest: string; state: string }>(
      `select request_id as key, encode(sha256(body), 'hex') as digest, state from delivery`,
    )
    const written = await client.query<{ name: string }>(`select name from api_key where name like 'written %'`)
    const audited = await client.query<{ name: string; times: string }>(
      `select k.name, count(*) as times from audit a join api_key k on position(k.id::text in a.object) > 0
        where k.name like 'written %' group by k.name`,
    )
    const repeats = await client.query<{ sum: string | null }>('select sum(duplicates) as sum from delivery_key')
    const isMine = (key: string) => keys === undefined || keys.has(key)
    return {
      deliveries: deliveries.rows.filter(({ key }) => isMine(key)),
      written: written.rows.map(({ name }) => name).filter(isMine),
      audited: new Map(audited.rows.filter(({ name }) => isMine(name)).map(({ name, times }) => [name, Number(times)])),
      repeats: Number(repeats.rows[0]?.sum ?? 0),
    }
  } finally {
    await client.end()
  }
}

function isProcessed({ state }: { readonly state: string }): boolean {
  return state === 'processed'
}

function terminateAll(cluster: Cluster): Promise<void> {
  return execute(cluster.url('app'), `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'`)
}

function fill(file: string): void {
  const handle = openSync(file, 'w')
  try {
    for (const size of [1024 * 1024, 4096]) while (hasWritten(handle, size));
  } finally {
    closeSync(handle)
  }
}

function hasWritten(handle: number, size: number): boolean {
  try {
    return writeSync(handle, Buffer.alloc(size, 1)) === size
  } catch {
    return false // the disk is full
  }
}

async function isFollowed(cluster: Cluster): Promise<void> {
  const client = new pg.Client({ connectionString: cluster.url('postgres') })
  await client.connect()
  try {
    await until(async () => {
      const { rows } = await client.query(`select 1 from pg_stat_replication where sync_state in ('sync', 'quorum')`)
      return rows.length > 0
    }, 20_000)
  } finally {
    await client.end()
  }
}

async function until(condition: () => boolean | Promise<boolean>, longestMs: number): Promise<void> {
  const deadline = performance.now() + longestMs
  while (!(await condition()) && performance.now() < deadline) await sleep(50)
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds / 10) / 100
}
