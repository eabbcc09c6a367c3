import { existsSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  finished,
  fixturePlugin,
  newTerraform,
  newWorkspace,
  runTerraform,
  startTerraform,
  type Terraform,
} from '../../support/terraform.ts'

let terraform: Terraform
let folder: string
const world = () => join(folder, 'world')

beforeAll(async () => {
  terraform = await newTerraform(async (parent) => [await fixturePlugin(parent, 'scratch-provider', 'scratch')])
})
afterAll(() => terraform.close())

beforeEach(async () => {
  folder = await newWorkspace({})
  return () => rm(folder, { recursive: true, force: true })
})

const header = `
terraform {
  required_providers {
    scratch = { source = "test/scratch" }
  }
}
provider "scratch" {
  folder = "\${path.module}/world"
}
`

async function configure(body: string): Promise<void> {
  await writeFile(join(folder, 'main.tf'), header + body)
}

async function run(...args: string[]) {
  return runTerraform(terraform, folder, args)
}

/** Configures, initialises where that is due, and applies; fails with Terraform's own words. */
async function apply(body: string): Promise<string> {
  await configure(body)
  if (!existsSync(join(folder, '.terraform'))) await expectSuccess('init')
  return expectSuccess('apply', '-auto-approve')
}

async function expectSuccess(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args)
  expect({ code, stderr: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

/** A second plan must find nothing to do, not even drift (R130). */
async function expectNoChanges(): Promise<void> {
  const { code, stdout, stderr } = await run('plan', '-detailed-exitcode', '-out=again.plan')
  expect({ code, output: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, output: '' })
  const plan = JSON.parse(await expectSuccess('show', '-json', 'again.plan'))
  expect(plan.resource_drift ?? []).toEqual([])
}

async function readState(): Promise<{
  readonly resources: readonly { readonly instances: readonly { readonly attributes: Record<string, unknown> }[] }[]
}> {
  return JSON.parse(await readFile(join(folder, 'terraform.tfstate'), 'utf8'))
}

async function attributes(): Promise<Record<string, unknown>> {
  return (
    (await readState()).resources.find((resource) => 'type' in resource && resource.type === 'scratch_thing')
      ?.instances[0]?.attributes ?? {}
  )
}

async function calls(): Promise<string[]> {
  const text = await readFile(join(world(), 'calls.log'), 'utf8').catch(() => '')
  return text.split('\n').filter((line) => line !== '')
}

async function waitFor(condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await condition()) return
    await sleep(50)
  }
  throw new Error('it did not happen within 10 s')
}

const everything = `
resource "scratch_thing" "a" {
  name   = "Everything"
  size   = 9
  ratio  = 9007199254740993
  active = false
  tags   = ["b", "a"]
  labels = { x = "1", __proto__ = "2" }
  flags  = [true, false]
  rights = { root = ["read", "write"] }
  spelled = "Shout"
  password = "kept"
  secret_wo = "hunter2"
  secret_wo_version = "1"
  anything = [1, "two", null, { three = 3.25 }]
  address = { street = "Main" }
  rules = [{ port = 80 }, { port = 443, protocol = "udp" }]
  members = [{ user = "ann" }, { user = "bob", weight = 5 }]
  parts = { left = { amount = 1 }, right = { amount = 2 } }
  step { command = "first" }
  step { command = "second" }
  allow { cidr = "10.0.0.0/8" }
  allow {
    cidr = "192.168.0.0/16"
    ttl  = 60
  }
  meta { owner = "me" }
}
`

