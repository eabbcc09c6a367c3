import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateConfiguration } from './generate-configuration.ts'
import { generateImportGraph } from './generate-import-graph.ts'
import { generateOpenApi } from './generate-openapi.ts'
import { generateProblems } from './generate-problems.ts'
import { generateProviderProtocol } from './generate-provider-protocol.ts'
import { generateReadme } from './generate-readme.ts'
import { repositoryRoot } from './repository-root.ts'

/** Writes files that follow from a fact written elsewhere; the same facts give the same bytes. */
type Generator = (root: string) => Promise<void>

/** Every generator of this repository, in the order in which one may build on another. */
const generators: Readonly<Record<string, Generator>> = {
  'docs/architecture.md (import graph)': generateImportGraph,
  'provider/protocol/generated': generateProviderProtocol,
  'docs/openapi.json': generateOpenApi,
  'docs/problems.md': generateProblems,
  'docs/configuration.md': generateConfiguration,
  'README.md (tables)': generateReadme,
}

/**
 * `npm run generate` writes all generated files. With `--check` it also fails, and names the files, where what is in
 * the checkout was not what the generators write.
 */
async function main(args: readonly string[]): Promise<number> {
  const unknown = args.filter((argument) => argument !== '--check')
  if (unknown.length > 0) {
    console.error(`Unknown argument "${unknown.join(' ')}". Usage: npm run generate [-- --check]`)
    return 1
  }
  const root = repositoryRoot()
  const before = digests(root)
  for (const [output, generate] of Object.entries(generators)) {
    console.error(`generating ${output}`)
    await generate(root)
  }
  const changed = differences(before, digests(root))
  for (const file of changed) console.log(file)
  if (!args.includes('--check') || changed.length === 0) return 0
  console.error('The files above were not as generated. They are now: look at the difference and commit it.')
  return 1
}

/** The digest of every file of the checkout, so that no generator has to say what it writes. */
function digests(root: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const collect = (folder: string) => {
    for (const item of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? item.name : `${folder}/${item.name}`
      if (item.isDirectory() && !['node_modules', 'dist', '.git', '.mooring', 'coverage'].includes(item.name)) {
        collect(path)
      } else if (item.isFile()) {
        found.set(
          path,
          createHash('sha256')
            .update(readFileSync(join(root, path)))
            .digest('hex'),
        )
      }
    }
  }
  collect('')
  return found
}

function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort()
  return paths.filter((path) => before.get(path) !== after.get(path))
}

process.exitCode = await main(process.argv.slice(2))
