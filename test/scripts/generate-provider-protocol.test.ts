import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { generateProviderProtocol } from '../../scripts/generate-provider-protocol.ts'
import { repositoryRoot } from '../support/terraform.ts'

const protocol = 'provider/protocol'
const factsFile = join(repositoryRoot, '../shared/reference/facts/tfplugin6.json')

test('generates the committed protocol code byte for byte', async () => {
  const root = await mkdtemp(join(tmpdir(), 'mooring-generate-'))
  await mkdir(join(root, protocol), { recursive: true })
  await symlink(join(repositoryRoot, 'node_modules'), join(root, 'node_modules'))
  await symlink(join(repositoryRoot, protocol, 'tfplugin6.proto'), join(root, protocol, 'tfplugin6.proto'))

  await generateProviderProtocol(root)

  for (const file of ['tfplugin6.ts', 'google/protobuf/timestamp.ts']) {
    const [made, committed] = await Promise.all(
      [root, repositoryRoot].map((folder) => readFile(join(folder, protocol, 'generated', file), 'utf8')),
    )
    expect(made).toBe(committed)
  }
  await rm(root, { recursive: true })
})

interface Message {
  readonly fields?: readonly { readonly number: number; readonly name: string; readonly type: string }[]
  readonly nested?: { readonly [name: string]: Message }
}

test.skipIf(!existsSync(factsFile))('writes down every field, number and type of protocol 6.11', async () => {
  const facts: { messages: { [name: string]: Message }; services: { Provider: { name: string }[] } } = JSON.parse(
    await readFile(factsFile, 'utf8'),
  )
  const proto = await readFile(join(repositoryRoot, protocol, 'tfplugin6.proto'), 'utf8')
  const missing: string[] = []
  const look = (name: string, message: Message, text: string) => {
    for (const { type, name: field, number } of message.fields ?? []) {
      if (!text.includes(`${type} ${field} = ${number};`)) missing.push(`${name}.${field}`)
    }
    for (const [inner, nested] of Object.entries(message.nested ?? {})) look(`${name}.${inner}`, nested, text)
  }

  for (const [name, message] of Object.entries(facts.messages)) {
    const start = proto.search(new RegExp(`^message ${name} \\{`, 'm'))
    const end = proto.indexOf('\n}', start)
    look(name, message, proto.slice(start, end === -1 ? undefined : end))
  }
  for (const { name } of facts.services.Provider) if (!proto.includes(`rpc ${name}(`)) missing.push(name)

  expect(missing).toEqual([])
})
