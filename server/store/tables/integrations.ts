import type { Generated } from 'kysely'
import type { Bit, EpochMs, Json, Sealed, Uuid } from './column-types.ts'

export interface IntegrationTable {
  /** The row's identity; a re-created integration has another (R3). */
  id: Uuid
  slug: string
  name: string
  is_default: Bit
  space_id: string
  api_host: string
  /** Null: follows api_host (R19). */
  user_facing_host: string | null
  username: string
  access_token: Sealed
  labels: Json
  description: string
  allow_detach_on_destroy: Bit
  vcs_checks: Generated<'INDIVIDUAL' | 'AGGREGATED' | 'ALL'>
  use_git_checkout: Generated<Bit>
  require_bitbucket_access: Generated<Bit>
  ca_cert_pem: string | null
  /** For calls of webhooks and nothing else (S29). */
  administration_token: Sealed | null
  /** The rules of R27b; null: every repository that the token reads. */
  repository_access: Json | null
  /** The pool that api_host named when the tokens came with it (S28); null where it is public. */
  vcs_agent_pool_id: Uuid | null
  created_at: EpochMs
  updated_at: EpochMs
}

export interface VcsAgentPoolTable {
  /** The row's identity; a pool that is created again has another (S28). */
  id: Uuid
  /** The name in `private://<name>`. */
  slug: string
  space_id: string
  labels: Json
  description: string
  created_at: EpochMs
  updated_at: EpochMs
}

export interface WebhookSecretTable {
  id: Uuid
  integration_id: Uuid
  version: number
  secret: Sealed
  /** Null for the newest; a past time ends it (R36). */
  valid_until: EpochMs | null
  created_at: EpochMs
}

export interface RegistrationTable {
  id: Uuid
  integration_id: Uuid
  project_key: string
  repository_slug: string
  repository_id: number
  webhook_id: number | null
  secret_version: number | null
  observed: 'in_sync' | 'drifted' | 'missing'
  drift: Json
  managed_by: 'service' | 'server' | 'terraform'
  reported_at: EpochMs
}
