/** Columns that hold more than their type says. */
export type Bit = 0 | 1
export type Uuid = string
/** JSON text. */
export type Json = string
/** What the sealer wrote (R10, S41). */
export type Sealed = string
export type EpochMs = number
