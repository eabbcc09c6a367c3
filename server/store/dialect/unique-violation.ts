import pg from 'pg'

/** Each unique index, and how SQLite names it: by its columns. */
const uniqueIndexes = {
  space_pkey: 'space.id',
  integration_slug: 'integration.slug',
  integration_default: 'integration.is_default',
  webhook_secret_version: 'webhook_secret.integration_id, webhook_secret.version',
  vcs_agent_pool_slug: 'vcs_agent_pool.slug',
  stack_slug: 'stack.kind, stack.slug',
  delivery_key_request: 'delivery_key.integration_id, delivery_key.request_id, delivery_key.body_digest',
  body_key_digest: 'body_key.integration_id, body_key.secret_version, body_key.body_digest',
  run_key: 'run.stack_id, run.run_key',
  run_tracked: 'run.stack_id',
  build_status_key:
    'build_status.integration_id, build_status.repository_id, build_status.commit_sha, build_status.status_key',
  registration_repository: 'registration.integration_id, registration.repository_id',
  api_key_pkey: 'api_key.id',
  bitbucket_identity_pkey: 'bitbucket_identity.integration_id, bitbucket_identity.bitbucket_user_id',
  audit_once: 'audit.once_key',
  setting_pkey: 'setting.key',
} as const satisfies Record<string, string>

export type UniqueIndex = keyof typeof uniqueIndexes

/** Whether a statement failed because a row with that key is there already. */
export function isUniqueViolation(error: unknown, index: UniqueIndex): boolean {
  if (error instanceof pg.DatabaseError) return error.code === '23505' && error.constraint === index
  if (!(error instanceof Error) || !('code' in error)) return false
  const isUnique = error.code === 'SQLITE_CONSTRAINT_UNIQUE' || error.code === 'SQLITE_CONSTRAINT_PRIMARYKEY'
  return isUnique && error.message === `UNIQUE constraint failed: ${uniqueIndexes[index]}`
}
