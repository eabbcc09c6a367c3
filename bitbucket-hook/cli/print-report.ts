import type { PrintableChange } from '../../clients/bitbucket/printable-change.ts'
import type { PassReport, RepositoryReport } from '../controller/repository-report.ts'

/** Writes a pass for people: a row for each repository that is not simply in sync, then what it adds up to. */
export function printReport(report: PassReport): string {
  const rows = report.repositories.filter(({ state, findings }) => state !== 'in_sync' || findings.length > 0)
  const cells = rows.map((row) => [
    `${row.projectKey}/${row.repositorySlug}`,
    row.integrationId,
    row.state,
    detailsOf(row),
  ])
  const table =
    rows.length === 0 ? [] : [...alignColumns([['REPOSITORY', 'INTEGRATION', 'STATE', 'DETAILS'], ...cells]), '']
  return `${[...table, summaryOf(report)].join('\n')}\n`
}

function detailsOf(row: RepositoryReport): string {
  const written = new Set(row.done.map(({ kind }) => kind))
  const changes = row.changes.map((change) => sentenceOf(change, written.size > 0))
  const findings = row.findings.map(({ id, kind }) => `webhook ${id}: ${kind}, left alone`)
  const terraform =
    row.state === 'drifted' && row.managedBy === 'terraform' ? ['declared in Terraform, left alone'] : []
  const reason = row.reason ? [`${row.reason.code}: ${row.reason.message}`] : []
  return [...changes, ...terraform, ...findings, ...reason].join('; ')
}

function sentenceOf(change: PrintableChange, isDone: boolean): string {
  const verbs = isDone
    ? { create: 'created', update: 'updated', delete: 'deleted' }
    : { create: 'create', update: 'update', delete: 'delete' }
  if (change.kind === 'create') return `${verbs.create} webhook`
  return `${verbs[change.kind]} webhook ${change.id} (${(change.drift ?? []).join(', ')})`
}

function summaryOf({ mode, counts, result }: PassReport): string {
  const { states, writes } = counts
  const parts = Object.entries(states)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state.replaceAll('_', ' ')}`)
  const wrote = mode === 'plan' ? 'Nothing was written.' : writesOf(writes)
  const repositories = `${counts.repositories} ${counts.repositories === 1 ? 'repository' : 'repositories'}`
  const ending = result === 'complete' ? '' : ` Result: ${result}.`
  return `${repositories}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}. ${wrote}${ending}`
}

function writesOf({ created, updated, deleted }: PassReport['counts']['writes']): string {
  return `Webhooks: ${created} created, ${updated} updated, ${deleted} deleted.`
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
