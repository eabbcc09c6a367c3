import type { Generated, Kysely } from 'kysely'
import type { Role } from '../../schemas/api-key.ts'

/**
 * The tables, one type for both databases. Ids of rows that grow with traffic are UUIDv7 made in the
 * process (L10); every one of those tables carries the integration's row id (L30). Times are epoch
 * milliseconds, `Bit` stands for a boolean, `Json` columns hold JSON text, `Sealed` ones what the sealer wrote (R10, S41).
 */
export interface Tables {
  readonly setting: SettingTable
  readonly space: SpaceTable
  readonly space_revision: SpaceRevisionTable
  readonly integration: IntegrationTable
  readonly webhook_secret: WebhookSecretTable
  readonly vcs_agent_pool: VcsAgentPoolTable
  readonly stack: StackTable
  readonly delivery: DeliveryTable
  readonly delivery_key: DeliveryKeyTable
  readonly body_key: BodyKeyTable
  readonly run: RunTable
  readonly build_status: BuildStatusTable
  readonly registration: RegistrationTable
  readonly api_key: ApiKeyTable
  readonly user_account: UserTable
  readonly user_role: UserRoleTable
  readonly bitbucket_identity: BitbucketIdentityTable
  readonly session: SessionTable
  readonly audit: AuditTable
  readonly job_schedule: JobScheduleTable
  readonly job: JobTable
  readonly worker_heartbeat: WorkerHeartbeatTable
  readonly audit_head: AuditHeadTable
  readonly idempotency_key: IdempotencyKeyTable
}

export type Database = Kysely<Tables>

export type Bit = 0 | 1
type Uuid = string
type Json = string
type Sealed = string
type EpochMs = number

/** Facts about the installation: its instance id, the sealed canary. */
interface SettingTable {
  key: string
  value: string
}

interface SpaceTable {
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
interface SpaceRevisionTable {
  id: number
  token: string
}

interface IntegrationTable {
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

interface VcsAgentPoolTable {
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

interface WebhookSecretTable {
  id: Uuid
  integration_id: Uuid
  version: number
  secret: Sealed
  /** Null for the newest; a past time ends it (R36). */
  valid_until: EpochMs | null
  created_at: EpochMs
}

interface StackTable {
  id: Uuid
  /** A module is a stack without state of its own: everything else is the same. */
  kind: Generated<'stack' | 'module'>
  /** Unique among those of its kind. */
  slug: string
  name: string
  space_id: string
  branch: string
  project_root: string
  /** `project_root` in the form in which roots are compared. */
  normal_root: string
  labels: Json
  description: string
  /** Null: not attached, or detached. */
  integration_id: Uuid | null
  uses_default: Bit
  project_key: string | null
  repository_slug: string | null
  /** `PROJECT/slug`, project in upper case: how repositories without a known id are found (R47). */
  repository_key: string | null
  repository_id: number | null
  /** Whether Bitbucket has shown repository and branch (R29). */
  verified: Generated<Bit>
  /** `stack`: written inside the stack or module. */
  managed_by: 'stack' | 'attachment' | null
  attached_at: EpochMs | null
  detached: Bit
  detached_reason: string | null
  detached_at: EpochMs | null
  head_commit: string | null
  created_at: EpochMs
}

interface DeliveryTable {
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
interface DeliveryKeyTable {
  integration_id: Uuid
  request_id: string
  body_digest: string
  delivery_id: Uuid
  duplicates: number
  last_duplicate_at: EpochMs | null
  created_at: EpochMs
}

/** One row per processed body, so that a replay under a new request id is found (S2). */
interface BodyKeyTable {
  integration_id: Uuid
  secret_version: number
  body_digest: string
  delivery_id: Uuid
  created_at: EpochMs
}

interface RunTable {
  id: Uuid
  integration_id: Uuid
  stack_id: Uuid
  type: 'TRACKED' | 'PROPOSED' | 'MODULE'
  state: string
  state_reason: string | null
  commit_sha: string
  branch: string
  /** Unique per stack; null for what a person starts (R62). */
  run_key: string | null
  delivery_id: Uuid | null
  created_at: EpochMs
  updated_at: EpochMs
}

/** The outbox of build statuses: one row per commit and key, the newest state wins (L23). */
interface BuildStatusTable {
  id: Uuid
  integration_id: Uuid
  project_key: string
  repository_slug: string
  repository_id: number
  commit_sha: string
  status_key: string
  state: 'INPROGRESS' | 'SUCCESSFUL' | 'FAILED' | 'CANCELLED'
  url: string
  name: string
  description: string
  ref: string
  /** Counts the changes; `sent_revision` is the last that Bitbucket has. */
  revision: number
  sent_revision: number
  attempts: number
  not_before: EpochMs
  error: string | null
  created_at: EpochMs
  updated_at: EpochMs
}

interface RegistrationTable {
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

interface ApiKeyTable {
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

interface UserTable {
  id: Uuid
  name: string
  created_at: EpochMs
  updated_at: EpochMs
}

interface UserRoleTable {
  user_id: Uuid
  role: Role
  space_id: string
}

/** Who in Bitbucket a user is: by numeric id, never by name (S54). */
interface BitbucketIdentityTable {
  integration_id: Uuid
  bitbucket_user_id: number
  user_id: Uuid
  created_at: EpochMs
}

/** A sign-in to the UI (R206, S19). */
interface SessionTable {
  id: Uuid
  api_key_id: Uuid
  created_at: EpochMs
  last_used_at: EpochMs
}

interface AuditTable {
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
interface AuditHeadTable {
  id: number
  sequence: number
  mac: string
}

/** A write that was asked for with an Idempotency-Key, and its answer once there is one, without secrets (R202, S22). */
interface IdempotencyKeyTable {
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

/** The newest slot of each scheduled task for which a job was added: a number of periods since 1970. */
interface JobScheduleTable {
  task: string
  slot: number
}

/** The queue of slow, retried and scheduled work; on SQLite only: PostgreSQL has graphile-worker's own tables (L2). */
interface JobTable {
  /** UUIDv7. */
  id: string
  task: string
  speed: 'short' | 'slow'
  state: 'waiting' | 'running' | 'dead'
  lane: string | null
  key: string | null
  payload: Json
  run_at: EpochMs
  attempts: number
  max_attempts: number
  /** Set while it runs, when its key was added again: it is not tried again. */
  superseded: Bit
  error: string | null
  created_at: EpochMs
}

/** Who runs jobs, and when they last said so, by the database's own clock; on PostgreSQL only (L9). */
interface WorkerHeartbeatTable {
  worker_id: string
  seen_at: Date
}
