import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { problems } from '../../schemas/problem.ts'
import { Environment, secretVariables } from '../../server/config.ts'
import { runServerCommand } from '../support/server-command.ts'
import { startServerProcess } from '../support/server-process.ts'

const file = 'docs/operations.md'
const guide = readFileSync(file, 'utf8')
const blocks = [...guide.matchAll(/^```\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
const commands = blocks.flatMap((text) => text.split('\n').filter((line) => line.startsWith('mooring-server ')))

test('the guide’s commands are commands of the program, with its own options', async () => {
  expect(commands.length).toBeGreaterThan(10)
  const helps = new Map<string, string>()
  for (const command of commands) {
    const words = command.split(' ').slice(1)
    const name = words.slice(0, ['keys', 'audit', 'import'].includes(words[0] ?? '') ? 2 : 1)
    const key = name.join(' ')
    if (!helps.has(key)) helps.set(key, (await runServerCommand([...name, '--help'], {})).stdout)
    expect(helps.get(key), command).toContain(`Usage: mooring-server ${key}`)
    for (const option of words.filter((word) => word.startsWith('--'))) {
      expect(helps.get(key), `${option} of ${command}`).toContain(`${option} `)
    }
  }
})

test('R210a S76 the guide’s way from a backup to an installation elsewhere works as it is written', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-guide-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const here = (command: string) =>
    command
      .split(' ')
      .slice(1)
      .map((word) => word.replace('/var/backups/mooring', folder))
  const said = (start: string) => here(commands.find((command) => command.startsWith(`mooring-server ${start}`)) ?? '')
  const first = startServerProcess({}, folder)
  await first.listening()
  const key = readFileSync(join(folder, 'mooring.db.key'), 'utf8').trim()
  const old = { MOORING_DATABASE_URL: `sqlite:${join(folder, 'mooring.db')}` }
  const moved = { MOORING_DATABASE_URL: `sqlite:${join(folder, 'moved.db')}`, MOORING_ENCRYPTION_KEY: key }

  const backup = await runServerCommand(said('backup'), old)
  const list = await runServerCommand(said('keys list'), old)
  const verify = await runServerCommand(said('audit verify'), old)
  const restore = await runServerCommand(said('restore'), moved)
  const [, ...option] = said('serve --take-over')
  first.child.kill('SIGTERM')
  await first.ended()
  const second = startServerProcess(moved, folder, option)
  const ready = await fetch(`${await second.listening()}/readyz`)

  for (const outcome of [backup, list, verify, restore]) expect(outcome).toMatchObject({ code: 0, stderr: '' })
  expect(option).toEqual(['--take-over'])
  expect(await ready.json()).toEqual({ status: 'ready' })
})

test('every file, variable, problem and message that the guide names is there', () => {
  const variables = new Set([...Object.keys(Environment.shape), ...secretVariables.map((name) => `${name}_FILE`)])

  for (const name of guide.match(/MOORING_[A-Z_]+[A-Z]/g) ?? []) expect(variables, name).toContain(name)
  for (const [, path = ''] of guide.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
    expect(existsSync(normalize(join(dirname(file), path))), path).toBe(true)
  }
  for (const code of ['copy_is_quiet', 'disk_space_low']) {
    expect(guide).toContain(code)
    expect(problems).toHaveProperty(code)
  }
})
