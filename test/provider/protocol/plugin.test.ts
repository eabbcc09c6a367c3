import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import type { ClientHttp2Session } from 'node:http2'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { blockType } from '../../../provider/framework/schema.ts'
import { dynamic, isUnknown, type Value } from '../../../provider/framework/value.ts'
import { newCertificate } from '../../../provider/protocol/certificate.ts'
import { decodeDynamicValue, encodeDynamicValue } from '../../../provider/protocol/dynamic-value.ts'
import {
  ApplyResourceChange_Request,
  ApplyResourceChange_Response,
  ConfigureProvider_Request,
  ConfigureProvider_Response,
  GetProviderSchema_Response,
  PlanResourceChange_Request,
  PlanResourceChange_Response,
  UpgradeResourceState_Request,
  UpgradeResourceState_Response,
  ValidateResourceConfig_Request,
  ValidateResourceConfig_Response,
} from '../../../provider/protocol/generated/tfplugin6.ts'
import { scratchProvider } from '../../support/fixtures/scratch-provider/provider.ts'
import { thing } from '../../support/fixtures/scratch-provider/thing.ts'
import {
  callPlugin,
  connectPlugin,
  type PluginProcess,
  pluginEnvironment,
  startPlugin,
} from '../../support/plugin-process.ts'
import { fixturePlugin } from '../../support/terraform.ts'

let folder: string
let executable: string
const started: PluginProcess[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mooring-plugin-'))
  executable = (await fixturePlugin(folder, 'scratch-provider', 'scratch')).executable
})
afterAll(() => rm(folder, { recursive: true, force: true }))
afterEach(() => {
  for (const { child } of started.splice(0)) child.kill('SIGKILL')
})

function start(env: NodeJS.ProcessEnv, file = executable): PluginProcess {
  const plugin = startPlugin(file, { ...pluginEnvironment, ...env })
  started.push(plugin)
  return plugin
}

async function connected(): Promise<{ plugin: PluginProcess; session: ClientHttp2Session }> {
  const plugin = start({})
  return { plugin, session: await connectPlugin(await plugin.handshake(), undefined) }
}

const noPath = new Uint8Array()
const path = (name: string) => `/tfplugin6.Provider/${name}`
const type = blockType(thing.schema)
const names = Object.keys(thing.schema.attributes)
const nulls: { readonly [name: string]: Value } = {
  ...Object.fromEntries(names.map((name) => [name, null])),
  step: [],
  allow: [],
  meta: null,
}

test('R139a mutual TLS lets in the client certificate that Terraform announced', async () => {
  const client = newCertificate(new Date())
  const plugin = start({ PLUGIN_CLIENT_CERT: client.pem })

  const session = await connectPlugin(await plugin.handshake(), client)
  const { status } = await callPlugin(session, path('GetProviderSchema'), noPath)

  expect(status).toBe(0)
})

test('R139a mutual TLS ends the connection of a client without certificate', async () => {
  const plugin = start({ PLUGIN_CLIENT_CERT: newCertificate(new Date()).pem })
  const handshake = await plugin.handshake()

  const attempt = connectPlugin(handshake, 'without certificate').then((session) =>
    callPlugin(session, path('GetProviderSchema'), noPath),
  )

  await expect(attempt).rejects.toThrow()
})

test('R139a mutual TLS ends the connection of a client with another certificate', async () => {
  const plugin = start({ PLUGIN_CLIENT_CERT: newCertificate(new Date()).pem })
  const handshake = await plugin.handshake()

  const attempt = connectPlugin(handshake, newCertificate(new Date())).then((session) =>
    callPlugin(session, path('GetProviderSchema'), noPath),
  )

  await expect(attempt).rejects.toThrow()
})

test('R139a trap 1: starts inside a project whose package.json says "type": "module"', async () => {
  const project = join(folder, 'esm-project')
  const [shipped, bare] = [join(project, 'shipped'), join(project, 'bare')]
  for (const place of [shipped, bare]) {
    await mkdir(place, { recursive: true })
    await copyFile(executable, join(place, 'plugin'))
  }
  await writeFile(join(project, 'package.json'), '{"type":"module"}')
  await copyFile(join(dirname(executable), 'package.json'), join(shipped, 'package.json'))

  const { fields } = await start({}, join(shipped, 'plugin')).handshake()

  expect(fields[1]).toBe('6')
  await expect(start({}, join(bare, 'plugin')).handshake()).rejects.toThrow() // what the shipped package.json prevents
})

test('R139a trap 2: keeps everything but the handshake off standard output', async () => {
  const plugin = start({})

  const { fields } = await plugin.handshake()

  expect(plugin.output().stdout).toBe(`${fields.join('|')}\n`)
  expect(plugin.output().stderr).toContain('a stray line that must not reach the handshake')
})

