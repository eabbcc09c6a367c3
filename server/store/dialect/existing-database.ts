import { existsSync } from 'node:fs'
import { kindOfUrl } from './kind.ts'
import { sqliteFile } from './sqlite-connection.ts'

/** Refuses a SQLite file that is not there: to open it would make an empty one. */
export function requireDatabase(url: string): void {
  if (kindOfUrl(url) === 'sqlite' && !existsSync(sqliteFile(url))) {
    throw new Error(`There is no database ${sqliteFile(url)}: check MOORING_DATABASE_URL and the folder you are in.`)
  }
}
