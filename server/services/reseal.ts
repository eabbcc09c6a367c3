import { type Sealer, UnsealError } from '../core/sealer.ts'
import { inWriteTransaction } from '../store/dialect/transactions.ts'
import {
  countSealedValues,
  identityOf,
  listSealedValues,
  replaceSealedValue,
  type SealedColumn,
  type SealedValue,
  sealedColumns,
} from '../store/sealed-columns.ts'
import { lockSpaces } from '../store/spaces.ts'
import type { Database } from '../store/tables.ts'

/** The means of a rotation. */
export interface ResealDeps {
  readonly db: Database
  /** Seals with the newest key, and opens what any given key sealed. */
  readonly sealer: Sealer
  /** Opens what the newest key sealed, and nothing else. */
  readonly newest: Sealer
  /** Called after each batch with the number of values sealed anew so far. */
  readonly onProgress: (resealed: number) => Promise<void> | void
}

export interface ResealOutcome {
  readonly resealed: number
  /** How many values there are, each of which opened with the newest key alone. */
  readonly verified: number
  /** Values that no given key opens, as sentences that name the place and never the value. */
  readonly unopened: readonly string[]
  /** Values that others kept sealing with another key meanwhile. */
  readonly stillOld: number
}

/** Short, since a server on the same SQLite file waits while one is written. */
const batchSize = 100
/** Values that are written with an old key while a round goes on are found by the next. */
const mostRounds = 5

/**
 * Seals every sealed value with the newest key, while servers work (S43). A batch is one transaction, and what is
 * sealed with the newest key already is passed over, so whoever is killed in between goes on by starting again. A value
 * that was changed since it was read is never overwritten. In the end each value is opened with the newest key alone.
 */
export async function resealAll(deps: ResealDeps): Promise<ResealOutcome> {
  let resealed = 0
  let verified = { verified: 0, stillOld: 0 }
  const unopened = new Map<string, string>()
  for (let round = 0; round < mostRounds; round += 1) {
    for (const place of sealedColumns) {
      resealed += await resealColumn(deps, place, resealed, unopened)
    }
    verified = await verifyAll(deps, unopened)
    if (verified.stillOld === 0) break
  }
  return { resealed, ...verified, unopened: [...unopened.values()] }
}

/** Which keys sealed how many values: by key id, then by `table.column`. */
export async function countKeys(db: Database): Promise<Map<string, Map<string, number>>> {
  const keys = new Map<string, Map<string, number>>()
  for (const place of sealedColumns) {
    for (const [keyId, count] of await countSealedValues(db, place)) {
      const places = keys.get(keyId) ?? new Map<string, number>()
      keys.set(keyId, places.set(`${place.table}.${place.column}`, count))
    }
  }
  return keys
}

async function resealColumn(
  { db, sealer, onProgress }: ResealDeps,
  place: SealedColumn,
  before: number,
  unopened: Map<string, string>,
): Promise<number> {
  let resealed = 0
  let after: string | undefined
  for (;;) {
    const values = await listSealedValues(db, place, { after, limit: batchSize, besides: sealer.keyId })
    after = values.at(-1)?.id
    if (after === undefined) return resealed
    const anew = values.flatMap((value) => resealValue(sealer, place, value, unopened))
    resealed += await inWriteTransaction(db, async (transaction) => {
      await lockSpaces(transaction)
      let written = 0
      for (const { value, sealed } of anew) {
        if (await replaceSealedValue(transaction, place, value, sealed)) written += 1
      }
      return written
    })
    await onProgress(before + resealed)
  }
}

function resealValue(sealer: Sealer, place: SealedColumn, value: SealedValue, unopened: Map<string, string>) {
  const identity = identityOf(place, value)
  try {
    return [{ value, sealed: sealer.seal(identity, sealer.open(identity, value.sealed)) }]
  } catch (error) {
    if (!(error instanceof UnsealError)) throw error
    unopened.set(nameOf(place, value), error.message)
    return []
  }
}

/** Opens every value with the newest key alone; what that key sealed and does not open joins the unopened ones. */
async function verifyAll(
  { db, newest }: ResealDeps,
  unopened: Map<string, string>,
): Promise<{ verified: number; stillOld: number }> {
  let verified = 0
  let stillOld = 0
  for (const place of sealedColumns) {
    let after: string | undefined
    do {
      const values: SealedValue[] = await listSealedValues(db, place, { after, limit: 1_000 })
      for (const value of values) {
        const error = failureOf(newest, place, value)
        if (!error) verified += 1
        else if (unopened.has(nameOf(place, value))) continue
        else if (error.keyId === newest.keyId) unopened.set(nameOf(place, value), error.message)
        else stillOld += 1
      }
      after = values.at(-1)?.id
    } while (after !== undefined)
  }
  return { verified, stillOld }
}

function failureOf(sealer: Sealer, place: SealedColumn, value: SealedValue): UnsealError | undefined {
  try {
    sealer.open(identityOf(place, value), value.sealed)
    return undefined
  } catch (error) {
    if (error instanceof UnsealError) return error
    throw error
  }
}

function nameOf({ table, column }: SealedColumn, { id }: SealedValue): string {
  return JSON.stringify([table, id, column])
}
