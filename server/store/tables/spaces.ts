import type { Bit, EpochMs, Json } from './column-types.ts'

export interface SpaceTable {
  /** The slug. */
  id: string
  name: string
  parent_id: string | null
  inherit_entities: Bit
  labels: Json
  description: string
  created_at: EpochMs
}

/** One row, whose token changes with the tree of spaces (F20). */
export interface SpaceRevisionTable {
  id: number
  token: string
}
