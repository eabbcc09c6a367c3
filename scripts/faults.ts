import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { startPostgres } from '../test/support/postgres.ts'
import { killAfterAnswers } from './faults/kill-after-answer.ts'

interface FaultOptions {
  readonly rounds: number
  readonly seed: number
  readonly database: string
}

/** One result line: the rule, the figures that it wants reported, and whether what must hold held. */
type FaultResult = { readonly rule: string; readonly passed: boolean } & Readonly<Record<string, unknown>>

/** The faults that can be injected, by rule. */
const faults: Readonly<Record<string, (options: FaultOptions) => Promise<FaultResult>>> = {
  F2: async ({ rounds, seed, database }) => {
    const report = await withDatabase(database, (url) => killAfterAnswers(url, rounds, seed))
    return { rule: 'F2', passed: report.lost === 0 && report.doubled === 0, database, ...report }
  },
}

/** An empty database of the kind, removed afterwards. */
async function withDatabase<Result>(kind: string, act: (url: string) => Promise<Result>): Promise<Result> {
  if (kind === 'postgres') {
    const postgres = await startPostgres()
    if (postgres === undefined) throw new Error('PostgreSQL is not installed.')
    try {
      return await act(postgres.url)
    } finally {
      await postgres.stop()
    }
  }
  if (kind !== 'sqlite') throw new Error(`There is no database "${kind}": choose sqlite or postgres.`)
  const folder = mkdtempSync(join(tmpdir(), 'mooring-faults-'))
  try {
    return await act(`sqlite:${join(folder, 'mooring.db')}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const { args, opts } = readCommand()
let allPassed = true
for (const rule of args.length > 0 ? args : Object.keys(faults)) {
  const run = faults[rule]
  if (run === undefined) throw new Error(`There is no fault "${rule}": choose among ${Object.keys(faults).join(', ')}.`)
  const result = await run(opts)
  allPassed &&= result.passed
  console.log(opts.json ? JSON.stringify(result) : inWords(result))
}
process.exitCode = allPassed ? 0 : 1

function readCommand() {
  const command = new Command('faults')
    .description('Injects faults into a running server and reports what was lost.')
    .argument('[rules...]', `which ones: ${Object.keys(faults).join(', ')}`)
    .option('--rounds <number>', 'how often', Number, 100)
    .option('--seed <number>', 'repeats a run', Number, randomInt(2 ** 31))
    .option('--database <kind>', 'sqlite or postgres', 'sqlite')
    .option('--json', 'one JSON line per rule', false)
    .parse()
  return { args: command.args, opts: command.opts<FaultOptions & { json: boolean }>() }
}

function inWords({ rule, passed, ...figures }: FaultResult): string {
  const words = Object.entries(figures).map(([name, value]) => `${name} ${value}`)
  return `${rule} ${passed ? 'holds' : 'DOES NOT HOLD'}: ${words.join(', ')}`
}
