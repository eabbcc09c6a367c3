import type { EpochMs, Json, Uuid } from './column-types.ts'

export interface DeliveryTable {
  id: Uuid
  integration_id: Uuid
  request_id: string | null
  event_key: string
  /** The kept headers (R44), by lower-case name. */
  headers: Json
  received_at: EpochMs
  size: number
  secret_version: number
  /** HMAC-SHA256 of the body under that secret, in hex: the body's digest (S2). */
  body_digest: string
  body: Uint8Array
  state: 'queued' | 'processed'
  /** Until then one process works on it. */
  lease_until: EpochMs | null
  /** Not to be claimed before. */
  not_before: EpochMs
  attempts: number
  verdict: string | null
  reason: string | null
  detail: string | null
  processed_at: EpochMs | null
}

/** One row per request id and body of an integration, kept 48 h on PostgreSQL (R35, L12). */
export interface DeliveryKeyTable {
  integration_id: Uuid
  request_id: string
  body_digest: string
  delivery_id: Uuid
  duplicates: number
  last_duplicate_at: EpochMs | null
  created_at: EpochMs
}

/** One row per processed body, so that a replay under a new request id is found (S2). */
export interface BodyKeyTable {
  integration_id: Uuid
  secret_version: number
  body_digest: string
  delivery_id: Uuid
  created_at: EpochMs
}
