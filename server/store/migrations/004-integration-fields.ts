import type { Kysely, Migration } from 'kysely'
import { columnTypes, createTable } from '../dialect/columns.ts'

/**
 * An integration's second token (R18), own certificates (S38), checks and checkout (R14), repository rules (R27b) and
 * proof of access (S25); VCS agent pools, by name and by row (R102, S28). Integrations that are there stay as they were:
 * not narrowed.
 */
export const integrationFields: Migration = { up }

async function up(db: Kysely<unknown>): Promise<void> {
  const { uuid, text, integer, long } = columnTypes(db)
  await createTable(db, 'vcs_agent_pool')
    .addColumn('id', uuid, (column) => column.primaryKey())
    .addColumn('slug', text, (column) => column.notNull())
    .addColumn('space_id', text, (column) => column.notNull().references('space.id'))
    .addColumn('labels', text, (column) => column.notNull())
    .addColumn('description', text, (column) => column.notNull())
    .addColumn('created_at', long, (column) => column.notNull())
    .addColumn('updated_at', long, (column) => column.notNull())
    .execute()
  await db.schema.createIndex('vcs_agent_pool_slug').unique().on('vcs_agent_pool').column('slug').execute()
  await db.schema.createIndex('vcs_agent_pool_space').on('vcs_agent_pool').column('space_id').execute()

  const integration = () => db.schema.alterTable('integration')
  await integration()
    .addColumn('vcs_checks', text, (column) => column.notNull().defaultTo('INDIVIDUAL'))
    .execute()
  for (const name of ['use_git_checkout', 'require_bitbucket_access']) {
    await integration()
      .addColumn(name, integer, (column) => column.notNull().defaultTo(0))
      .execute()
  }
  for (const name of ['ca_cert_pem', 'administration_token', 'repository_access']) {
    await integration().addColumn(name, text).execute()
  }
  // No foreign key: it is compared with the pool that bears the name now, which may be another.
  await integration().addColumn('vcs_agent_pool_id', uuid).execute()
  await db.schema.createIndex('integration_vcs_agent_pool').on('integration').column('vcs_agent_pool_id').execute()
}
