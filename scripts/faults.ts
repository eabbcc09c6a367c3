import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { startPostgres } from '../test/support/postgres.ts'
import { killAccessMutants } from './faults/access-mutants.ts'
import { fuzzRequests } from './faults/fuzz-requests.ts'
import { killAfterAnswers } from './faults/kill-after-answer.ts'
import { type FaultReport, runPostgresFaults } from './faults/postgres-faults.ts'

interface FaultOptions {
  readonly rounds: number
  readonly seed: number
  readonly database: string
  readonly requests: number
}

/** One result line: the rule, the figures that it wants reported, and whether what must hold held. */
type FaultResult = { readonly rule: string; readonly passed: boolean } & Readonly<Record<string, unknown>>

/** The faults that can be injected, by rule. */
const faults: Readonly<Record<string, (options: FaultOptions) => Promise<FaultResult>>> = {
  F2: async ({ rounds, seed, database }) => {
    const report = await withDatabase(database, (url) => killAfterAnswers(url, rounds, seed))
    return { rule: 'F2', passed: report.lost === 0 && report.doubled === 0, database, ...report }
  },
  F14: async ({ rounds, seed }) => {
    const reports = await runPostgresFaults(rounds, seed)
    const sum = (of: (report: FaultReport) => number) => reports.reduce((total, report) => total + of(report), 0)
    const total = {
      lost: sum(({ lost }) => lost),
      doubled: sum(({ doubled }) => doubled),
      unprocessed: sum(({ unprocessed }) => unprocessed),
      wrongAnswers: sum(({ wrongAnswers }) => wrongAnswers.length),
    }
    return {
      rule: 'F14',
      passed: Object.values(total).every((count) => count === 0),
      rounds,
      seed,
      acknowledged: sum(({ acknowledged, acknowledgedWrites }) => acknowledged + acknowledgedWrites),
      refused: sum(({ refused, refusedWrites }) => refused + refusedWrites),
      ...total,
      longestAnswerSeconds: Math.max(...reports.map((report) => report.longestAnswerSeconds)),
      gapSeconds: longestByFault(reports, ({ gapSeconds }) => gapSeconds),
      recoverySeconds: longestByFault(reports, ({ recoverySeconds }) => recoverySeconds),
    }
  },
  R204: async ({ requests, seed, database }) => {
    return { rule: 'R204', database, seed, ...(await fuzzRequests(database, requests, seed)) }
  },
  R26: async ({ seed }) => {
    const report = await killAccessMutants(seed, () => true)
    const isProof = report.withoutMutant.length === 0 && report.mutants > 0
    return { rule: 'R26', passed: isProof && report.killed === report.mutants, seed, ...report }
  },
}

function longestByFault(reports: readonly FaultReport[], of: (report: FaultReport) => number) {
  const longest: Record<string, number> = {}
  for (const report of reports) longest[report.fault] = Math.max(longest[report.fault] ?? 0, of(report))
  return longest
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
    .option('--requests <number>', 'how many made-up requests', Number, 20_000)
    .option('--json', 'one JSON line per rule', false)
    .parse()
  return { args: command.args, opts: command.opts<FaultOptions & { json: boolean }>() }
}

function inWords({ rule, passed, ...figures }: FaultResult): string {
  const words = Object.entries(figures).map(
    ([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`,
  )
  return `${rule} ${passed ? 'holds' : 'DOES NOT HOLD'}: ${words.join(', ')}`
}
