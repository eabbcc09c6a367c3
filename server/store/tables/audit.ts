import type { EpochMs, Json, Uuid } from './column-types.ts'

export interface AuditTable {
  id: Uuid
  at: EpochMs
  actor: string
  action: string
  object: string
  details: Json
  /** Unique where set: what is recorded once however often it happens (R12). */
  once_key: string | null
  /** The row's place in the chain, from 1, and the order of the log (S71). Null: written by an earlier release. */
  sequence: number | null
  /** Seals the row and all before it. */
  mac: string | null
  /** The id of the key that sealed it. */
  mac_key: string | null
}

/** One row: where the chain of the audit log ends. */
export interface AuditHeadTable {
  id: number
  sequence: number
  mac: string
}
