import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { findProgram } from './programs.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser's URL of the run's PostgreSQL server, `null` where PostgreSQL is not installed. */
    postgresUrl: string | null
  }
}

/** A PostgreSQL server of our own; `url` is a superuser's, of the database `postgres`. */
export interface Postgres {
  readonly url: string
  readonly dataDirectory: string
  stop(): Promise<void>
}

/** Starts one PostgreSQL for a whole vitest run; every test then makes databases of its own in it. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const postgres = await startPostgres()
  project.provide('postgresUrl', postgres?.url ?? null)
  return postgres?.stop
}

/**
 * Starts a fresh PostgreSQL on a free port of 127.0.0.1, flushing as in production (`fsync` and `synchronous_commit`
 * keep their defaults). `undefined` where it is not installed. It ends, and its files go, with `stop()` or with the
 * process that started it, however that dies.
 */
export async function startPostgres(): Promise<Postgres | undefined> {
  const initdb = findProgram('initdb')
  const server = findProgram('postgres')
  if (initdb === undefined || server === undefined) return undefined

  const owner = unprivilegedOwner()
  const folder = mkdtempSync(join(tmpdir(), 'mooring-pg-'))
  const data = join(folder, 'data')
  const password = randomBytes(16).toString('hex')
  writeFileSync(join(folder, 'password'), password, { mode: 0o600 })
  mkdirSync(data, { mode: 0o700 })
  if (owner) for (const path of [folder, data, join(folder, 'password')]) chownSync(path, owner.uid, owner.gid)

  initialise(initdb, folder, owner)
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    const started = await serve(server, folder, port, password, owner)
    if (started) return started
    // Somebody else may have taken the port in between; anything else fails each time.
    if (attempt === 5) throw new Error(`PostgreSQL did not start:\n${readFileSync(join(folder, 'log'), 'utf8')}`)
  }
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** initdb and postgres refuse to run as root: then they run as `postgres` or `nobody`. */
export function unprivilegedOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8').split('\n')
  const entry = ['postgres', 'nobody'].map((name) => users.find((line) => line.startsWith(`${name}:`))).find(Boolean)
  const [, , uid, gid] = (entry ?? 'nobody:x:65534:65534').split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

function initialise(initdb: string, folder: string, owner: Owner | undefined): void {
  const { status, stderr } = spawnSync(
    initdb,
    // Only initdb's own flushes are spared (--no-sync): the cluster is seconds old and made again when lost.
    ['--no-sync', '--no-instructions', '-A', 'password', '-U', 'mooring', '-E', 'UTF8', '--locale=C', ...files(folder)],
    { cwd: folder, encoding: 'utf8', ...owner },
  )
  if (status !== 0) {
    rmSync(folder, { recursive: true, force: true })
    throw new Error(`initdb failed (${status}): ${stderr}`)
  }
}

function files(folder: string): string[] {
  return ['--pwfile', join(folder, 'password'), '-D', join(folder, 'data')]
}

/** Ends PostgreSQL and removes its files when standard input closes, which the death of our process does, too. */
const supervise = `
exec 3<&0
"$1" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 \\
  -c shared_buffers=64MB -c log_min_messages=warning >"$2/log" 2>&1 </dev/null 3<&- &
server=$!
( read -r line <&3; kill -INT $server ) >/dev/null 2>&1 &
reader=$!
wait $server && rm -rf "$2"
kill $reader 2>/dev/null
exit 0
`

async function serve(
  server: string,
  folder: string,
  port: number,
  password: string,
  owner: Owner | undefined,
): Promise<Postgres | undefined> {
  const errors = openSync(join(folder, 'supervisor'), 'a')
  const child = spawn('/bin/sh', ['-c', supervise, 'sh', server, folder, String(port)], {
    cwd: folder,
    detached: true, // Ctrl-C reaches us alone; the closed pipe tells it to end
    stdio: ['pipe', errors, errors],
    ...owner,
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = `postgres://mooring:${password}@127.0.0.1:${port}/postgres`
  const deadline = Date.now() + 30_000
  while (child.exitCode === null && Date.now() < deadline) {
    if (await answers(url)) {
      child.unref()
      return {
        url,
        dataDirectory: join(folder, 'data'),
        stop: async () => {
          child.ref()
          child.stdin?.end()
          await ended
          rmSync(folder, { recursive: true, force: true })
        },
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  child.stdin?.end()
  await ended
  return undefined
}

export async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } catch {
    return false // not yet
  } finally {
    await client.end().catch(() => undefined)
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}
