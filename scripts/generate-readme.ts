import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { webhookEvents } from '../schemas/webhook.ts'
import { configurationTable } from './generate-configuration.ts'

/** Writes the README's tables of configuration and of webhook events, each between its two markers. */
export async function generateReadme(root: string): Promise<void> {
  const file = join(root, 'README.md')
  const text = await readFile(file, 'utf8')
  const withConfiguration = replaceBetween(text, 'configuration', configurationTable())
  await writeFile(file, replaceBetween(withConfiguration, 'events', eventTable()))
}

function eventTable(): string[] {
  return [
    '| in Bitbucket | event key |',
    '|---|---|',
    ...webhookEvents.map(({ key, label }) => `| ${label} | \`${key}\` |`),
  ]
}

function replaceBetween(text: string, name: string, lines: readonly string[]): string {
  const begin = `<!-- begin generated ${name} -->`
  const end = `<!-- end generated ${name} -->`
  const [before, rest] = split(text, begin)
  const [, after] = split(rest, end)
  return `${before}${begin}\n${lines.join('\n')}\n${end}${after}`
}

function split(text: string, marker: string): [string, string] {
  const at = text.indexOf(marker)
  if (at < 0) throw new Error(`README.md has no line ${marker}.`)
  return [text.slice(0, at), text.slice(at + marker.length)]
}
