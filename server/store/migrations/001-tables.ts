import { randomUUID } from 'node:crypto'
import { type Kysely, type Migration, sql } from 'kysely'
import { columnTypes, compressColumn, createTable, createTableByTime, vacuumEagerly } from '../dialect/columns.ts'
import type { Tables } from '../tables.ts'

/** The tables of the first release, the root space, and the installation's id. */
export const tables: Migration = { up }

async function up(db: Kysely<unknown>): Promise<void> {
  await createSpaces(db)
  await createIntegrations(db)
  await createStacks(db)
  await createDeliveries(db)
  await createRuns(db)
  await createWebhookTables(db)
  await createAccounts(db)
  await insertFirstRows(db.withTables<Pick<Tables, 'space' | 'setting'>>())
}

async function createSpaces(db: Kysely<unknown>): Promise<void> {
  const { text, integer, long } = columnTypes(db)
  await createTable(db, 'setting')
    .addColumn('key', text, (column) => column.primaryKey())
    .addColumn('value', text, (column) => column.notNull())
    .execute()
  await createTable(db, 'space')
    .addColumn('id', text, (column) => column.primaryKey())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('parent_id', text, (column) => column.references('space.id'))
    .addColumn('inherit_entities', integer, (column) => column.notNull())
    .addColumn('labels', text, (column) => column.notNull())
    .addColumn('description', text, (column) => column.notNull())
    .addColumn('created_at', long, (column) => column.notNull())
    .execute()
  await db.schema.createIndex('space_parent').on('space').column('parent_id').execute()
}

