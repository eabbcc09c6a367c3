import { sql } from 'kysely'
import type { Database } from '../../server/store/tables.ts'
import { runServerCommand } from '../support/server-command.ts'

/** What an operator runs beside the server. */
const commandsWith = (backupFile: string) => [
  ['audit', 'verify'],
  ['audit', 'export'],
  ['audit', 'export', '--format', 'csv'],
  ['keys', 'list'],
  ['keys', 'rotate'],
  ['keys', 'rotate', '--wrong-option'],
  ['backup', backupFile],
]

/** Runs them, and gives what each printed, by its name. */
export async function runCommands(
  env: Readonly<Record<string, string>>,
  backupFile: string,
): Promise<Record<string, string>> {
  const printed: Record<string, string> = {}
  for (const args of commandsWith(backupFile)) {
    const { stdout, stderr } = await runServerCommand(args, env)
    printed[args.filter((arg) => arg !== backupFile).join(' ')] = stdout + stderr
  }
  return printed
}

/** Every row of every table, in whatever schema it lies. */
export async function readAllRows(db: Database): Promise<string> {
  const tables = await db.introspection.getTables()
  const rows: unknown[] = []
  for (const { name, schema } of tables) {
    const table = sql.table(schema === undefined ? name : `${schema}.${name}`)
    rows.push((await sql`select * from ${table}`.execute(db)).rows)
  }
  return JSON.stringify(rows)
}
