import { spawn } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { createServerClient } from '../../clients/server/client.ts'
import { openUndiciTransport } from '../../clients/transport-undici.ts'
import { openDatabase } from '../../server/store/dialect/open-database.ts'
import { probe } from '../../test/support/access/probe.ts'
import { buildWorld, type World } from '../../test/support/access/world.ts'

/** One place of the built server at which a question about rights is answered with yes. */
export interface AccessMutant {
  /** `server/services/spaces.js: authoriseIn 1`: the first call of that function in the file. */
  readonly name: string
  readonly file: string
  readonly text: string
}

export interface MutantReport {
  readonly mutants: number
  readonly killed: number
  readonly survivors: readonly string[]
  /** What the server without a mutant did wrong: nothing, or the proof proves nothing. */
  readonly withoutMutant: readonly string[]
}

/** Each function that decides, and what it is made to say always. */
const answers: Readonly<Record<string, string>> = {
  authorise: `(() => 'allowed')`,
  authoriseIn: `(() => 'allowed')`,
  authoriseIntegration: `(() => 'allowed')`,
  authorisedSpaces: `(() => 'all')`,
  authorisedIntegrations: `(() => ({ spaces: 'all', defaults: true, slugs: null }))`,
  isRootAdmin: `(() => true)`,
}

/** Checks that are asked again inside the transaction: only a race shows their loss, which the tests of S20 make. */
const askedAgain: ReadonlySet<string> = new Set(['server/services/stack-attachment.js: authoriseIntegration 1'])

/** Lists a mutant for each call of a deciding function in the built server, but for the pure module's own. */
export function listAccessMutants(dist: string): AccessMutant[] {
  const files = ['server/services', 'server/http', 'server/http/handlers'].flatMap((folder) =>
    readdirSync(join(dist, folder))
      .filter((name) => name.endsWith('.js'))
      .map((name) => join(dist, folder, name)),
  )
  return files.flatMap((file) => mutantsOf(file, relative(dist, file))).filter(({ name }) => !askedAgain.has(name))
}

const calls =
  /(?<![\w.])(authorise|authoriseIn|authoriseIntegration|authorisedSpaces|authorisedIntegrations|isRootAdmin)\(/g

function mutantsOf(file: string, name: string): AccessMutant[] {
  const source = readFileSync(file, 'utf8')
  const seen = new Map<string, number>()
  return [...source.matchAll(calls)].flatMap(({ 1: callee = '', index }) => {
    const before = source.slice(source.lastIndexOf('\n', index) + 1, index)
    // A declaration or a comment is no call.
    if (/(function|\*|\/\/).*$/.test(before)) return []
    const nth = (seen.get(callee) ?? 0) + 1
    seen.set(callee, nth)
    const text = source.slice(0, index) + answers[callee] + source.slice(index + callee.length)
    return { name: `${name}: ${callee} ${nth}`, file: name, text }
  })
}

/**
 * Proves that the property test of R26 can fail: it runs against the built server with one check after the other
 * taken out, and must find something each time.
 */
export async function killAccessMutants(
  seed: number,
  isWanted: (mutant: AccessMutant) => boolean,
): Promise<MutantReport> {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-mutants-'))
  try {
    const dist = copyDist(folder)
    const { world, database } = await buildOnce(folder, dist, seed)
    const withoutMutant = await violationsOf(folder, dist, database, world, 20)
    const mutants = listAccessMutants(dist).filter(isWanted)
    const survivors: string[] = []
    for (const mutant of mutants) {
      const file = join(dist, mutant.file)
      const original = readFileSync(file, 'utf8')
      writeFileSync(file, mutant.text)
      const found = await violationsOf(folder, dist, database, world, 1)
      writeFileSync(file, original)
      if (found.length === 0) survivors.push(mutant.name)
    }
    return { mutants: mutants.length, killed: mutants.length - survivors.length, survivors, withoutMutant }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** The built server in a folder of its own, with the packages that it imports. */
function copyDist(folder: string): string {
  const dist = join(folder, 'dist')
  for (const part of ['server', 'schemas', 'clients']) {
    cpSync(resolve('dist', part), join(dist, part), { recursive: true })
  }
  cpSync(resolve('package.json'), join(folder, 'package.json'))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  return dist
}

async function buildOnce(folder: string, dist: string, seed: number): Promise<{ world: World; database: string }> {
  const database = join(folder, 'world.db')
  const server = await start(dist, database)
  const transport = openUndiciTransport({})
  const db = openDatabase(`sqlite:${database}`)
  try {
    const credentials = { keyId: bootstrap.id, keySecret: bootstrap.secret }
    const client = createServerClient(transport.send, { endpoint: server.url, credentials, now: Date.now })
    const { id, secret } = await client.call('createApiKey', { body: { name: 'root', role: 'admin' } })
    const size = { spaces: 7, integrations: 5, stacks: 5, callers: 11 }
    const world = await buildWorld(transport.send, server.url, { keyId: id, keySecret: secret }, db, seed, size)
    return { world, database }
  } finally {
    await db.destroy()
    await transport.close()
    await server.stop('SIGTERM')
    copyFileSync(database, join(folder, 'template.db'))
  }
}

async function violationsOf(folder: string, dist: string, database: string, world: World, most: number) {
  // The same file again: a copy elsewhere would keep quiet (S76).
  for (const end of ['-wal', '-shm']) rmSync(`${database}${end}`, { force: true })
  copyFileSync(join(folder, 'template.db'), database)
  const server = await start(dist, database)
  try {
    return (await probe(server.url, world, most)).violations
  } finally {
    await server.stop('SIGKILL')
  }
}

const bootstrap = { id: '00000000-0000-4000-8000-000000000000', secret: 'A'.repeat(43) }

async function start(
  dist: string,
  database: string,
): Promise<{ url: string; stop: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void> }> {
  mkdirSync(join(database, '..'), { recursive: true })
  const child = spawn(process.execPath, [join(dist, 'server/main.js'), 'serve'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      MOORING_DATABASE_URL: `sqlite:${database}`,
      MOORING_BOOTSTRAP_KEY: `${bootstrap.id}:${bootstrap.secret}`,
      MOORING_PUBLIC_URL: 'http://mooring.test',
      MOORING_LISTEN: '127.0.0.1:0',
      MOORING_STOP_GRACE_SECONDS: '0',
    },
  })
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  const url = await new Promise<string>((done, fail) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.includes('"listening"')) return
      const { msg, url: address } = JSON.parse(line) as { msg?: string; url?: string }
      if (msg === 'listening' && address !== undefined) done(address)
    })
    void ended.then(() => fail(new Error('The server ended before it listened.')))
  })
  return {
    url,
    stop: async (signal) => {
      child.kill(signal)
      await ended
    },
  }
}
