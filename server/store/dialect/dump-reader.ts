import type { Readable } from 'node:stream'
import type { BackupContents } from './backup-contents.ts'

const newline = 10
/** What is looked at beyond counting: small tables. */
const wanted = ['public.setting', 'public.kysely_migration']

/**
 * Reads the data of a dump as `pg_restore --data-only --file=-` writes it: counts the rows of each table, and takes the
 * facts about the installation out. A row is a line: COPY's text form escapes newlines. Long lines are never joined.
 */
export async function readDumpData(data: Readable): Promise<BackupContents> {
  const rows: Record<string, number> = {}
  const settings = new Map<string, string>()
  const migrations: string[] = []
  let table: string | undefined
  let columns: readonly string[] = []
  let head: Buffer[] = []
  let headLength = 0

  function endLine(rest: Buffer): void {
    const isWanted = table === undefined || wanted.includes(table)
    const bytes = isWanted || headLength + rest.length <= 2 ? Buffer.concat([...head, rest]) : undefined
    head = []
    headLength = 0
    if (bytes === undefined) count()
    else takeLine(bytes.toString('utf8'))
  }

  function count(): void {
    if (table !== undefined) rows[table] = (rows[table] ?? 0) + 1
  }

  function takeLine(line: string): void {
    if (table === undefined) {
      const copy = /^COPY (\S+) \((.*)\) FROM stdin;$/.exec(line)
      if (!copy) return
      table = copy[1] ?? ''
      columns = (copy[2] ?? '').split(', ')
      rows[table] ??= 0
    } else if (line === '\\.') {
      table = undefined
    } else {
      count()
      takeRow(table, Object.fromEntries(line.split('\t').map((text, index) => [columns[index], unescapeCopy(text)])))
    }
  }

  function takeRow(from: string, row: Readonly<Record<string, string>>): void {
    if (from === 'public.setting') settings.set(row.key ?? '', row.value ?? '')
    if (from === 'public.kysely_migration') migrations.push(row.name ?? '')
  }

  for await (const chunk of data as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      endLine(chunk.subarray(start, end))
      start = end + 1
    }
    if (start === chunk.length) continue
    const rest = chunk.subarray(start)
    headLength += rest.length
    if (table === undefined || wanted.includes(table) || headLength <= 2) head.push(rest)
  }
  if (table !== undefined) throw new Error(`The dump ends inside table ${table}.`)
  return {
    instanceId: settings.get('instance_id'),
    canary: settings.get('sealing_canary'),
    migrations: migrations.sort(),
    rows,
  }
}

/** The escapes that COPY writes into the short texts that are read here. */
function unescapeCopy(text: string): string {
  const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', '\\': '\\' }
  return text.replace(/\\(.)/g, (_, character: string) => escapes[character] ?? character)
}
