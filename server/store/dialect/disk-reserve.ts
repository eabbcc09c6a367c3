import { open, rm, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import pg from 'pg'
import { fileBesideDatabase } from './beside-database.ts'
import type { FreeSpace } from './free-space.ts'

const mib = 1024 * 1024
export const reserveBytes = 64 * mib

/**
 * `low`: under the low-water mark, so nothing but deliveries and what makes room is written. `full`: the disk refused a
 * write, so deliveries are refused, too, until there is room again (F6).
 */
export type DiskState = 'enough' | 'low' | 'full'

export interface DiskReserve {
  readonly state: DiskState
  /** Bytes that were free at the last look; undefined on PostgreSQL, whose disk is another machine's. */
  readonly freeBytes: number | undefined
  /** To be told of every failure of a statement: one for want of space gives the reserve up. */
  noticed(error: unknown): void
  /** Looks how much space there is. Called by `start` every few seconds. */
  look(): Promise<void>
  /** Looks now, makes the reserve, and keeps looking until `stop`. */
  start(): Promise<void>
  stop(): Promise<void>
}

export interface DiskReserveOptions {
  readonly databaseUrl: string
  /** 0 turns low-water mark and reserve off. */
  readonly lowWaterBytes: number
  readonly measure: () => Promise<FreeSpace | undefined>
  readonly now: () => number
  readonly onChange: (state: DiskState, freeBytes: number | undefined) => void
  readonly everyMs?: number
}

const everyMs = 5_000
/** How long after the last refusal PostgreSQL, of whose disk nothing else is known, is taken for full. */
const refusalMs = 15_000
const leastReserve = mib

/** Whether a statement failed because the disk under the database is full. */
export function isDiskFull(error: unknown): boolean {
  if (error instanceof SqliteDatabase.SqliteError) return error.code === 'SQLITE_FULL'
  if (error instanceof pg.DatabaseError) return error.code === '53100'
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

/**
 * Watches the disk under the database, and keeps a file of 64 MiB beside SQLite's (a quarter of the free space where
 * that is less). A full disk refuses even a DELETE: giving the file up first lets retention make room (measured).
 */
export function createDiskReserve(options: DiskReserveOptions): DiskReserve {
  const { lowWaterBytes, measure, now, onChange } = options
  const file = lowWaterBytes > 0 ? fileBesideDatabase(options.databaseUrl, 'reserve') : undefined
  let state: DiskState = 'enough'
  let free: FreeSpace | undefined
  let reserved = 0
  /** Of the reserve that was given up: so much has to be free twice over before it is made again. */
  let given = 0
  let refusedAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  function become(next: DiskState): void {
    if (next === state) return
    state = next
    onChange(state, free?.onDisk)
  }

  async function giveUp(): Promise<void> {
    if (file === undefined) return
    given = Math.max(given, reserved)
    reserved = 0
    await rm(file, { force: true })
  }

  /** Room to leave `full`: for the reserve and as much again, of which half is on the disk, where SQLite's log grows. */
  function hasRoom(space: FreeSpace | undefined): boolean {
    if (space === undefined) return now() - refusedAt > refusalMs
    const wanted = Math.max(given, leastReserve)
    return space.onDisk + space.inFile >= 2 * wanted && space.onDisk >= wanted / 2
  }

  async function lookOnce(): Promise<void> {
    const since = refusedAt
    free = await measure()
    // Smaller writes may still succeed where a larger one would not.
    if (state !== 'full' && free !== undefined && free.onDisk + free.inFile < leastReserve) return refuse()
    if (state === 'full' && (since !== refusedAt || !hasRoom(free))) return
    given = 0
    if (file !== undefined && reserved === 0 && free !== undefined) {
      reserved = await makeReserve(file, wantedReserve(free))
      free = await measure()
    }
    const usable = free === undefined ? Number.POSITIVE_INFINITY : free.onDisk + free.inFile
    become(lowWaterBytes > 0 && usable < lowWaterBytes ? 'low' : 'enough')
  }

  function look(): Promise<void> {
    looking ??= lookOnce()
      .catch((error) => noticed(error))
      .finally(() => {
        looking = undefined
      })
    return looking
  }

  function noticed(error: unknown): void {
    if (isDiskFull(error)) refuse()
  }

  function refuse(): void {
    refusedAt = now()
    const wasFull = state === 'full'
    become('full')
    if (!wasFull) void giveUp().catch(() => undefined)
  }

  return {
    get state() {
      return state
    },
    get freeBytes() {
      return free?.onDisk
    },
    noticed,
    look,
    start: async () => {
      await look()
      timer = setInterval(() => void look(), options.everyMs ?? everyMs).unref()
    },
    stop: async () => {
      clearInterval(timer)
      await looking
    },
  }
}

function wantedReserve({ onDisk }: FreeSpace): number {
  return Math.min(reserveBytes, Math.floor(onDisk / 4))
}

/** Gives the size of the reserve, which may be there from before; 0 where there is no room for one. */
async function makeReserve(file: string, wanted: number): Promise<number> {
  const present = await stat(file).catch(() => undefined)
  if (present && present.size >= leastReserve) return present.size
  if (wanted < leastReserve) return 0
  const handle = await open(file, 'w', 0o600)
  try {
    // Not zeros, and not a hole: only what is really written has its place.
    const piece = Buffer.alloc(mib, 'mooring keeps this space for the day when the disk is full. ')
    for (let written = 0; written < wanted; written += mib) await handle.write(piece)
    await handle.datasync()
    return wanted
  } catch (error) {
    await rm(file, { force: true })
    if (isDiskFull(error)) return 0
    throw error
  } finally {
    await handle.close()
  }
}

/** Bytes that are free where a file lies. */
export async function freeBytesOf(file: string): Promise<number> {
  const { bavail, bsize } = await statfs(dirname(file))
  return bavail * bsize
}
