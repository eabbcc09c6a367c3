import { rmSync, statSync } from 'node:fs'
import type { SealerKeys } from '../../core/sealer.ts'
import { sealingKeyId } from '../../core/sealer.ts'
import type { Database } from '../tables.ts'
import { type BackupContents, rowFault } from './backup-contents.ts'
import { type BackupFacts, digestOf, manifestFile, readManifest, writeManifest } from './backup-manifest.ts'
import { dumpCall, dumpPostgres, readPostgresDump } from './backup-postgres.ts'
import { copySqlite, makeOneFile, readSqliteCopy, requireSqliteFile, setInCopy } from './backup-sqlite.ts'
import { renameDurably } from './durable-files.ts'
import { holdDatabase } from './hold-database.ts'
import { type DatabaseKind, kindOfUrl } from './kind.ts'
import { openDatabase } from './open-database.ts'
import { lookAtPostgres, replacePostgres } from './restore-postgres.ts'
import { holdsSqliteData, placeBeside, removeCopy, replaceSqlite } from './restore-sqlite.ts'
import { sqliteFile } from './sqlite-connection.ts'

export interface BackupRequest {
  readonly databaseUrl: string
  /** Where the backup shall lie; its manifest lies beside it. */
  readonly file: string
  readonly keys: SealerKeys
  readonly version: string
  readonly now: () => number
  /** Throws where what the backup holds cannot be used: asked before the backup has its name. */
  readonly check: (contents: BackupContents, db: Database) => Promise<void>
}

/** What PostgreSQL's own program is called with; undefined for SQLite, which needs none. */
export function backupCall(url: string, file: string): string | undefined {
  return kindOfUrl(url) === 'postgres' ? dumpCall(url, file) : undefined
}

/**
 * Takes a backup while servers go on, proves the copy, and only then gives it its name (R210a). It equals one moment in
 * time, holds sealed values as they are, and never the key that opens them (S76).
 */
