import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

interface Planted {
  readonly name: string
  readonly file: string
  readonly imports: string
}

const refused: readonly Planted[] = [
  { name: 'a product imports another', file: 'provider/resources/space.ts', imports: '../../server/core/clock.ts' },
  { name: 'the server imports the provider', file: 'server/http/a.ts', imports: '../../provider/framework/a.ts' },
  { name: 'the hook imports the server', file: 'bitbucket-hook/main.ts', imports: '../server/core/clock.ts' },
  { name: 'the server imports the emulator', file: 'server/services/a.ts', imports: '../../emulator/state.ts' },
  { name: 'the emulator imports a client', file: 'emulator/state.ts', imports: '../clients/transport.ts' },
  { name: 'a client imports a product', file: 'clients/bitbucket/a.ts', imports: '../../server/core/clock.ts' },
  { name: 'schemas import a client', file: 'schemas/space.ts', imports: '../clients/transport.ts' },
  { name: 'schemas import another package than zod', file: 'schemas/rules/slug.ts', imports: 'pino' },
  { name: 'schemas import a module of Node', file: 'schemas/stack.ts', imports: 'node:crypto' },
  { name: 'core imports the store', file: 'server/core/clock.ts', imports: '../store/tables.ts' },
  { name: 'the store imports a service', file: 'server/store/tables.ts', imports: '../services/b.ts' },
  { name: 'a service imports a route', file: 'server/services/b.ts', imports: '../http/b.ts' },
  { name: 'a job imports a route', file: 'server/jobs/a.ts', imports: '../http/b.ts' },
  { name: 'a route imports the main file', file: 'server/http/c.ts', imports: '../main.ts' },
  { name: 'a service imports express', file: 'server/services/c.ts', imports: 'express' },
  { name: 'a route imports kysely', file: 'server/http/d.ts', imports: 'kysely' },
  { name: 'a service imports better-sqlite3', file: 'server/services/d.ts', imports: 'better-sqlite3' },
  { name: 'a job imports pg', file: 'server/jobs/b.ts', imports: 'pg' },
  { name: 'a client imports undici', file: 'clients/transport-https.ts', imports: 'undici' },
  { name: 'the provider imports undici', file: 'provider/main.ts', imports: 'undici' },
  { name: 'a resource imports msgpack', file: 'provider/resources/a.ts', imports: '@msgpack/msgpack' },
  { name: 'the framework imports protobuf', file: 'provider/framework/b.ts', imports: '@bufbuild/protobuf/wire' },
  { name: 'the framework imports the protocol', file: 'provider/framework/c.ts', imports: '../protocol/a.ts' },
  { name: 'the protocol imports a resource', file: 'provider/protocol/b.ts', imports: '../resources/b.ts' },
  { name: 'the diff uses Node', file: 'clients/bitbucket/webhook-drift.ts', imports: 'node:util' },
  { name: 'the desired webhook uses Node', file: 'clients/bitbucket/desired-webhook.ts', imports: 'node:url' },
  { name: 'the plugin page uses Node', file: 'bitbucket-hook/plugin/page.ts', imports: 'node:fs' },
  { name: 'the hook’s sources import its controller', file: 'bitbucket-hook/sources.ts', imports: './controller.ts' },
  { name: 'a product imports a test', file: 'server/http/e.ts', imports: '../../test/support/a.ts' },
  { name: 'a product imports a script', file: 'server/http/f.ts', imports: '../../scripts/a.ts' },
  { name: 'a product imports a benchmark', file: 'server/http/g.ts', imports: '../../bench/a.ts' },
  { name: 'a folder without a row imports anything', file: 'somewhere/a.ts', imports: '../schemas/run.ts' },
  { name: 'a file imports what is not there', file: 'server/http/h.ts', imports: './nowhere.ts' },
  { name: 'a cycle', file: 'server/core/ring.ts', imports: './gnir.ts' },
]

const accepted: readonly Planted[] = [
  { name: 'a route imports express', file: 'server/http/b.ts', imports: 'express' },
  { name: 'the main file imports a route', file: 'server/main.ts', imports: './http/b.ts' },
  { name: 'a service imports the store', file: 'server/services/e.ts', imports: '../store/database.ts' },
  { name: 'the store imports pg', file: 'server/store/database.ts', imports: 'pg' },
  { name: 'the store imports core', file: 'server/store/dialect/a.ts', imports: '../../core/clean.ts' },
  { name: 'core imports schemas', file: 'server/core/clean.ts', imports: '../../schemas/run.ts' },
  { name: 'schemas import zod', file: 'schemas/run.ts', imports: 'zod' },
  { name: 'one transport imports undici', file: 'clients/transport-undici.ts', imports: 'undici' },
  { name: 'the protocol imports msgpack', file: 'provider/protocol/c.ts', imports: '@msgpack/msgpack' },
  { name: 'a resource imports the framework', file: 'provider/resources/b.ts', imports: '../framework/d.ts' },
  {
    name: 'the hook’s controller imports what is desired',
    file: 'bitbucket-hook/controller.ts',
    imports: './desired.ts',
  },
  { name: 'a test imports everything', file: 'test/server/a.test.ts', imports: '../../server/store/database.ts' },
]

/** Targets of planted imports that are no violation themselves. */
const bystanders = [
  'clients/transport.ts',
  'server/http/bystander.ts',
  'provider/framework/a.ts',
  'provider/framework/d.ts',
  'provider/protocol/a.ts',
  'bitbucket-hook/desired.ts',
  'test/support/a.ts',
  'scripts/a.ts',
  'bench/a.ts',
]

let folder = ''
let violating: ReadonlySet<string> = new Set()

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-layers-'))
  for (const name of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json']) cpSync(name, join(folder, name))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  for (const { file, imports } of [...refused, ...accepted]) plant(file, `import '${imports}'\n`)
  for (const file of bystanders) plant(file, 'export {}\n')
  plant('server/core/gnir.ts', "import './ring.ts'\n")
  violating = cruise()
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the list of imports refuses that', () => {
  test.for(refused)('$name', ({ file }) => {
    expect(violating).toContain(file)
  })
})

describe('the list of imports accepts that', () => {
  test.for(accepted)('$name', ({ file }) => {
    expect(violating).not.toContain(file)
  })
})

test('a browser’s file cannot reach Node through another file either', () => {
  plant('clients/bitbucket/webhook-drift.ts', "import './between.ts'\n")
  plant('clients/bitbucket/between.ts', "import 'node:crypto'\n")

  expect(cruise()).toContain('clients/bitbucket/webhook-drift.ts')
})

function plant(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), text)
}

/** The files of the folder that import what they may not. */
function cruise(): ReadonlySet<string> {
  const depcruise = resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs')
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [depcruise, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', '.'],
    { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 },
  )
  if (!stdout.startsWith('{')) throw new Error(`dependency-cruiser failed: ${stderr}`)
  const { summary } = JSON.parse(stdout) as { summary: { violations: { from: string; cycle?: { name: string }[] }[] } }
  return new Set(summary.violations.flatMap(({ from, cycle = [] }) => [from, ...cycle.map(({ name }) => name)]))
}
