import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { Environment, secretVariables } from '../server/config.ts'

/** Writes docs/configuration.md: every variable that the server reads, from their own descriptions. */
export async function generateConfiguration(root: string): Promise<void> {
  const text = [
    '# Configuration of the server',
    '',
    'The server reads the environment and nothing else. It checks all of it at the start and names every wrong variable',
    'at once. A secret is best given as a file: put its path into the variable with `_FILE` behind its name.',
    '',
    ...configurationTable(),
    '',
  ]
  await mkdir(join(root, 'docs'), { recursive: true })
  await writeFile(join(root, 'docs/configuration.md'), text.join('\n'))
}

/** The table alone, for the README. */
export function configurationTable(): string[] {
  const rows = Object.entries(Environment.shape).map(([name, schema]) => {
    const isSecret = secretVariables.some((secret) => secret === name)
    const names = isSecret ? `\`${name}_FILE\`, \`${name}\`` : `\`${name}\``
    return `| ${names} | ${defaultOf(schema)} | ${schema.description ?? ''} |`
  })
  return ['| variable | default | meaning |', '|---|---|---|', ...rows]
}

function defaultOf(schema: z.ZodType): string {
  if (!(schema instanceof z.ZodDefault)) return ''
  const value = schema.def.defaultValue
  return Array.isArray(value) && value.length === 0 ? '' : `\`${String(value)}\``
}
