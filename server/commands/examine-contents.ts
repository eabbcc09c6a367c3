import type { Config } from '../config.ts'
import { createSealer, type SealerKeys, sealingKeyId } from '../core/sealer.ts'
import { findEncryptionKeys, requireCanary } from '../encryption-key.ts'
import { countKeys } from '../services/reseal.ts'
import { hasRootAdmin } from '../store/api-keys.ts'
import { measureWalls } from '../store/dialect/walls.ts'
import { isQuietHere } from '../store/home.ts'
import { judgeMigrations, listMigrations } from '../store/schema-state.ts'
import { findSetting } from '../store/settings.ts'
import type { Database } from '../store/tables.ts'
import { examineBootstrapKey } from './examine-place.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

/** With fewer days ahead the job that makes partitions has not run for days (L11). */
const leastDaysAhead = 3

/** Judges what is in the database, without changing any of it. */
export async function examineContents(db: Database, config: Config, now: number): Promise<Finding[]> {
  const schema = examineSchema(judgeMigrations(await listMigrations(db)))
  if (schema.status !== 'ok') return [schema]
  return [
    schema,
    ...(await examineKeys(db, config)),
    await examineHome(db, config),
    await examinePartitions(db, now),
    examineBootstrapKey(config, await hasRootAdmin(db, now)),
  ]
}

function examineSchema(state: ReturnType<typeof judgeMigrations>): Finding {
  const check = 'tables'
  switch (state) {
    case 'current':
      return ok(check, 'they are of this release')
    case 'older':
      return warning(check, 'they are of an older release', 'The next start migrates them: take a backup first.')
    case 'empty':
      return warning(check, 'the database is empty', 'The first `mooring-server serve` makes them.')
    case 'newer':
      return failed(check, 'they are of a newer release (S77)', 'Use that release: an older one refuses them.')
  }
}

async function examineKeys(db: Database, config: Config): Promise<Finding[]> {
  const check = 'encryption key'
  const keys = findEncryptionKeys(config)
  const canary = await findSetting(db, 'sealing_canary')
  const wanted = canary?.split('.')[1] ?? 'none yet'
  if (!keys)
    return [
      failed(check, `it is missing; the database wants ${wanted}`, 'Set MOORING_ENCRYPTION_KEY, or put its file back.'),
    ]
  try {
    if (canary !== undefined) requireCanary(createSealer(keys), canary)
  } catch (error) {
    return [failed(check, error instanceof Error ? error.message : String(error), 'Give the key that is named.')]
  }
  return [ok(check, `${sealingKeyId(keys.current)} opens the canary`), examineKeysInUse(keys, await countKeys(db))]
}

function examineKeysInUse(keys: SealerKeys, counts: ReadonlyMap<string, unknown>): Finding {
  const check = 'keys in use'
  const current = sealingKeyId(keys.current)
  const given = new Set([current, ...keys.old.map(sealingKeyId)])
  const used = [...counts.keys()]
  const missing = used.filter((id) => !given.has(id))
  if (missing.length > 0) {
    return failed(
      check,
      `values are sealed with ${missing.join(', ')}, which is not given`,
      'List that key in MOORING_OLD_ENCRYPTION_KEYS.',
    )
  }
  const old = used.filter((id) => id !== current)
  if (old.length > 0)
    return warning(check, `values are still sealed with ${old.join(', ')}`, 'Run `mooring-server keys rotate`.')
  return ok(check, `everything is sealed with ${current}`)
}

async function examineHome(db: Database, config: Config): Promise<Finding> {
  const check = 'home'
  return (await isQuietHere(db, config.databaseUrl)) === true
    ? warning(
        check,
        'the database is a copy: it starts quiet (S76)',
        'If it is to be the installation: `mooring-server serve --take-over`.',
      )
    : ok(check, 'the database is at home here')
}

async function examinePartitions(db: Database, now: number): Promise<Finding> {
  const check = 'partitions'
  const { partitionDaysAhead: days } = await measureWalls(db, now)
  if (Number.isNaN(days)) return ok(check, 'SQLite needs none')
  return days < leastDaysAhead
    ? failed(
        check,
        `there are partitions for ${days} days ahead (L11)`,
        'The hourly job does not run: look for its failure in the log.',
      )
    : ok(check, `there are partitions for ${days} days ahead`)
}
