/** What a backup holds, as read from the backup itself. */
export interface BackupContents {
  readonly instanceId: string | undefined
  readonly canary: string | undefined
  /** The names of the migrations that made its tables. */
  readonly migrations: readonly string[]
  /** The number of rows of each table; of PostgreSQL's partitions one by one. */
  readonly rows: Readonly<Record<string, number>>
}

/** Says in a sentence where the rows are not as many as they were; undefined where they are. */
export function rowFault(
  expected: Readonly<Record<string, number>>,
  found: Readonly<Record<string, number>>,
): string | undefined {
  const tables = new Set([...Object.keys(expected), ...Object.keys(found)])
  const wrong = [...tables].find((table) => (expected[table] ?? 0) !== (found[table] ?? 0))
  if (wrong === undefined) return undefined
  return `Table ${wrong} has ${found[wrong] ?? 0} rows instead of ${expected[wrong] ?? 0}.`
}

export function countRows(rows: Readonly<Record<string, number>>): number {
  return Object.values(rows).reduce((sum, count) => sum + count, 0)
}
