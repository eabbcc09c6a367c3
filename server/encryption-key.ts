import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Config } from './config.ts'
import { createSealer, type Sealer, type SealerKeys, UnsealError } from './core/sealer.ts'
import { fileBesideDatabase } from './store/dialect/beside-database.ts'
import { findSetting, setOnce } from './store/settings.ts'
import type { Database } from './store/tables.ts'

const canary = { table: 'setting', id: 'sealing_canary', column: 'value' }
const canaryText = 'mooring'

/**
 * Gives the keys of this installation: those of the configuration, else the one in the file beside the SQLite
 * database. A new one is made only where nothing was ever sealed: beside existing data it could open none of it (S42).
 */
export async function getEncryptionKeys(
  db: Database,
  config: Pick<Config, 'databaseUrl' | 'encryptionKey' | 'oldEncryptionKeys'>,
): Promise<SealerKeys> {
  const old = config.oldEncryptionKeys
  if (config.encryptionKey) return { current: config.encryptionKey, old }
  const file = fileBesideDatabase(config.databaseUrl, 'key')
  if (file === undefined) throw new Error('MOORING_ENCRYPTION_KEY is not set: PostgreSQL needs it.')
  const stored = readKeyFile(file)
  if (stored) return { current: stored, old }
  const sealed = await findSetting(db, 'sealing_canary')
  if (sealed !== undefined) {
    const wanted = sealed.split('.')[1]
    throw new Error(
      `The database holds secrets sealed with the key ${wanted}, but ${file} is gone and MOORING_ENCRYPTION_KEY is not set. Put the key back: a new one could open none of them.`,
    )
  }
  const current = randomBytes(32)
  writeFileSync(file, `${current.toString('base64')}\n`, { mode: 0o600, flag: 'wx' })
  return { current, old }
}

/** Gives the keys of this installation without ever making one; undefined where there is none. */
export function findEncryptionKeys(
  config: Pick<Config, 'databaseUrl' | 'encryptionKey' | 'oldEncryptionKeys'>,
): SealerKeys | undefined {
  const file = fileBesideDatabase(config.databaseUrl, 'key')
  const current = config.encryptionKey ?? (file === undefined ? undefined : readKeyFile(file))
  return current && { current, old: config.oldEncryptionKeys }
}

/** Makes the sealer, and refuses to go on with keys that do not open what this database holds (S42). */
export async function openSealer(db: Database, keys: SealerKeys): Promise<Sealer> {
  const sealer = createSealer(keys)
  requireCanary(sealer, await setOnce(db, 'sealing_canary', sealer.seal(canary, canaryText)))
  return sealer
}

/** Refuses keys that do not open the canary, naming the one that sealed it. */
export function requireCanary(sealer: Sealer, sealed: string): void {
  try {
    sealer.open(canary, sealed)
  } catch (error) {
    if (!(error instanceof UnsealError)) throw error
    throw new Error(
      `The encryption key ${sealer.keyId} does not fit this database: its secrets were sealed with the key ${error.keyId ?? '(unreadable)'}. Set MOORING_ENCRYPTION_KEY to that one, or list it in MOORING_OLD_ENCRYPTION_KEYS.`,
      { cause: error },
    )
  }
}

function readKeyFile(file: string): Uint8Array | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new Error(`The encryption key in ${file} cannot be read (${code}).`, { cause: error })
  }
  const key = Buffer.from(text.trim(), 'base64')
  if (key.byteLength !== 32)
    throw new Error(`The file ${file} does not hold an encryption key: expected 32 bytes in base64.`)
  return key
}
