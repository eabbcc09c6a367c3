import { existsSync } from 'node:fs'
import { type Config, dangersOf } from '../config.ts'
import { bootstrapKeyFile } from '../hand-out-bootstrap-key.ts'
import { examinePostgres } from '../store/dialect/examine-postgres.ts'
import { examineSqlite } from '../store/dialect/examine-sqlite.ts'
import { kindOfUrl } from '../store/dialect/kind.ts'
import { megabytes } from './command-context.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

const toleratedDriftMs = 1_000
/** What one process holds at most (L36). */
const connectionsOfAProcess = 11

/** Judges the configuration itself: what is dangerous, and whether Bitbucket could reach the address. */
export function examineConfig(config: Config): Finding[] {
  const dangers = dangersOf(config).map((danger) =>
    warning('dangerous setting', danger, 'Change it unless this is a test: docs/configuration.md says what it does.'),
  )
  return [ok('configuration', 'every variable is valid'), ...dangers, examinePublicUrl(config.publicUrl)]
}

function examinePublicUrl(publicUrl: string | undefined): Finding {
  const check = 'public URL'
  const remedy = 'Set MOORING_PUBLIC_URL to the https address at which Bitbucket reaches the server.'
  if (publicUrl === undefined) return warning(check, 'not set: webhooks have no address', remedy)
  const { protocol, hostname } = new URL(publicUrl)
  if (/^(localhost|127\.|\[::1\]|0\.0\.0\.0)/.test(hostname)) {
    return failed(check, `${publicUrl} means the reader’s own machine: Bitbucket would call itself`, remedy)
  }
  if (protocol !== 'https:') return warning(check, `${publicUrl} is not encrypted`, remedy)
  if (!hostname.includes('.')) return warning(check, `${publicUrl} has a name without a domain`, remedy)
  return ok(check, `${publicUrl} has the form of an address that others reach`)
}

/** Judges the place of the database before anything in it is read. */
export async function examinePlace(config: Config): Promise<Finding[]> {
  return kindOfUrl(config.databaseUrl) === 'sqlite' ? examineFile(config) : examineServer(config)
}

async function examineFile(config: Config): Promise<Finding[]> {
  const facts = await examineSqlite(config.databaseUrl)
  const lowWater = config.diskLowWaterMib * 1024 * 1024
  return [
    ok('database', `SQLite ${facts.version}, ${facts.file}, ${facts.holder ?? 'nobody'} serves it`),
    facts.networkFileSystem === undefined
      ? ok('file system', 'the database lies on no network file system')
      : warning(
          'file system',
          `the database lies on ${facts.networkFileSystem}, whose locks and flushes SQLite cannot rely on (F7)`,
          'Move it to a local disk, or use PostgreSQL.',
        ),
    facts.exposed.length === 0
      ? ok('file modes', 'database, log and keys are their owner’s alone')
      : failed(
          'file modes',
          facts.exposed.join('; '),
          'chmod 600 the files, chmod 700 the folder, chown both to the server.',
        ),
    facts.freeBytes < lowWater
      ? failed(
          'disk',
          `${megabytes(facts.freeBytes)} free, under the low-water mark of ${megabytes(lowWater)}: nothing but deliveries is written`,
          'Make room, or move the database to a larger disk.',
        )
      : ok('disk', `${megabytes(facts.freeBytes)} free`),
    ok('clock', 'database and server share one'),
  ]
}

async function examineServer(config: Config): Promise<Finding[]> {
  const facts = await examinePostgres(config.databaseUrl)
  const free = facts.maxConnections - facts.usedConnections
  return [
    ok('database', `PostgreSQL ${facts.version}`),
    facts.isStandby
      ? failed('role', 'the database is a read-only stand-by', 'Point MOORING_DATABASE_URL at the primary.')
      : ok('role', 'the database can be written'),
    facts.fsync === 'on' && facts.synchronousCommit !== 'off'
      ? ok('durability', `fsync ${facts.fsync}, synchronous_commit ${facts.synchronousCommit}`)
      : failed(
          'durability',
          `fsync ${facts.fsync}, synchronous_commit ${facts.synchronousCommit}: an acknowledged delivery could be lost (F3)`,
          'Turn both on; the server refuses to work without them.',
        ),
    facts.hasLz4
      ? ok('compression', 'lz4 is there')
      : warning(
          'compression',
          'this build of PostgreSQL lacks lz4: bodies are compressed with pglz, slower (L14)',
          'Use a build with --with-lz4; Debian’s and the official image have it.',
        ),
    free < connectionsOfAProcess
      ? warning(
          'connections',
          `${facts.usedConnections} of ${facts.maxConnections} are taken; a server takes up to ${connectionsOfAProcess} (L36)`,
          'Raise max_connections, or run fewer servers.',
        )
      : ok('connections', `${facts.usedConnections} of ${facts.maxConnections} are taken`),
    examinePooler(config, facts.isPooled),
    Math.abs(facts.clockAheadMs) > toleratedDriftMs
      ? warning(
          'clock',
          `the database’s clock is ${Math.round(facts.clockAheadMs)} ms ahead of ours`,
          'Run chrony or systemd-timesyncd on both machines.',
        )
      : ok('clock', `the database’s clock is ${Math.round(facts.clockAheadMs)} ms ahead of ours`),
  ]
}

function examinePooler(config: Config, isPooled: boolean): Finding {
  if (!isPooled) return ok('pooler', 'no pooler in transaction mode')
  const missing = [
    ...(config.preparedStatements ? ['set MOORING_PREPARED_STATEMENTS=off'] : []),
    ...(config.databaseListenUrl === undefined ? ['set MOORING_DATABASE_LISTEN_URL to PostgreSQL itself'] : []),
  ]
  return missing.length === 0
    ? ok('pooler', 'a pooler in transaction mode, and the server is set up for it')
    : failed(
        'pooler',
        'a pooler in transaction mode stands before the database (L36)',
        `Then ${missing.join(' and ')}.`,
      )
}

/** Judges what the first start leaves for the first administrator. */
export function examineBootstrapKey(config: Config, isThereAnAdmin: boolean): Finding {
  const check = 'bootstrap key'
  const file = bootstrapKeyFile(config)
  if (!isThereAnAdmin)
    return warning(check, 'there is no root admin yet', 'Create one with the bootstrap key: docs/operations.md.')
  if (config.bootstrapKey)
    return warning(check, 'MOORING_BOOTSTRAP_KEY is still set', 'Remove it: there is a root admin.')
  if (file !== undefined && existsSync(file))
    return warning(check, `${file} is still there`, 'Remove it: there is a root admin.')
  return ok(check, 'none is left over')
}
