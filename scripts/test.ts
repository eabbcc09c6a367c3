import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseCLI, type Reporter, startVitest } from 'vitest/node'
import type { LeftOut } from '../test/support/left-out.ts'
import { explainMissing, findProgram, type ProgramName, programs } from '../test/support/programs.ts'
import { repositoryRoot } from './repository-root.ts'
import { isGood, type Summary, summarise, summaryLines } from './test-summary.ts'

/**
 * `npm test [-- FILTER]`: every test that this machine can run, or those whose file's path contains FILTER; options
 * are vitest's (`-t NAME`). Ends with one line for each suite left out, then `N passed, N failed`. With
 * `MOORING_TEST_ALL=1` a suite left out is a failure, unless it is one that needs `../shared`.
 */
async function main(args: readonly string[]): Promise<number> {
  process.chdir(repositoryRoot())
  const mayLeaveOut = !['1', 'true'].includes(process.env.MOORING_TEST_ALL ?? '')
  for (const name of Object.keys(programs) as ProgramName[]) {
    if (findProgram(name) === undefined) console.error(`mooring: ${explainMissing(name)}`)
  }

  const summary = await run(args, mayLeaveOut)

  for (const line of summaryLines(summary, mayLeaveOut)) console.log(line)
  return isGood(summary, mayLeaveOut) ? 0 : 1
}

async function run(args: readonly string[], allowOnly: boolean): Promise<Summary> {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-test-'))
  const record = join(folder, 'left-out.jsonl')
  process.env.MOORING_LEFT_OUT = record // read by `needs` in the processes that run the tests
  try {
    const { filter, options } = parseCLI(['vitest', 'run', ...args])
    let summary: Summary = { passed: 0, failed: 1, leftOut: [], excusable: true } // stands if vitest itself breaks
    const reporter: Reporter = {
      onTestRunEnd(modules, unhandledErrors) {
        const isNarrowed = options.testNamePattern !== undefined
        summary = summarise(modules, unhandledErrors.length, recorded(record), isNarrowed)
      },
    }
    const reporters = ['default', reporter]
    await startVitest('test', [...filter], { ...options, watch: false, run: true, reporters, allowOnly })
    return summary
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function recorded(file: string): LeftOut[] {
  try {
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    return [...new Set(lines)].map((line) => JSON.parse(line) as LeftOut)
  } catch {
    return [] // nothing was left out
  }
}

const exitCode = await main(process.argv.slice(2))
// A handle that a test leaked must not keep the command alive after its last line.
process.stdout.write('', () => process.exit(exitCode))
