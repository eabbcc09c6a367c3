import { createSealer, type Sealer, type SealerKeys } from '../core/sealer.ts'
import { requireCanary } from '../encryption-key.ts'
import { requireDatabase } from '../store/dialect/existing-database.ts'
import { openDatabase } from '../store/dialect/open-database.ts'
import { findSetting } from '../store/settings.ts'
import type { Database } from '../store/tables.ts'
import { openCommandContext, requireEncryptionKeys } from './command-context.ts'

/** What a command works with: the database of the environment, and its keys. */
export interface OpenedInstallation {
  readonly db: Database
  readonly keys: SealerKeys
  readonly sealer: Sealer
}

/**
 * Opens the installation that the environment names, beside a server that may be running, and closes it after `act`.
 * Makes nothing: neither a database nor a key, and migrates nothing.
 */
export async function withInstallation<Result>(
  act: (installation: OpenedInstallation) => Promise<Result>,
): Promise<Result> {
  const { config } = openCommandContext()
  requireDatabase(config.databaseUrl)
  const keys = requireEncryptionKeys(config)
  const db = openDatabase(config.databaseUrl)
  try {
    const sealer = createSealer(keys)
    requireCanary(sealer, await readCanary(db))
    return await act({ db, keys, sealer })
  } finally {
    await db.destroy()
  }
}

async function readCanary(db: Database): Promise<string> {
  const hint = 'Start `mooring-server serve` of this release once.'
  try {
    const canary = await findSetting(db, 'sealing_canary')
    if (canary !== undefined && (await findSetting(db, 'audit_key')) !== undefined) return canary
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    throw new Error(`The database cannot be read as Mooring’s (${detail}). ${hint}`, { cause: error })
  }
  throw new Error(`No server of this release has started on this database yet. ${hint}`)
}
