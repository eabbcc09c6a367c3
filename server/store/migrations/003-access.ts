import { type Kysely, type Migration, sql } from 'kysely'
import { columnTypes, createTable } from '../dialect/columns.ts'
import type { Tables } from '../tables.ts'

/** Users with roles and Bitbucket identities (R205), keys that are theirs or a service's, sessions of the UI (R206). */
export const access: Migration = { up }

async function up(db: Kysely<unknown>): Promise<void> {
  const { uuid, text, integer, long } = columnTypes(db)
  await createTable(db, 'user_account')
    .addColumn('id', uuid, (column) => column.primaryKey())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('created_at', long, (column) => column.notNull())
    .addColumn('updated_at', long, (column) => column.notNull())
    .execute()
  await createTable(db, 'user_role')
    .addColumn('user_id', uuid, (column) => column.notNull().references('user_account.id').onDelete('cascade'))
    .addColumn('role', text, (column) => column.notNull())
    .addColumn('space_id', text, (column) => column.notNull().references('space.id'))
    .addPrimaryKeyConstraint('user_role_pkey', ['user_id', 'role', 'space_id'])
    .execute()
  await db.schema.createIndex('user_role_space').on('user_role').column('space_id').execute()
  await createTable(db, 'bitbucket_identity')
    .addColumn('integration_id', uuid, (column) => column.notNull().references('integration.id').onDelete('cascade'))
    .addColumn('bitbucket_user_id', long, (column) => column.notNull())
    .addColumn('user_id', uuid, (column) => column.notNull().references('user_account.id').onDelete('cascade'))
    .addColumn('created_at', long, (column) => column.notNull())
    .addPrimaryKeyConstraint('bitbucket_identity_pkey', ['integration_id', 'bitbucket_user_id'])
    .execute()
  await db.schema.createIndex('bitbucket_identity_user').on('bitbucket_identity').column('user_id').execute()
  await createTable(db, 'session')
    .addColumn('id', uuid, (column) => column.primaryKey())
    .addColumn('api_key_id', uuid, (column) => column.notNull().references('api_key.id').onDelete('cascade'))
    .addColumn('created_at', long, (column) => column.notNull())
    .addColumn('last_used_at', long, (column) => column.notNull())
    .execute()
  await db.schema.createIndex('session_key').on('session').column('api_key_id').execute()
  await db.schema.alterTable('api_key').addColumn('user_id', uuid).execute()
  await db.schema.alterTable('api_key').addColumn('integrations', text).execute()
  await db.schema
    .alterTable('api_key')
    .addColumn('generation', integer, (column) => column.notNull().defaultTo(1))
    .execute()
  await db.schema.createIndex('api_key_user').on('api_key').column('user_id').execute()
  // A root admin is an admin of the root space.
  await db
    .withTables<Pick<Tables, 'api_key'>>()
    .updateTable('api_key')
    .set({ role: 'admin' })
    .where(sql`role`, '=', 'root-admin')
    .execute()
}