export async function takeBackup(request: BackupRequest): Promise<BackupFacts> {
  const { databaseUrl, file, keys, version } = request
  const kind = kindOfUrl(databaseUrl)
  const partial = `${file}.partial`
  try {
    const takenAt = new Date(request.now()).toISOString()
    const copying = kind === 'sqlite' ? copyOfSqlite(request, partial) : dumpOfPostgres(request, partial)
    const { rows, contents } = await copying
    const fault = rowFault(rows, contents.rows)
    if (fault !== undefined) throw new Error(`The copy is not what was copied. ${fault}`)
    const facts: BackupFacts = {
      format: 1,
      kind,
      takenAt,
      version,
      instanceId: contents.instanceId ?? '',
      migrations: [...contents.migrations],
      rows,
      size: statSync(partial).size,
      sha256: await digestOf(partial),
      keyId: sealingKeyId(keys.current),
    }
    // A backup that has its name has its manifest, too.
    writeManifest(file, facts, keys.current)
    renameDurably(partial, file)
    return facts
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${partial}${suffix}`, { force: true })
  }
}

interface Copied {
  /** As counted in what was copied. */
  readonly rows: Record<string, number>
  readonly contents: BackupContents
}

async function copyOfSqlite({ databaseUrl, check }: BackupRequest, partial: string): Promise<Copied> {
  const rows = await copySqlite(sqliteFile(databaseUrl), partial)
  const contents = readSqliteCopy(partial)
  await withDatabase(`sqlite:${partial}`, (db) => check(contents, db))
  makeOneFile(partial)
  return { rows, contents }
}

async function dumpOfPostgres({ databaseUrl, check }: BackupRequest, partial: string): Promise<Copied> {
  const rows = await withDatabase(databaseUrl, (db) => dumpPostgres(db, databaseUrl, partial))
  const contents = await readPostgresDump(partial)
  await withDatabase(databaseUrl, (db) => check(contents, db))
  return { rows, contents }
}

export interface RestoreRequest {
  readonly databaseUrl: string
  readonly file: string
  readonly keys: SealerKeys
  /** Whether data that is there may be replaced. */
  readonly replace: boolean
  /** Whether a backup without a manifest, made by hand, is taken for what it says it is. */
  readonly withoutManifest: boolean
  readonly now: () => number
  /** Throws where the backup must not be restored: asked before anything is replaced. */
  readonly check: (contents: BackupContents) => void
  /** Throws where what was restored cannot be used. On SQLite it is asked of the copy, before that takes its place. */
  readonly checkRestored: (db: Database) => Promise<void>
  /** The facts that the restored installation shall have: it is at home nowhere. */
  readonly settings: Readonly<Record<string, string>>
}

export interface Restored {
  readonly contents: BackupContents
  readonly facts: BackupFacts | undefined
  /** Where the replaced SQLite database lies now. */
  readonly kept: string | undefined
}

/** Restores a backup. Whatever is wrong with it, or with the keys, is found before anything is replaced (R210a, F24). */
export async function restoreBackup(request: RestoreRequest): Promise<Restored> {
  const { databaseUrl, file, keys } = request
  const kind = kindOfUrl(databaseUrl)
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new Error(`There is no backup ${file}.`)
  const facts = readManifest(file, keys)
  if (facts) await requireSameFile(file, facts, kind)
  else if (!request.withoutManifest) {
    throw new Error(
      `${manifestFile(file)} is missing, so nothing says whether ${file} is whole. Put it there, or restore with --without-manifest if the file was made by hand and you trust it.`,
    )
  }
  return kind === 'sqlite' ? restoreSqlite(request, facts) : restorePostgres(request, facts)
}

async function requireSameFile(file: string, facts: BackupFacts, kind: DatabaseKind): Promise<void> {
  if (facts.kind !== kind) throw new Error(`${file} is a backup of ${facts.kind}; MOORING_DATABASE_URL names ${kind}.`)
  const { size } = statSync(file)
  if (size !== facts.size) throw new Error(`${file} was cut: it has ${size} bytes instead of ${facts.size}.`)
  if ((await digestOf(file)) !== facts.sha256)
    throw new Error(`${file} is damaged: its bytes are not those of the backup.`)
}

async function restoreSqlite(request: RestoreRequest, facts: BackupFacts | undefined): Promise<Restored> {
  const file = sqliteFile(request.databaseUrl)
  const hold = holdDatabase(request.databaseUrl)
  try {
    if (holdsSqliteData(file) && !request.replace) throw holdsData(file)
    requireSqliteFile(request.file)
    const copy = placeBeside(request.file, file)
    const contents = readSqliteCopy(copy)
    requireRows(contents, facts)
    request.check(contents)
    await withDatabase(`sqlite:${copy}`, request.checkRestored)
    for (const [key, value] of Object.entries(request.settings)) setInCopy(copy, key, value)
    makeOneFile(copy)
    const stamp = new Date(request.now()).toISOString().replaceAll(/[:.]/g, '-')
    return { contents, facts, kept: replaceSqlite(file, stamp) }
  } finally {
    removeCopy(file)
    hold.release()
  }
}

async function restorePostgres(request: RestoreRequest, facts: BackupFacts | undefined): Promise<Restored> {
  const { databaseUrl, file } = request
  const contents = await readPostgresDump(file)
  requireRows(contents, facts)
  request.check(contents)
  const target = await lookAtPostgres(databaseUrl)
  if (target.tables > 0 && !request.replace) throw holdsData('The database')
  if (target.servers > 0) {
    throw new Error(`Servers hold ${target.servers} connections to the database: stop them before you restore.`)
  }
  await replacePostgres(databaseUrl, file, contents.rows, request.settings)
  await withDatabase(databaseUrl, request.checkRestored)
  return { contents, facts, kept: undefined }
}

function requireRows(contents: BackupContents, facts: BackupFacts | undefined): void {
  const fault = facts && rowFault(facts.rows, contents.rows)
  if (fault !== undefined) throw new Error(`The backup is not what was backed up. ${fault}`)
}

function holdsData(what: string): Error {
  return new Error(`${what} holds data. Restore into an empty place, or say --replace to put the backup in its place.`)
}

async function withDatabase<Result>(url: string, act: (db: Database) => Promise<Result>): Promise<Result> {
  const db = openDatabase(url)
  try {
    return await act(db)
  } finally {
    await db.destroy()
  }
}
