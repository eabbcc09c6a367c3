import type { Generated } from 'kysely'
import type { Role } from '../../../schemas/api-key.ts'
import type { EpochMs, Json, Uuid } from './column-types.ts'

export interface ApiKeyTable {
  id: Uuid
  name: string
  /** `bootstrap` may create one key, once (S18); `user`: the roles are the user's. */
  role: Role | 'user' | 'bootstrap'
  space_id: string
  secret_sha256: string
  created_at: EpochMs
  expires_at: EpochMs | null
  last_used_at: EpochMs | null
  revoked_at: EpochMs | null
  user_id: Uuid | null
  /** The slugs of the only integrations that it may touch (S67). */
  integrations: Json | null
  /** Counts what ends the tokens made before. */
  generation: Generated<number>
}

export interface UserTable {
  id: Uuid
  name: string
  created_at: EpochMs
  updated_at: EpochMs
}

export interface UserRoleTable {
  user_id: Uuid
  role: Role
  space_id: string
}

/** Who in Bitbucket a user is: by numeric id, never by name (S54). */
export interface BitbucketIdentityTable {
  integration_id: Uuid
  bitbucket_user_id: number
  user_id: Uuid
  created_at: EpochMs
}

/** A sign-in to the UI (R206, S19). */
export interface SessionTable {
  id: Uuid
  api_key_id: Uuid
  created_at: EpochMs
  last_used_at: EpochMs
}

/** A write that was asked for with an Idempotency-Key, and its answer once there is one, without secrets (R202, S22). */
export interface IdempotencyKeyTable {
  api_key_id: Uuid
  key: string
  /** HMAC-SHA256 of the request. */
  request_digest: string
  grants_digest: string
  /** Set while somebody works on it. */
  lease: Uuid | null
  lease_until: EpochMs | null
  /** Null until it is answered. */
  status: number | null
  answer: Json | null
  expires_at: EpochMs
}
