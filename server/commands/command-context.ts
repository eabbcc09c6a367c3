import { escapeForTerminal } from '../../schemas/rules/escape-for-terminal.ts'
import { type Config, readConfig } from '../config.ts'
import { systemClock } from '../core/clock.ts'
import type { SealerKeys } from '../core/sealer.ts'
import { findEncryptionKeys } from '../encryption-key.ts'
import { fileBesideDatabase } from '../store/dialect/beside-database.ts'

/** What a command of the operator works with. */
export interface CommandContext {
  readonly config: Config
  readonly now: () => number
  /** Writes one line for people; text from outside becomes harmless in a terminal (S47). */
  print(line: string): void
}

/** Reads the configuration as the server does; what the command writes is its owner's alone (S42). */
export function openCommandContext(): CommandContext {
  process.umask(0o077)
  return {
    config: readConfig(process.env),
    now: systemClock.now,
    print: (line) => void process.stdout.write(`${escapeForTerminal(line)}\n`),
  }
}

/** The keys of the installation; a command makes none. */
export function requireEncryptionKeys(config: Config): SealerKeys {
  const keys = findEncryptionKeys(config)
  if (keys) return keys
  const file = fileBesideDatabase(config.databaseUrl, 'key')
  const place = file === undefined ? '' : `, and there is no ${file}`
  throw new Error(`The encryption key is missing: MOORING_ENCRYPTION_KEY is not set${place}. Nothing was written.`)
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`
}