async function createIntegrations(db: Kysely<unknown>): Promise<void> {
  const { uuid, text, integer, long } = columnTypes(db)
  await createTable(db, 'integration')
    .addColumn('id', uuid, (column) => column.primaryKey())
    .addColumn('slug', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('is_default', integer, (column) => column.notNull())
    .addColumn('space_id', text, (column) => column.notNull().references('space.id'))
    .addColumn('api_host', text, (column) => column.notNull())
    .addColumn('user_facing_host', text)
    .addColumn('username', text, (column) => column.notNull())
    .addColumn('access_token', text, (column) => column.notNull())
    .addColumn('labels', text, (column) => column.notNull())
    .addColumn('description', text, (column) => column.notNull())
    .addColumn('allow_detach_on_destroy', integer, (column) => column.notNull())
    .addColumn('created_at', long, (column) => column.notNull())
    .addColumn('updated_at', long, (column) => column.notNull())
    .execute()
  await db.schema.createIndex('integration_slug').unique().on('integration').column('slug').execute()
  // One default integration, however many ask for it at once (R4).
  await db.schema
    .createIndex('integration_default')
    .unique()
    .on('integration')
    .column('is_default')
    .where(sql.ref('is_default'), '=', sql.lit(1))
    .execute()
  await db.schema.createIndex('integration_space').on('integration').column('space_id').execute()

  await createTable(db, 'webhook_secret')
    .addColumn('id', uuid, (column) => column.primaryKey())
    .addColumn('integration_id', uuid, (column) => column.notNull().references('integration.id').onDelete('cascade'))
    .addColumn('version', integer, (column) => column.notNull())
    .addColumn('secret', text, (column) => column.notNull())
    .addColumn('valid_until', long)
    .addColumn('created_at', long, (column) => column.notNull())
    .execute()
  await db.schema
    .createIndex('webhook_secret_version')
    .unique()
    .on('webhook_secret')
    .columns(['integration_id', 'version'])
    .execute()
}

async function createStacks(db: Kysely<unknown>): Promise<void> {
  const { uuid, text, integer, long } = columnTypes(db)
  await createTable(db, 'stack')
    .addColumn('id', uuid, (column) => column.primaryKey())
    .addColumn('slug', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('space_id', text, (column) => column.notNull().references('space.id'))
    .addColumn('branch', text, (column) => column.notNull())
    .addColumn('project_root', text, (column) => column.notNull())
    .addColumn('normal_root', text, (column) => column.notNull())
    .addColumn('labels', text, (column) => column.notNull())
    .addColumn('description', text, (column) => column.notNull())
    .addColumn('integration_id', uuid, (column) => column.references('integration.id'))
    .addColumn('uses_default', integer, (column) => column.notNull())
    .addColumn('project_key', text)
    .addColumn('repository_slug', text)
    .addColumn('repository_key', text)
    .addColumn('repository_id', long)
    .addColumn('managed_by', text)
    .addColumn('attached_at', long)
    .addColumn('detached', integer, (column) => column.notNull())
    .addColumn('detached_reason', text)
    .addColumn('detached_at', long)
    .addColumn('head_commit', text)
    .addColumn('created_at', long, (column) => column.notNull())
    .execute()
  await db.schema.createIndex('stack_slug').unique().on('stack').column('slug').execute()
  await db.schema.createIndex('stack_space').on('stack').column('space_id').execute()
  // A push looks up the stacks of its repository, branch and changed folders (R60).
  await db.schema
    .createIndex('stack_repository')
    .on('stack')
    .columns(['integration_id', 'repository_id', 'branch', 'normal_root', 'id'])
    .where(sql.ref('integration_id'), 'is not', sql.lit(null))
    .execute()
  await db.schema
    .createIndex('stack_repository_key')
    .on('stack')
    .columns(['integration_id', 'repository_key'])
    .where(sql.ref('integration_id'), 'is not', sql.lit(null))
    .execute()
}

async function createDeliveries(db: Kysely<unknown>): Promise<void> {
  const { uuid, text, bytes, integer, long } = columnTypes(db)
  // Bodies come last: SQLite reads a row from its start, and lists want none of them.
  await createTableByTime(db, 'delivery')
    .addColumn('id', uuid, (column) => column.primaryKey())
    .addColumn('integration_id', uuid, (column) => column.notNull())
    .addColumn('request_id', text)
    .addColumn('event_key', text, (column) => column.notNull())
    .addColumn('headers', text, (column) => column.notNull())
    .addColumn('received_at', long, (column) => column.notNull())
    .addColumn('size', integer, (column) => column.notNull())
    .addColumn('secret_version', integer, (column) => column.notNull())
    .addColumn('body_digest', text, (column) => column.notNull())
    .addColumn('state', text, (column) => column.notNull())
    .addColumn('lease_until', long)
    .addColumn('not_before', long, (column) => column.notNull())
    .addColumn('attempts', integer, (column) => column.notNull())
    .addColumn('verdict', text)
    .addColumn('reason', text)
    .addColumn('detail', text)
    .addColumn('processed_at', long)
    .addColumn('body', bytes, (column) => column.notNull())
    .execute()
  await compressColumn(db, 'delivery', 'body')
  await db.schema
    .createIndex('delivery_queued')
    .on('delivery')
    .column('id')
    .where(sql.ref('state'), '=', sql.lit('queued'))
    .execute()
  await db.schema.createIndex('delivery_integration').on('delivery').columns(['integration_id', 'id']).execute()

  // Unique keys cannot span partitions, so they stand in tables of their own (L12).
  await createTable(db, 'delivery_key')
    .addColumn('integration_id', uuid, (column) => column.notNull())
    .addColumn('request_id', text, (column) => column.notNull())
    .addColumn('body_digest', text, (column) => column.notNull())
    .addColumn('delivery_id', uuid, (column) => column.notNull())
    .addColumn('duplicates', integer, (column) => column.notNull())
    .addColumn('last_duplicate_at', long)
    .addColumn('created_at', long, (column) => column.notNull())
    .execute()
  await db.schema
    .createIndex('delivery_key_request')
    .unique()
    .on('delivery_key')
    .columns(['integration_id', 'request_id', 'body_digest'])
    .execute()
  await db.schema.createIndex('delivery_key_delivery').on('delivery_key').column('delivery_id').execute()
  await createTable(db, 'body_key')
    .addColumn('integration_id', uuid, (column) => column.notNull())
    .addColumn('secret_version', integer, (column) => column.notNull())
    .addColumn('body_digest', text, (column) => column.notNull())
    .addColumn('delivery_id', uuid, (column) => column.notNull())
    .addColumn('created_at', long, (column) => column.notNull())
    .execute()
  await db.schema
    .createIndex('body_key_digest')
    .unique()
    .on('body_key')
    .columns(['integration_id', 'secret_version', 'body_digest'])
    .execute()
}

async function createRuns(db: Kysely<unknown>): Promise<void> {
  const { uuid, text, integer, long } = columnTypes(db)
  await createTable(db, 'run')
    .addColumn('id', uuid, (column) => column.primaryKey())
    .addColumn('integration_id', uuid, (column) => column.notNull())
    .addColumn('stack_id', uuid, (column) => column.notNull().references('stack.id').onDelete('cascade'))
    .addColumn('type', text, (column) => column.notNull())
    .addColumn('state', text, (column) => column.notNull())
    .addColumn('state_reason', text)
    .addColumn('commit_sha', text, (column) => column.notNull())
    .addColumn('branch', text, (column) => column.notNull())
    .addColumn('run_key', text)
    .addColumn('delivery_id', uuid)
    .addColumn('created_at', long, (column) => column.notNull())
    .addColumn('updated_at', long, (column) => column.notNull())
    .execute()
  await db.schema
    .createIndex('run_key')
    .unique()
    .on('run')
    .columns(['stack_id', 'run_key'])
    .where(sql.ref('run_key'), 'is not', sql.lit(null))
    .execute()
  await db.schema.createIndex('run_stack').on('run').columns(['stack_id', 'id']).execute()
  await db.schema.createIndex('run_delivery').on('run').column('delivery_id').execute()
  // A stack's tracked runs go one at a time: the others wait in QUEUED (R64).
  await db.schema
    .createIndex('run_tracked')
    .unique()
    .on('run')
    .column('stack_id')
    .where(sql.ref('type'), '=', sql.lit('TRACKED'))
    .where(
      sql.ref('state'),
      'not in',
      ['QUEUED', 'FINISHED', 'FAILED', 'CANCELED', 'DISCARDED', 'STOPPED'].map((state) => sql.lit(state)),
    )
    .execute()

  await createTable(db, 'build_status')
    .addColumn('id', uuid, (column) => column.primaryKey())
    .addColumn('integration_id', uuid, (column) => column.notNull())
    .addColumn('project_key', text, (column) => column.notNull())
    .addColumn('repository_slug', text, (column) => column.notNull())
    .addColumn('repository_id', long, (column) => column.notNull())
    .addColumn('commit_sha', text, (column) => column.notNull())
    .addColumn('status_key', text, (column) => column.notNull())
    .addColumn('state', text, (column) => column.notNull())
    .addColumn('url', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('description', text, (column) => column.notNull())
    .addColumn('ref', text, (column) => column.notNull())
    .addColumn('revision', integer, (column) => column.notNull())
    .addColumn('sent_revision', integer, (column) => column.notNull())
    .addColumn('attempts', integer, (column) => column.notNull())
    .addColumn('not_before', long, (column) => column.notNull())
    .addColumn('error', text)
    .addColumn('created_at', long, (column) => column.notNull())
    .addColumn('updated_at', long, (column) => column.notNull())
    .execute()
  await db.schema
    .createIndex('build_status_key')
    .unique()
    .on('build_status')
    .columns(['integration_id', 'repository_id', 'commit_sha', 'status_key'])
    .execute()
  await db.schema
    .createIndex('build_status_unsent')
    .on('build_status')
    .column('not_before')
    .where(sql.ref('sent_revision'), '<', sql.ref('revision'))
    .execute()
  await vacuumEagerly(db, ['run', 'build_status'])
}

async function createWebhookTables(db: Kysely<unknown>): Promise<void> {
  const { uuid, text, integer, long } = columnTypes(db)
  // Not bound to the integration's row: they outlive it until the webhook is gone (R145).
  await createTable(db, 'registration')
    .addColumn('id', uuid, (column) => column.primaryKey())
    .addColumn('integration_id', uuid, (column) => column.notNull())
    .addColumn('project_key', text, (column) => column.notNull())
    .addColumn('repository_slug', text, (column) => column.notNull())
    .addColumn('repository_id', long, (column) => column.notNull())
    .addColumn('webhook_id', long)
    .addColumn('secret_version', integer)
    .addColumn('observed', text, (column) => column.notNull())
    .addColumn('drift', text, (column) => column.notNull())
    .addColumn('managed_by', text, (column) => column.notNull())
    .addColumn('reported_at', long, (column) => column.notNull())
    .execute()
  await db.schema
    .createIndex('registration_repository')
    .unique()
    .on('registration')
    .columns(['integration_id', 'repository_id'])
    .execute()
}

async function createAccounts(db: Kysely<unknown>): Promise<void> {
  const { uuid, text, long } = columnTypes(db)
  await createTable(db, 'api_key')
    .addColumn('id', uuid, (column) => column.primaryKey())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('role', text, (column) => column.notNull())
    .addColumn('space_id', text, (column) => column.notNull().references('space.id'))
    .addColumn('secret_sha256', text, (column) => column.notNull())
    .addColumn('created_at', long, (column) => column.notNull())
    .addColumn('expires_at', long)
    .addColumn('last_used_at', long)
    .addColumn('revoked_at', long)
    .execute()
  await createTable(db, 'audit')
    .addColumn('id', uuid, (column) => column.primaryKey())
    .addColumn('at', long, (column) => column.notNull())
    .addColumn('actor', text, (column) => column.notNull())
    .addColumn('action', text, (column) => column.notNull())
    .addColumn('object', text, (column) => column.notNull())
    .addColumn('details', text, (column) => column.notNull())
    .addColumn('once_key', text)
    .execute()
  await db.schema
    .createIndex('audit_once')
    .unique()
    .on('audit')
    .column('once_key')
    .where(sql.ref('once_key'), 'is not', sql.lit(null))
    .execute()
}

async function insertFirstRows(db: Kysely<Pick<Tables, 'space' | 'setting'>>): Promise<void> {
  await db.insertInto('setting').values({ key: 'instance_id', value: randomUUID() }).execute()
  await db
    .insertInto('space')
    .values({
      id: 'root',
      name: 'root',
      parent_id: null,
      inherit_entities: 0,
      labels: '[]',
      description: '',
      created_at: Date.now(),
    })
    .execute()
}
