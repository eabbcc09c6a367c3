import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { WrittenKey } from './services/bootstrap-key.ts'
import { fileBesideDatabase } from './store/dialect/beside-database.ts'

/** Where the operator reads: a terminal is shown the key, a pipe never is. */
export interface Terminal {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** The file for the bootstrap key; undefined where there is no place for one. */
export function bootstrapKeyFile(config: Pick<Config, 'databaseUrl' | 'stateDirectory'>): string | undefined {
  if (config.stateDirectory !== undefined) return join(config.stateDirectory, 'bootstrap-key')
  return fileBesideDatabase(config.databaseUrl, 'bootstrap-key')
}

/** Writes the key into a file that the owner alone reads, or to the terminal; never to a log (S18). */
export function handOutBootstrapKey(key: WrittenKey, file: string | undefined, terminal: Terminal, log: Logger): void {
  if (terminal.isTTY === true) {
    terminal.write(`\nNo root admin yet. Bootstrap key, good for one hour and one use:\n  ${key.id}:${key.secret}\n\n`)
    return
  }
  if (file === undefined) {
    throw new Error('There is no root admin yet, and no place for the bootstrap key: set MOORING_STATE_DIR.')
  }
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 })
  rmSync(file, { force: true })
  writeFileSync(file, `${key.id}:${key.secret}\n`, { mode: 0o600, flag: 'wx' })
  chmodSync(file, 0o600)
  log.info({ file }, 'bootstrap key written; it is good for one hour and one use')
}

/** Removes the file of a key that is of no more use. */
export function removeBootstrapKey(file: string | undefined): void {
  if (file !== undefined) rmSync(file, { force: true })
}