test('says what it is when a person runs it', async () => {
  const plugin = startPlugin(executable, {})

  const code = await plugin.ended()

  expect(code).toBe(1)
  expect(plugin.output()).toMatchObject({ stdout: '', stderr: expect.stringContaining('Terraform starts it') })
})

test('refuses a Terraform that does not speak protocol 6', async () => {
  const plugin = start({ PLUGIN_PROTOCOL_VERSIONS: '4,5' })

  expect(await plugin.ended()).toBe(1)
  expect(plugin.output().stderr).toContain('offered were: 4,5')
})

test('R139a trap 3: ends with its last connection and removes its socket', async () => {
  const { plugin, session } = await connected()
  const { address } = await plugin.handshake()
  expect(existsSync(address)).toBe(true)

  session.destroy()

  expect(await plugin.ended()).toBe(0)
  expect(existsSync(dirname(address))).toBe(false)
})

test('R139a trap 4: ignores SIGINT, and ends within two seconds when Terraform says so', async () => {
  const { plugin, session } = await connected()
  plugin.child.kill('SIGINT')
  expect((await callPlugin(session, path('StopProvider'), noPath)).status).toBe(0)

  const asked = Date.now()
  const { status } = await callPlugin(session, '/plugin.GRPCController/Shutdown', noPath)
  const code = await plugin.ended()

  expect({ status, code }).toEqual({ status: 0, code: 0 })
  expect(Date.now() - asked).toBeLessThan(2000)
})

test('R139a trap 5: upgrades stored JSON without losing digits, and drops what the schema no longer has', async () => {
  const { session } = await connected()
  const json =
    '{"id":"id-a","name":"a \\"12345678901234567890\\"","ratio":9007199254740993,"removed":[1],"size":2,' +
    '"anything":{"type":["tuple",["number","string"]],"value":[0.1,"x"]}}'

  const { message } = await callPlugin(
    session,
    path('UpgradeResourceState'),
    UpgradeResourceState_Request.encode({
      typeName: 'scratch_thing',
      version: 2n,
      rawState: { json: Buffer.from(json), flatmap: {} },
    }).finish(),
  )

  const { upgradedState, diagnostics } = UpgradeResourceState_Response.decode(message)
  expect(diagnostics).toEqual([])
  expect(decodeDynamicValue(upgradedState, type)).toEqual({
    ...nulls,
    id: 'id-a',
    name: 'a "12345678901234567890"',
    size: 2,
    ratio: 9007199254740993n,
    anything: dynamic(['tuple', ['number', 'string']], [0.1, 'x']),
  })
})

test('runs the upgraders one after the other, and refuses state from the future', async () => {
  const { session } = await connected()
  const upgrade = async (version: bigint, json: string) => {
    const request = { typeName: 'scratch_thing', version, rawState: { json: Buffer.from(json), flatmap: {} } }
    const { message } = await callPlugin(
      session,
      path('UpgradeResourceState'),
      UpgradeResourceState_Request.encode(request).finish(),
    )
    return UpgradeResourceState_Response.decode(message)
  }

  const old = await upgrade(0n, '{"name":"a","count":7,"tags":"none"}')
  const future = await upgrade(3n, '{"name":"a"}')

  expect(decodeDynamicValue(old.upgradedState, type)).toMatchObject({ name: 'a', size: 7, tags: [] })
  expect(future.diagnostics).toMatchObject([{ summary: 'State is newer than the provider' }])
})

test('R139a trap 8: answers a request that it cannot understand with a diagnostic', async () => {
  const { session } = await connected()

  const { status, message } = await callPlugin(
    session,
    path('PlanResourceChange'),
    PlanResourceChange_Request.encode({
      typeName: 'scratch_thing',
      config: { msgpack: Buffer.from([0xc1]), json: noPath },
      priorPrivate: noPath,
    }).finish(),
  )

  expect(status).toBe(0)
  expect(PlanResourceChange_Response.decode(message).diagnostics).toMatchObject([
    { severity: 1, summary: 'The provider made a mistake' },
  ])
})

