import type { Kysely } from 'kysely'
import type {
  ApiKeyTable,
  BitbucketIdentityTable,
  IdempotencyKeyTable,
  SessionTable,
  UserRoleTable,
  UserTable,
} from './tables/access.ts'
import type { AuditHeadTable, AuditTable } from './tables/audit.ts'
import type { BodyKeyTable, DeliveryKeyTable, DeliveryTable } from './tables/deliveries.ts'
import type {
  IntegrationTable,
  RegistrationTable,
  VcsAgentPoolTable,
  WebhookSecretTable,
} from './tables/integrations.ts'
import type { JobScheduleTable, JobTable, WorkerHeartbeatTable } from './tables/jobs.ts'
import type { BuildStatusTable, RunTable } from './tables/runs.ts'
import type { SpaceRevisionTable, SpaceTable } from './tables/spaces.ts'
import type { StackTable } from './tables/stacks.ts'

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

/** Facts about the installation: its instance id, the sealed canary. */
interface SettingTable {
  key: string
  value: string
}
