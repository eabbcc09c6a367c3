import type { Command } from 'commander'
import { escapeForTerminal } from '../../schemas/rules/escape-for-terminal.ts'
import { type Config, readConfig } from '../config.ts'
import { systemClock } from '../core/clock.ts'
import { requireDatabase } from '../store/dialect/existing-database.ts'
import { openDatabase } from '../store/dialect/open-database.ts'
import { examineContents } from './examine-contents.ts'
import { examineConfig, examinePlace } from './examine-place.ts'
import { type Finding, failed } from './finding.ts'
import { writeText } from './write-text.ts'

/** Adds `doctor`. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('Check configuration, database, keys and disk, and say what to do. Ends with 1 when a check failed.')
    .option('--json', 'print the findings as one JSON object')
    .action(doctor)
}

async function doctor({ json = false }: { readonly json?: boolean }): Promise<void> {
  process.umask(0o077)
  const findings = await examine(process.env)
  const hasFailed = findings.some(({ status }) => status === 'failed')
  if (hasFailed) process.exitCode = 1
  const text = json ? JSON.stringify({ ok: !hasFailed, findings }) : findings.map(describe).join('\n')
  await writeText(`${escapeForTerminal(text)}\n`)
}

/** Checks one thing after the other; what cannot be checked, because of what failed before, is left out. */
async function examine(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  let config: Config
  try {
    config = readConfig(env)
  } catch (error) {
    return [failed('configuration', messageOf(error), 'Correct the variables that are named: docs/configuration.md.')]
  }
  const findings = examineConfig(config)
  try {
    requireDatabase(config.databaseUrl)
    findings.push(...(await examinePlace(config)))
    const db = openDatabase(config.databaseUrl)
    try {
      findings.push(...(await examineContents(db, config, systemClock.now())))
    } finally {
      await db.destroy()
    }
  } catch (error) {
    findings.push(failed('database', messageOf(error), 'Check MOORING_DATABASE_URL, and that the database runs.'))
  }
  return findings
}

const signs = { ok: 'ok      ', warning: 'warning ', failed: 'FAILED  ' } as const

function describe({ check, status, says, remedy }: Finding): string {
  return `${signs[status]} ${check}: ${says}${remedy === undefined ? '' : `\n          → ${remedy}`}`
}

/** node-postgres gives an AggregateError, with an empty message, where a name has several addresses. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
