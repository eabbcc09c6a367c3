import { type Command, Option } from 'commander'
import { escapeForTerminal } from '../../schemas/rules/escape-for-terminal.ts'
import { exportAudit } from '../services/audit-log.ts'
import { openAuditKey } from '../store/audit-key.ts'
import { type AuditVerdict, verifyAudit } from '../store/audit-verify.ts'
import { withInstallation } from './open-installation.ts'
import { writeText } from './write-text.ts'

/** Adds `audit verify` and `audit export` (S71), which may run while servers work. */
export function addAuditCommands(program: Command): void {
  const audit = program.command('audit').description('Verify or export the audit log; works while the server serves.')
  audit
    .command('verify')
    .description('Find a row that was changed, removed, moved or added by hand. Ends with 1 when there is one.')
    .option('--head <mac>', 'a head that the server logged earlier: checks that the log still contains it')
    .option('--json', 'print the result as one JSON object')
    .action(verify)
  audit
    .command('export')
    .description('Print the audit log, oldest first.')
    .option('--since <time>', 'only what was recorded from this time on, as 2026-01-31 or 2026-01-31T12:00:00Z')
    .addOption(new Option('--format <format>', 'how').choices(['jsonl', 'csv']).default('jsonl'))
    .action(exportLog)
}

async function verify({ head, json }: { readonly head?: string; readonly json?: true }): Promise<void> {
  const noted = head?.trim().toLowerCase()
  if (noted !== undefined && !/^[0-9a-f]{64}$/.test(noted)) {
    throw new Error('--head: expected the 64 hexadecimal digits of a logged head.')
  }
  const verdict = await withInstallation(async ({ db, sealer }) =>
    verifyAudit(db, await openAuditKey(db, sealer), noted),
  )
  const fault = faultOf(verdict, noted)
  if (fault !== undefined) process.exitCode = 1
  const { sequence, mac } = verdict.head
  await writeText(
    json
      ? `${escapeForTerminal(JSON.stringify({ verifiedRows: sequence, head: mac, fault: fault ?? null }))}\n`
      : escapeForTerminal(fault === undefined ? whole(sequence, mac) : broken(fault, sequence)),
  )
}

/** The log may be whole and still end too early: the noted head shows it. */
function faultOf({ fault, hasNoted }: AuditVerdict, noted: string | undefined): string | undefined {
  if (fault !== undefined || hasNoted) return fault
  return `The head ${noted} is not in the log: its end was cut off, or the head is of another installation.`
}

function whole(rows: number, mac: string): string {
  return `The audit log is whole: ${rows} rows verified.\nIts head is ${mac}\n`
}

function broken(fault: string, rows: number): string {
  return `The audit log was tampered with. ${fault}\nThe ${rows} rows before are as they were written.\n`
}

async function exportLog(options: { readonly since?: string; readonly format: 'jsonl' | 'csv' }): Promise<void> {
  const since = options.since === undefined ? undefined : Date.parse(options.since)
  if (Number.isNaN(since)) throw new Error('--since: expected a time like 2026-01-31 or 2026-01-31T12:00:00Z.')
  // Whoever reads may have seen enough: `… | head`.
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1))
  await withInstallation(async ({ db }) => {
    for await (const text of exportAudit(db, { since, format: options.format })) await writeText(text)
  })
}
