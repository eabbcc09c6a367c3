import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { getProgram } from '../../test/support/programs.ts'

/** A PostgreSQL that faults are done to. It flushes as in production. */
export interface Cluster {
  readonly port: number
  /** Where its files are. */
  readonly folder: string
  /** Whether it still runs: it may have ended by itself. */
  isRunning(): boolean
  /** Of the superuser `mooring`, of a database of the cluster; it goes straight to the server. */
  url(database: string): string
  start(): Promise<void>
  /** `fast` is `pg_ctl stop -m fast`; `kill` is SIGKILL to the postmaster, which its children do not outlive long. */
  stop(how: 'fast' | 'kill'): Promise<void>
  /** Stops every process of the server where it is, until `thaw`. */
  freeze(): void
  thaw(): void
  /** Makes a second cluster that follows this one, each commit of which waits until the second has it. Not started. */
  standby(): Promise<Cluster>
  promote(): Promise<void>
  /** Ends it and removes its files. */
  remove(): Promise<void>
}

const password = 'faults'

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Initialises a cluster of its own in a temporary folder, or on the file system at `folder`. Not started. */
export async function createCluster(folder?: string): Promise<Cluster> {
  const owner = unprivilegedOwner()
  const place = folder ?? mkdtempSync(join(tmpdir(), 'mooring-cluster-'))
  const data = join(place, 'data')
  const passwordFile = join(place, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  mkdirSync(data, { mode: 0o700 })
  if (owner) for (const path of [place, data, passwordFile]) chownSync(path, owner.uid, owner.gid)
  const args = ['--no-sync', '--no-instructions', '--wal-segsize=1', '-A', 'password', '-U', 'mooring', '-E', 'UTF8']
  run(getProgram('initdb'), [...args, '--locale=C', '--pwfile', passwordFile, '-D', data], place, owner)
  appendFileSync(join(data, 'pg_hba.conf'), 'host replication all 127.0.0.1/32 password\n')
  return openCluster(place, owner, await freePort(), folder)
}

function openCluster(place: string, owner: Owner | undefined, port: number, folder?: string): Cluster {
  const data = join(place, 'data')
  let child: ChildProcess | undefined
  let log = ''
  let ended: Promise<void> | undefined
  const url = (database: string) => `postgres://mooring:${password}@127.0.0.1:${port}/${database}`
  const postmaster = () => {
    if (child?.pid === undefined) throw new Error('The cluster does not run.')
    return child.pid
  }

  async function start(): Promise<void> {
    const deadline = performance.now() + 60_000
    // After a kill the old server's last processes may hold its shared memory for a moment.
    for (;;) {
      launch()
      while (child?.exitCode === null && child.signalCode === null) {
        if (await answers(url('postgres'))) return
        if (performance.now() > deadline) throw new Error(`PostgreSQL does not answer:\n${log}`)
        await sleep(50)
      }
      if (performance.now() > deadline) throw new Error(`PostgreSQL did not start:\n${log}`)
      await sleep(100)
    }
  }

  function launch(): void {
    const settings = [
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'max_connections=60',
      'shared_buffers=32MB',
    ]
    const started = spawn(
      getProgram('postgres'),
      ['-D', data, '-p', `${port}`, ...settings.flatMap((each) => ['-c', each])],
      {
        cwd: place,
        stdio: ['ignore', 'ignore', 'pipe'],
        ...owner,
      },
    )
    started.stderr.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-2_000) // not on its disk, which may be full
    })
    ended = new Promise((resolve) => started.once('exit', () => resolve()))
    child = started
  }

  async function stop(how: 'fast' | 'kill'): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    process.kill(postmaster(), how === 'fast' ? 'SIGINT' : 'SIGKILL')
    await ended
    child = undefined
  }

  const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
    for (const pid of [postmaster(), ...childrenOf(postmaster())]) process.kill(pid, name)
  }
  const endWithUs = () => {
    if (child?.pid !== undefined) child.kill('SIGKILL')
  }
  process.once('exit', endWithUs)
  return {
    port,
    folder: place,
    isRunning: () => child !== undefined && child.exitCode === null && child.signalCode === null,
    url,
    start,
    stop,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    standby: async () => {
      const other = mkdtempSync(join(tmpdir(), 'mooring-standby-'))
      if (owner) chownSync(other, owner.uid, owner.gid)
      // Beside initdb, which may be linked to from elsewhere.
      const copy = join(dirname(realpathSync(getProgram('initdb'))), 'pg_basebackup')
      run(copy, ['-d', url('postgres'), '-D', join(other, 'data'), '-R', '-X', 'stream', '-c', 'fast'], other, owner)
      return openCluster(other, owner, await freePort())
    },
    promote: () => execute(url('postgres'), 'select pg_promote(true, 30)'),
    remove: async () => {
      process.off('exit', endWithUs)
      await stop('kill')
      await sleep(100) // its children see that it is gone
      // A folder that was given may be a file system of its own, which is not ours to remove.
      for (const part of readdirSync(place)) {
        rmSync(join(place, part), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
      }
      if (folder === undefined) rmSync(place, { recursive: true, force: true })
    },
  }
}

/** Runs one statement on a connection of its own. */
export async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

function unprivilegedOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8').split('\n')
  const entry = ['postgres', 'nobody'].map((name) => users.find((line) => line.startsWith(`${name}:`))).find(Boolean)
  const [, , uid, gid] = (entry ?? 'nobody:x:65534:65534').split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

function run(program: string, args: readonly string[], cwd: string, owner: Owner | undefined): void {
  const { status, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8', ...owner })
  if (status !== 0) throw new Error(`${program} failed (${status}): ${stderr}`, { cause: error })
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === parent)
    .map(Number)
}

function parentOf(pid: string): number | undefined {
  try {
    // Behind the name in parentheses: state, then parent.
    const [, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').slice(-1)[0]?.split(' ') ?? []
    return Number(parent)
  } catch {
    return undefined // it has just ended
  }
}

async function answers(url: string): Promise<boolean> {
  return execute(url, 'select 1').then(
    () => true,
    () => false,
  )
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}
