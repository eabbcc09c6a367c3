import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { openTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { openTestServer, type TestServer, type TestServerOptions } from '../support/server.ts'
import { type Finished, mooringTerraform, runTerraform, type Terraform } from '../support/terraform.ts'

/** A server, a Bitbucket and the real Terraform, which one file of tests shares. */
export interface Stage {
  readonly server: TestServer
  readonly emulator: TestEmulator
  readonly terraform: Terraform
  /** A token of the user `reader`, who may read the project PRJ. */
  readonly readToken: string
  /** What the provider block reads from the environment. */
  readonly env: Readonly<Record<string, string>>
  /** The file of the server's database, with its neighbours in the same folder. */
  readonly databaseFolder: string
  /** A folder that is initialised already, with the configuration in it; removed when the file ends. */
  open(configuration: string, env?: Readonly<Record<string, string>>): Promise<Workspace>
}

export interface Workspace {
  readonly folder: string
  /** Replaces the configuration; the block that names the provider is added. */
  configure(configuration: string): Promise<void>
  run(...args: readonly string[]): Promise<Finished>
  /** The same with another environment on top. */
  runWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Finished>
  /** Expects exit code 1, and gives what Terraform wrote to standard error, on one line. */
  fail(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<string>
  /** Fails the test with Terraform's own words where Terraform fails; gives its standard output. */
  succeed(...args: readonly string[]): Promise<string>
  /** Configures, where a configuration is given, and applies. */
  apply(configuration?: string): Promise<string>
  plan(...args: readonly string[]): Promise<Plan>
  /** A plan with nothing but no-ops, no drift and exit code 0 (R130). */
  expectNoChanges(): Promise<void>
  /** Destroys everything, and nothing may be left in the state. */
  expectEmptyAfterDestroy(): Promise<void>
  /** The attributes in the state, by the address of the resource; undefined where it is not there. */
  attributes(address: string): Promise<Record<string, unknown> | undefined>
  addresses(): Promise<readonly string[]>
}

export interface Plan {
  readonly code: number | null
  readonly output: string
  /** What would be done, no-ops left out. */
  readonly changes: readonly PlannedChange[]
  /** What Terraform found changed behind its back. */
  readonly drift: readonly PlannedChange[]
}

export interface PlannedChange {
  readonly address: string
  /** As Terraform says it: `create`, `update`, `delete`, `delete create` … */
  readonly action: string
  /** The attributes whose values differ. */
  readonly attributes: readonly string[]
  readonly isImport: boolean
}

/** The block that every configuration here begins with. */
export const required = 'terraform {\n  required_providers {\n    mooring = { source = "mooring/mooring" }\n  }\n}\n'

/** Starts the stage; it is taken down when the file ends. Call it in `beforeAll`. */
export async function openStage(options: TestServerOptions = {}): Promise<Stage> {
  const databaseFolder = await mkdtemp(join(tmpdir(), 'mooring-acceptance-'))
  const emulator = await openTestEmulator({ contextPath: '/bitbucket' })
  const server = await openTestServer(`sqlite:${join(databaseFolder, 'mooring.db')}`, {
    publicUrl: undefined,
    allowedLoopback: [new URL(emulator.url).host, `localhost:${new URL(emulator.url).port}`],
    ...options,
  })
  await emulator.createProject('PRJ')
  await emulator.createUser('reader')
  await emulator.grant('reader', 'PROJECT_READ', 'PRJ')
  const readToken = await emulator.createToken('reader', ['PROJECT_READ', 'REPO_READ'])
  const terraform = await mooringTerraform()
  const template = await mkdtemp(join(tmpdir(), 'mooring-template-'))
  await writeFile(join(template, 'main.tf'), `${required}provider "mooring" {}\n`)
  const initialised = await runTerraform(terraform, template, ['init'])
  expect({ code: initialised.code, output: initialised.stderr }).toEqual({ code: 0, output: '' })
  const folders = [databaseFolder, template]
  afterAll(async () => {
    await server.close()
    await emulator.close()
    await terraform.close()
    for (const folder of folders) await rm(folder, { recursive: true, force: true })
  })
  const env = {
    MOORING_ENDPOINT: server.url,
    MOORING_API_KEY_ID: server.rootKey.keyId,
    MOORING_API_KEY_SECRET: server.rootKey.keySecret,
    BITBUCKET_URL: emulator.url,
    BITBUCKET_TOKEN: emulator.adminToken,
  }
  return {
    server,
    emulator,
    terraform,
    readToken,
    env,
    databaseFolder,
    async open(configuration, more = {}) {
      const folder = await mkdtemp(join(tmpdir(), 'mooring-workspace-'))
      folders.push(folder)
      await cp(template, folder, { recursive: true, verbatimSymlinks: true })
      const workspace = newWorkspace(terraform, folder, { ...env, ...more })
      await workspace.configure(configuration)
      return workspace
    },
  }
}

function newWorkspace(terraform: Terraform, folder: string, env: Readonly<Record<string, string>>): Workspace {
  const runWith = (more: Readonly<Record<string, string>>, ...args: readonly string[]) =>
    runTerraform(terraform, folder, args, { ...env, ...more })
  const run = (...args: readonly string[]) => runWith({}, ...args)
  const workspace: Workspace = {
    folder,
    run,
    runWith,
    async fail(more, ...args) {
      const { code, stdout, stderr } = await runWith(more, ...args)
      expect({ code, output: code === 1 ? '' : stdout }).toEqual({ code: 1, output: '' })
      return onOneLine(stderr)
    },
    async configure(configuration) {
      const block = /^provider "mooring"/m.test(configuration) ? '' : 'provider "mooring" {}\n'
      await writeFile(join(folder, 'main.tf'), `${required}${block}${configuration}`)
    },
    async succeed(...args) {
      const { code, stdout, stderr } = await run(...args)
      expect({ code, output: code === 0 ? '' : stderr }).toEqual({ code: 0, output: '' })
      return stdout
    },
    async apply(configuration) {
      if (configuration !== undefined) await workspace.configure(configuration)
      return workspace.succeed('apply', '-auto-approve')
    },
    async plan(...args) {
      const { code, stdout, stderr } = await run('plan', '-detailed-exitcode', '-out=the.plan', ...args)
      const output = stdout + stderr
      if (code !== 0 && code !== 2) return { code, output, changes: [], drift: [] }
      const shown: ShownPlan = JSON.parse(await workspace.succeed('show', '-json', 'the.plan'))
      const { resource_changes = [], resource_drift = [] } = shown
      const changes = resource_changes.map(toChange).filter(({ action, isImport }) => action !== 'no-op' || isImport)
      return { code, output, changes, drift: resource_drift.map(toChange) }
    },
    async expectNoChanges() {
      const { code, output, changes, drift } = await workspace.plan()
      expect({ changes, drift, output: code === 0 ? '' : output }).toEqual({ changes: [], drift: [], output: '' })
    },
    async expectEmptyAfterDestroy() {
      await workspace.succeed('destroy', '-auto-approve')
      expect(await workspace.addresses()).toEqual([])
    },
    async attributes(address) {
      return (await readState(folder)).get(address)
    },
    async addresses() {
      return [...(await readState(folder)).keys()]
    },
  }
  return workspace
}

interface ShownChange {
  readonly address: string
  readonly change: {
    readonly actions: readonly string[]
    readonly before: Readonly<Record<string, unknown>> | null
    readonly after: Readonly<Record<string, unknown>> | null
    readonly after_unknown: unknown
    readonly importing?: unknown
  }
}

interface ShownPlan {
  readonly resource_changes?: readonly ShownChange[]
  readonly resource_drift?: readonly ShownChange[]
}

function toChange({ address, change }: ShownChange): PlannedChange {
  const { before, after } = change
  const unknowns = typeof change.after_unknown === 'object' ? (change.after_unknown as Record<string, unknown>) : {}
  const names = [
    ...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {}), ...Object.keys(unknowns ?? {})]),
  ]
  const attributes = names.filter(
    (name) => unknowns?.[name] === true || JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]),
  )
  return {
    address,
    action: change.actions.join(' '),
    attributes: before && after ? attributes.sort() : [],
    isImport: change.importing !== undefined,
  }
}

interface State {
  readonly resources: readonly {
    readonly mode: string
    readonly type: string
    readonly name: string
    readonly instances: readonly {
      readonly index_key?: string | number
      readonly attributes: Record<string, unknown>
    }[]
  }[]
}

async function readState(folder: string): Promise<Map<string, Record<string, unknown>>> {
  if (!(await readdir(folder)).includes('terraform.tfstate')) return new Map()
  const state: State = JSON.parse(await readFile(join(folder, 'terraform.tfstate'), 'utf8'))
  return new Map(
    state.resources.flatMap(({ mode, type, name, instances }) =>
      instances.map(({ index_key, attributes }) => {
        const index = index_key === undefined ? '' : `[${JSON.stringify(index_key)}]`
        return [`${mode === 'data' ? 'data.' : ''}${type}.${name}${index}`, attributes] as const
      }),
    ),
  )
}

/** Terraform breaks lines where it likes. */
export function onOneLine(text: string): string {
  return text.replace(/\s+/g, ' ')
}
