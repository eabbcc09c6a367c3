import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { Clock } from './core/clock.ts'
import { type DatabaseClock, startDatabaseClock } from './store/dialect/database-clock.ts'
import { createDiskReserve, type DiskReserve } from './store/dialect/disk-reserve.ts'
import { findNetworkFileSystem } from './store/dialect/file-system-kind.ts'
import { measureFreeSpace } from './store/dialect/free-space.ts'
import { holdDatabase } from './store/dialect/hold-database.ts'
import { openDatabase } from './store/dialect/open-database.ts'
import { migrate } from './store/migrate.ts'
import type { Database } from './store/tables.ts'

export interface Storage {
  readonly db: Database
  readonly disk: DiskReserve
  /** For what two servers compare: leases and waits. */
  readonly databaseClock: DatabaseClock
}

export const diskFull = 'the disk under the database is full: deliveries are refused until there is space'
export const diskLow = 'the disk under the database is nearly full: nothing but deliveries is written'
const clockIsWrong =
  'the clock of this machine and the database’s are more than a minute apart: tokens may expire early or late'
const onNetworkFileSystem =
  'the database lies on a network file system, whose locks and flushes SQLite cannot rely on: move it, or use PostgreSQL'

/** On PostgreSQL no statement waits longer for its answer: nothing that the server does while it serves takes as long. */
const statementTimeoutMs = 8_000

/**
 * Takes the database for this process, brings its tables up to date and watches its disk and clock. What was opened is
 * pushed to `cleanups`, to be closed in the reverse order, also where a step fails.
 */
export async function openStorage(
  config: Config,
  clock: Clock,
  log: Logger,
  cleanups: (() => Promise<void> | void)[],
): Promise<Storage> {
  const networkFileSystem = findNetworkFileSystem(config.databaseUrl)
  if (networkFileSystem !== undefined) log.warn({ networkFileSystem }, onNetworkFileSystem)
  const hold = holdDatabase(config.databaseUrl)
  cleanups.push(() => hold.release())
  const db = openDatabase(
    config.databaseUrl,
    (error) => log.warn({ err: error }, 'database connection lost'),
    (error) => disk.noticed(error),
    statementTimeoutMs,
  )
  cleanups.push(() => db.destroy())
  const disk = watchDisk(config, db, clock, log)
  cleanups.push(() => disk.stop())
  await migrateWithoutHaste(config.databaseUrl, clock)
  await disk.start()
  const databaseClock = await startDatabaseClock(db, clock, (driftMs) => log.warn({ driftMs }, clockIsWrong))
  cleanups.push(() => databaseClock.stop())
  return { db, disk, databaseClock }
}

/** Brings the tables up to date, through a connection on which statements may take their time. */
async function migrateWithoutHaste(databaseUrl: string, clock: Clock): Promise<void> {
  const db = openDatabase(databaseUrl)
  try {
    await migrate(db, clock.now())
  } finally {
    await db.destroy()
  }
}

/** Watches the disk under the database, and says what follows from its state (F6). */
function watchDisk(config: Config, db: Database, clock: Clock, log: Logger): DiskReserve {
  return createDiskReserve({
    databaseUrl: config.databaseUrl,
    lowWaterBytes: config.diskLowWaterMib * 1024 * 1024,
    measure: () => measureFreeSpace(db, config.databaseUrl),
    now: clock.now,
    onChange: (state, freeBytes) => {
      if (state === 'enough') log.info({ freeBytes }, 'there is enough space on the disk again')
      else log.error({ freeBytes }, state === 'full' ? diskFull : diskLow)
    },
  })
}
