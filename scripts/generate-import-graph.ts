import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

interface Layer {
  readonly files: string
  readonly imports: readonly string[]
}

const opening = '<!-- generated from .dependency-cruiser.cjs by `npm run generate` -->'
const closing = '<!-- end of what is generated -->'
const tooling = ['test', 'scripts', 'bench']

/** Writes the import graph of docs/architecture.md from the list that dependency-cruiser enforces. */
export async function generateImportGraph(root: string): Promise<void> {
  const { layers } = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as {
    layers: readonly Layer[]
  }
  const file = join(root, 'docs/architecture.md')
  const text = readFileSync(file, 'utf8')
  const [before, rest] = text.split(opening)
  const after = rest?.split(closing)[1]
  if (before === undefined || after === undefined) throw new Error(`${file} lacks the marks around its import graph.`)
  writeFileSync(file, `${before}${opening}\n${importGraph(layers)}\n${closing}${after}`)
}

/**
 * Draws the rows of the list as a Mermaid flow chart. An arrow that follows from two others is left out, and so are
 * single files of the clients and what may import everything.
 */
export function importGraph(layers: readonly Layer[]): string {
  const rooms = layers.filter(({ files }) => !tooling.includes(files) && !/^clients\/.*\.ts$/.test(files))
  const names = rooms.map(({ files }) => files)
  const targets = new Map(rooms.map((room) => [room.files, reachable(room, names)]))
  const products = groups(names)
  const lines = [...products].flatMap(([product, members]) =>
    members.length === 1
      ? members.map((name) => `  ${box(name)}`)
      : [`  subgraph ${product}`, ...members.map((name) => `    ${box(name)}`), '  end'],
  )
  for (const [name, others] of targets) {
    const direct = others.filter((other) => !others.some((between) => targets.get(between)?.includes(other)))
    lines.push(...direct.map((other) => `  ${idOf(name)} --> ${idOf(other)}`))
  }
  return ['```mermaid', 'flowchart TD', ...lines, '```'].join('\n')
}

/** The rooms that a room may import besides itself; a room's name stands for the rooms inside it, too. */
function reachable({ files, imports }: Layer, names: readonly string[]): string[] {
  return names.filter(
    (name) => name !== files && imports.some((entry) => name === entry || name.startsWith(`${entry}/`)),
  )
}

function groups(names: readonly string[]): ReadonlyMap<string, string[]> {
  const found = new Map<string, string[]>()
  for (const name of names) {
    const product = name.split('/')[0] ?? name
    found.set(product, [...(found.get(product) ?? []), name])
  }
  return found
}

function box(name: string): string {
  return `${idOf(name)}["${name}"]`
}

function idOf(name: string): string {
  return name.replaceAll(/[^a-z]/g, '_')
}