test('R139a trap 9: never asks for the legacy type system, and R139a trap 10: keeps private data and refinements', async () => {
  const { session } = await connected()
  const world = join(folder, 'world')
  const configured = await callPlugin(
    session,
    path('ConfigureProvider'),
    ConfigureProvider_Request.encode({
      terraformVersion: '1.11.4',
      config: encodeDynamicValue({ folder: world, greeting: null }, blockType(scratchProvider.schema)),
    }).finish(),
  )
  expect(ConfigureProvider_Response.decode(configured.message).diagnostics).toEqual([])
  const config = encodeDynamicValue({ ...nulls, name: 'Raw' }, type)

  const planned = PlanResourceChange_Response.decode(
    (
      await callPlugin(
        session,
        path('PlanResourceChange'),
        PlanResourceChange_Request.encode({
          typeName: 'scratch_thing',
          priorState: encodeDynamicValue(null, type),
          proposedNewState: config,
          config,
          priorPrivate: Buffer.from('{"from":"before"}'),
        }).finish(),
      )
    ).message,
  )
  const applied = ApplyResourceChange_Response.decode(
    (
      await callPlugin(
        session,
        path('ApplyResourceChange'),
        ApplyResourceChange_Request.encode({
          typeName: 'scratch_thing',
          priorState: encodeDynamicValue(null, type),
          plannedState: planned.plannedState,
          config,
          plannedPrivate: planned.plannedPrivate,
        }).finish(),
      )
    ).message,
  )

  const plan = decodeDynamicValue(planned.plannedState, type)
  expect(planned.diagnostics).toEqual([])
  expect(planned.legacyTypeSystem).toBe(false)
  expect(JSON.parse(String(Buffer.from(planned.plannedPrivate)))).toEqual({ from: 'before', planned_for: 'Raw' })
  expect(plan).toMatchObject({ name: 'Raw', size: 1, tags: [] })
  expect(isUnknown((plan as { id: Value }).id)).toBe(true)
  expect(applied.diagnostics).toEqual([])
  expect(applied.legacyTypeSystem).toBe(false)
  expect(decodeDynamicValue(applied.newState, type)).toMatchObject({ id: 'id-Raw', slug: 'raw' })
  expect(JSON.parse(String(Buffer.from(applied.private)))).toEqual({ from: 'before', planned_for: 'Raw' })
})

test.each([
  { announced: undefined, problems: ['Write-only attribute not supported'] },
  { announced: { deferralAllowed: false, writeOnlyAttributesAllowed: true }, problems: [] },
])(
  'R139a trap 11: refuses a write-only value unless the client knows them ($announced)',
  async ({ announced, problems }) => {
    const { session } = await connected()

    const { message } = await callPlugin(
      session,
      path('ValidateResourceConfig'),
      ValidateResourceConfig_Request.encode({
        typeName: 'scratch_thing',
        config: encodeDynamicValue({ ...nulls, name: 'ab', secret_wo: 'x' }, type),
        clientCapabilities: announced,
      }).finish(),
    )

    expect(ValidateResourceConfig_Response.decode(message).diagnostics.map(({ summary }) => summary)).toEqual(problems)
  },
)

test('R139a trap 13: listens in a folder that only its user may enter, where PLUGIN_UNIX_SOCKET_DIR says', async () => {
  const sockets = join(folder, 'sockets')
  await mkdir(sockets)

  const { fields } = await start({ PLUGIN_UNIX_SOCKET_DIR: sockets }).handshake()

  const [own = ''] = await readdir(sockets)
  expect(fields.slice(0, 5)).toEqual(['1', '6', 'unix', join(sockets, own, 's'), 'grpc'])
  expect((await stat(join(sockets, own))).mode & 0o777).toBe(0o700)
})

test('answers UNIMPLEMENTED to what it does not have, and takes messages of any size', async () => {
  const { session } = await connected()
  const large = 'x'.repeat(20 * 1024 * 1024)

  const missing = await callPlugin(session, path('PlanAction'), noPath)
  const { message } = await callPlugin(
    session,
    path('UpgradeResourceState'),
    UpgradeResourceState_Request.encode({
      typeName: 'scratch_thing',
      version: 2n,
      rawState: { json: Buffer.from(JSON.stringify({ name: large })), flatmap: {} },
    }).finish(),
  )

  expect(missing.status).toBe(12)
  expect(decodeDynamicValue(UpgradeResourceState_Response.decode(message).upgradedState, type)).toMatchObject({
    name: large,
  })
})

test('announces what it can do', async () => {
  const { session } = await connected()

  const { message } = await callPlugin(session, path('GetProviderSchema'), noPath)

  const schema = GetProviderSchema_Response.decode(message)
  expect(schema.serverCapabilities).toEqual({
    planDestroy: true,
    getProviderSchemaOptional: true,
    moveResourceState: true,
    generateResourceConfig: false,
  })
  expect(Object.keys(schema.resourceSchemas)).toEqual(['scratch_thing'])
  expect(schema.resourceSchemas.scratch_thing?.version).toBe(2n)
})

test('names the executable as Terraform expects', () => {
  expect(basename(executable)).toBe('terraform-provider-scratch_v1.0.0')
})