describe('the framework under the real Terraform', () => {
  test('R130 applies every kind of attribute and then plans no changes', async () => {
    await apply(everything)

    await expectNoChanges()
    expect(await attributes()).toMatchObject({
      id: 'id-Everything',
      size: 9,
      active: false,
      tags: ['a', 'b'],
      labels: { x: '1', __proto__: '2' },
      spelled: 'Shout',
      slug: 'everything',
      secret_wo: null,
      secret_length: 7,
      revision: 1,
      address: { street: 'Main', country: 'NZ', zone: 'zone of Main' },
      parts: { left: { amount: 1, part_id: 'part-left' }, right: { amount: 2, part_id: 'part-right' } },
      step: [
        { command: 'first', step_id: 'step first' },
        { command: 'second', step_id: 'step second' },
      ],
      meta: { owner: 'me' },
    })
    expect(await readFile(join(folder, 'terraform.tfstate'), 'utf8')).toMatch(/"ratio": 9007199254740993\b/)
  })

  test('R130 applies the smallest configuration, fills in defaults and plans no changes', async () => {
    await apply('resource "scratch_thing" "a" {\n  name = "Tiny"\n}')

    await expectNoChanges()
    expect(await attributes()).toMatchObject({
      size: 1,
      active: true,
      tags: [],
      labels: null,
      slug: 'tiny',
      step: [],
      allow: [],
      meta: null,
    })
  })

  test('R130 empties every optional attribute again', async () => {
    await apply(everything)

    await apply('resource "scratch_thing" "a" {\n  name = "Everything"\n  labels = {}\n  rules = []\n  members = []\n}')

    await expectNoChanges()
    expect(await attributes()).toMatchObject({
      size: 1,
      labels: {},
      rules: [],
      members: [],
      parts: null,
      step: [],
      revision: 2,
    })
    expect(await calls()).toEqual(['create Everything for Everything', 'update Everything'])
  })

  test('R133 keeps a write-only value out of state and plan', async () => {
    // As a constant it would be in the plan's copy of the configuration, whatever the provider does.
    await configure(`variable "secret" {\n  ephemeral = true\n}\n${everything.replace('"hunter2"', 'var.secret')}`)
    await expectSuccess('init')
    await expectSuccess('plan', '-out=saved.plan', '-var=secret=hunter2')
    const plan = await expectSuccess('show', '-json', 'saved.plan')
    await expectSuccess('apply', '-var=secret=hunter2', 'saved.plan')
    const state = await readFile(join(folder, 'terraform.tfstate'), 'utf8')

    expect(plan).not.toContain('hunter2')
    expect(state).not.toContain('hunter2')
    expect(state).toContain('"password": "kept"') // the search does find what is there
  })

  test('sends a new write-only value when its version changes', async () => {
    await apply(everything)

    await apply(
      everything.replace('"hunter2"', '"longer-secret"').replace('secret_wo_version = "1"', 'secret_wo_version = "2"'),
    )

    expect(await attributes()).toMatchObject({ secret_wo: null, secret_length: 13, revision: 2, id: 'id-Everything' })
    await expectNoChanges()
  })

  test('shows drift and repairs it', async () => {
    await apply(everything)
    const file = join(world(), 'id-Everything.json')
    await writeFile(file, (await readFile(file, 'utf8')).replace('"size":9', '"size":10'))

    const drifted = await run('plan', '-detailed-exitcode')
    await expectSuccess('apply', '-auto-approve')

    expect(drifted.code).toBe(2)
    expect(drifted.stdout).toMatch(/size\s+= 10 -> 9/)
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ size: 9 })
    await expectNoChanges()
  })

  test('R132 plans to create again what is gone', async () => {
    await apply(everything)
    await rm(join(world(), 'id-Everything.json'))

    const { code, stdout } = await run('plan', '-detailed-exitcode')

    expect(code).toBe(2)
    expect(stdout).toContain('1 to add, 0 to change, 0 to destroy')
  })

  test('R132 keeps the state when a read is refused', async () => {
    await apply(everything)
    const file = join(world(), 'id-Everything.json')
    await writeFile(file, (await readFile(file, 'utf8')).replace('{', '{"forbidden":true,'))

    const { code, stderr } = await run('plan')

    expect(code).toBe(1)
    expect(stderr).toContain('Forbidden')
    expect(await attributes()).toMatchObject({ id: 'id-Everything' })
  })

  test('R132 keeps the prior state when an update fails', async () => {
    await apply(everything)

    await configure(everything.replace('size   = 9', 'size = 10\n  fault = "update"'))
    const { code, stderr } = await run('apply', '-auto-approve')

    expect(code).toBe(1)
    expect(stderr).toMatch(/Refused[\s\S]*main\.tf line \d+[\s\S]*size\s+= 10/) // the diagnostic points at the attribute
    expect(await attributes()).toMatchObject({ size: 9, revision: 1 })
  })

  test('saves what was made before a create failed', async () => {
    await configure('resource "scratch_thing" "a" {\n  name = "Late"\n  fault = "create late"\n}')
    await expectSuccess('init')

    const { code } = await run('apply', '-auto-approve')

    expect(code).toBe(1)
    expect(await attributes()).toMatchObject({ id: 'id-Late' })
  })

  test('replaces when an attribute says so, also one inside an object', async () => {
    await apply(everything)

    const renamed = everything.replace('"Everything"', '"Renamed"')
    await apply(renamed)
    await apply(renamed.replace('street = "Main"', 'street = "Main", country = "AU"'))

    expect(await calls()).toEqual([
      'create Everything for Everything',
      'delete Everything',
      'create Renamed for Renamed',
      'delete Renamed',
      'create Renamed for Renamed',
    ])
    await expectNoChanges()
  })

  test('keeps the spelling of an equal value', async () => {
    await apply(everything)

    await configure(everything.replace('"Shout"', '"sHOUT"'))

    await expectNoChanges()
    expect(await attributes()).toMatchObject({ spelled: 'Shout' })
  })

  test('R134 plans with unknown values anywhere', async () => {
    const unknowns = `
resource "terraform_data" "x" {
  input = "later"
}
resource "scratch_thing" "a" {
  name    = "n-\${terraform_data.x.output}"
  size    = length(terraform_data.x.output)
  tags    = ["a", "t\${terraform_data.x.output}"]
  labels  = { k = terraform_data.x.output }
  anything = { inner = terraform_data.x.output }
  address = { street = terraform_data.x.output }
  rules   = [for port in [80] : { port = port, protocol = terraform_data.x.output }]
  members = [{ user = terraform_data.x.output }]
  dynamic "allow" {
    for_each = toset([terraform_data.x.output])
    content {
      cidr = allow.value
    }
  }
}
`
    await apply(unknowns)

    expect(await attributes()).toMatchObject({
      name: 'n-later',
      size: 5,
      tags: ['a', 'tlater'],
      allow: [{ cidr: 'later' }],
    })
    await expectNoChanges()
  })

  test('plans with an unknown provider configuration', async () => {
    await writeFile(
      join(folder, 'main.tf'),
      `${header.replace(/folder = .*/, 'folder = terraform_data.place.output')}
resource "terraform_data" "place" {
  input = "\${path.module}/world"
}
resource "scratch_thing" "a" {
  name = "Somewhere"
}`,
    )
    await expectSuccess('init')

    await expectSuccess('apply', '-auto-approve')

    await expectNoChanges()
  })

  test('imports, also into generated configuration', async () => {
    await apply('resource "scratch_thing" "a" {\n  name = "Kept"\n  size = 4\n}')
    await rm(join(folder, 'terraform.tfstate'))

    await configure('import {\n  to = scratch_thing.b\n  id = "id-Kept"\n}')
    await expectSuccess('plan', '-generate-config-out=generated.tf')
    const imported = await expectSuccess('apply', '-auto-approve')

    expect(imported).toContain('1 imported, 0 added, 0 changed, 0 destroyed')
    expect(await attributes()).toMatchObject({ id: 'id-Kept', size: 4, slug: 'kept' })
    await expectNoChanges()
  })

  test('says what is wrong with an import', async () => {
    await configure('resource "scratch_thing" "a" {\n  name = "Nobody"\n}')
    await expectSuccess('init')

    const { code, stderr } = await run('import', 'scratch_thing.a', 'id-nobody')

    expect(code).toBe(1)
    expect(stderr).toContain('found no object for the import id "id-nobody"')
  })

  test('moves the state of another type', async () => {
    await apply('resource "scratch_thing" "a" {\n  name = "Kept"\n}')
    const source = await apply('resource "scratch_thing" "a" {\n  name = "Kept"\n}\nresource "terraform_data" "old" {}')
    expect(source).toContain('1 added')
    const state = JSON.parse(await readFile(join(folder, 'terraform.tfstate'), 'utf8'))
    const kept = state.resources.filter((resource: { type: string }) => resource.type === 'terraform_data')
    kept[0].instances[0].attributes.id = 'id-Kept'
    await writeFile(join(folder, 'terraform.tfstate'), JSON.stringify({ ...state, resources: kept }))

    await configure(
      'resource "scratch_thing" "new" {\n  name = "Kept"\n}\nmoved {\n  from = terraform_data.old\n  to = scratch_thing.new\n}',
    )
    const { code, stdout, stderr } = await run('apply', '-auto-approve')

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('0 added, 0 changed, 0 destroyed')
    expect(await attributes()).toMatchObject({ id: 'id-Kept' })
  })

  test('reads data sources, calls functions and lends ephemeral values', async () => {
    await apply(`
resource "scratch_thing" "a" {
  name = "Found"
  size = 6
}
data "scratch_lookup" "found" {
  name       = "Found"
  depends_on = [scratch_thing.a]
}
ephemeral "scratch_token" "t" {
  ttl_seconds = 1
}
resource "scratch_thing" "b" {
  name              = provider::scratch::join_words("-", "one", null, "two")
  secret_wo         = ephemeral.scratch_token.t.token
  secret_wo_version = "1"
  delay_ms          = 900
}
output "size" {
  value = data.scratch_lookup.found.size
}
output "described" {
  value = provider::scratch::describe({ name = "x", size = 12345678901234567890 })
}
`)

    expect(JSON.parse(await expectSuccess('output', '-json'))).toMatchObject({
      size: { value: 6 },
      described: { value: ['x', '12345678901234567890'] },
    })
    expect(await calls()).toContain('create one-two for one-two')
    expect(await calls()).toContain('renew token')
    expect((await calls()).filter((line) => line === 'open token').length).toBe(
      (await calls()).filter((line) => line === 'close the right token').length,
    )
    expect(await readFile(join(folder, 'terraform.tfstate'), 'utf8')).not.toContain('ephemeral-hunter2')
  })

  test('points a function error at the argument', async () => {
    await configure('output "bad" {\n  value = provider::scratch::join_words("-", "fine", "bad")\n}')
    await expectSuccess('init')

    const { code, stderr } = await run('plan')

    expect(code).toBe(1)
    expect(stderr).toMatch(/Invalid value for "words" parameter: is a bad\s+word/)
  })

  test('reports every problem of a configuration at its place', async () => {
    await configure(`
resource "scratch_thing" "a" {
  name = "x"
  size = 2000
  tags = ["Ok", "9lives"]
  note = "old"
}`)
    await expectSuccess('init')

    const { code, stdout } = await run('validate', '-json')

    const diagnostics: { severity: string; detail: string; snippet?: { code: string } }[] =
      JSON.parse(stdout).diagnostics
    expect(code).toBe(1)
    expect(diagnostics.map(({ severity, snippet }) => [severity, snippet?.code.trim()])).toEqual(
      expect.arrayContaining([
        ['error', 'name = "x"'],
        ['error', 'size = 2000'],
        ['error', 'tags = ["Ok", "9lives"]'],
        ['warning', 'note = "old"'],
      ]),
    )
  })

  test('destroys, with a warning of the plan', async () => {
    await apply(everything)

    const output = await expectSuccess('destroy', '-auto-approve')

    expect(output).toContain('Going away')
    expect((await readdir(world())).filter((name) => name.endsWith('.json'))).toEqual([])
  })

  test('R139a trap 8: a mistake of the provider is a diagnostic, never a broken connection', async () => {
    await configure('resource "scratch_thing" "a" {\n  name = "Broken"\n  fault = "plan crash"\n}')
    await expectSuccess('init')

    const { code, stderr } = await run('plan')

    expect(code).toBe(1)
    expect(stderr).toContain('planned to fail')
    expect(stderr).not.toMatch(/rpc error|Plugin did not respond/)
  })

  test('R139a trap 4: Ctrl-C lets the request in flight end and saves it', async () => {
    await configure(`
resource "scratch_thing" "first" {
  name = "First"
  delay_ms = 2000
}
resource "scratch_thing" "second" {
  name = "Second"
  depends_on = [scratch_thing.first]
}`)
    await expectSuccess('init')
    const child = startTerraform(terraform, folder, ['apply', '-auto-approve'])
    const ended = finished(child)
    await waitFor(async () => (await calls()).length > 0)

    process.kill(-(child.pid ?? 0), 'SIGINT') // the whole process group, as a terminal does
    const { code } = await ended

    expect(code).toBe(1)
    expect(await calls()).toEqual(['create First for First', 'stopped First'])
    expect(await attributes()).toMatchObject({ name: 'First', id: 'id-First' })
  })

  test('R139a trap 3: ends when Terraform is killed', async () => {
    await configure('resource "scratch_thing" "a" {\n  name = "Orphan"\n  delay_ms = 60000\n}')
    await expectSuccess('init')
    const child = startTerraform(terraform, folder, ['apply', '-auto-approve'], { TMPDIR: folder })
    const ended = finished(child)
    await waitFor(async () => (await calls()).length > 0)
    const providers = await childrenOf(child.pid ?? 0)

    child.kill('SIGKILL')
    await ended

    expect(providers.length).toBe(1)
    await waitFor(() => providers.every((pid) => !existsSync(`/proc/${pid}`)))
    expect((await readdir(folder)).filter((name) => name.startsWith('plugin-'))).toEqual([])
  })
})

async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const parents = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')))
  return pids.map(Number).filter((_, index) => Number(parents[index]?.split(') ')[1]?.split(' ')[1]) === parent)
}
