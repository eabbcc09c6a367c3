import { kindOfUrl } from './kind.ts'
import { sqliteFile } from './sqlite-connection.ts'

/**
 * Where a file of the server's own lies beside its database: `mooring.db.key` for `mooring.db` and `key`. Undefined
 * for PostgreSQL, which has no place of ours.
 */
export function fileBesideDatabase(url: string, name: string): string | undefined {
  return kindOfUrl(url) === 'sqlite' ? `${sqliteFile(url)}.${name}` : undefined
}
