import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { countsLine, judge } from './behaviour/judge.ts'
import { readRules } from './behaviour/rules.ts'
import { testTitles } from './behaviour/titles.ts'
import { repositoryRoot } from './repository-root.ts'

/**
 * `npm run check:behaviour`: says where docs/behaviour and the titles of the tests disagree, then how many rules are
 * proven, partly built, not built and not provable here. Exit code 1 on any disagreement.
 */
function main(): number {
  const root = repositoryRoot()
  const read = (file: string) => [relative(root, file), readFileSync(file, 'utf8')] as const
  const documents = list(join(root, 'docs/behaviour'), '.md').map((file) => readRules(...read(file)))
  const tests = list(join(root, 'test'), '.ts').flatMap((file) => testTitles(...read(file)))

  const { errors, counts } = judge(
    documents.flatMap(({ rules }) => rules),
    tests,
  )

  const all = [...documents.flatMap((document) => document.errors), ...errors]
  for (const error of all) console.error(error)
  console.log(countsLine(counts))
  return all.length === 0 ? 0 : 1
}

function list(folder: string, extension: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => join(folder, name))
}

process.exitCode = main()
