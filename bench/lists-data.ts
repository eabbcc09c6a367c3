import { sql } from 'kysely'
import { ensureDeliveryPartitions } from '../server/store/dialect/delivery-partitions.ts'
import { isPostgres } from '../server/store/dialect/kind.ts'
import type { Database } from '../server/store/tables.ts'

/** How much is in a database. */
export interface ListSizes {
  /** Of spaces, fifty deep, and of integrations, stacks, registrations and API keys, each. */
  readonly objects: number
  /** Of deliveries, runs and audit rows, each. */
  readonly traffic: number
}

const dayMs = 86_400_000
const depth = 50

/** Fills a migrated database by statements of its own, so that a million rows take seconds. All ids are of today. */
export async function fillLists(db: Database, { objects, traffic }: ListSizes): Promise<void> {
  const today = Math.floor(Date.now() / dayMs) * dayMs
  await ensureDeliveryPartitions(db, today)
  const id = (kind: number, count: number) =>
    rowId(db, kind, sql`${sql.lit(today)} + i * ${sql.lit(Math.floor(dayMs / count))}`)
  const slug = (prefix: string) => text(db, prefix, 'i')
  const common = sql`'[]', '', ${sql.lit(today)}`
  const insert = (table: string, columns: string, count: number, values: ReturnType<typeof sql>) =>
    sql`insert into ${sql.table(table)} (${sql.raw(columns)})
      with recursive numbers(i) as (select 0 union all select i + 1 from numbers where i < ${sql.lit(count - 1)})
      select ${values} from numbers order by i`.execute(db)

  await insert(
    'space',
    'id, name, parent_id, inherit_entities, labels, description, created_at',
    objects,
    sql`${slug('space')}, ${slug('Space ')}, case when i % ${sql.lit(depth)} = 0 then 'root' else ${text(db, 'space', 'i - 1')} end, 1, ${common}`,
  )
  await insert(
    'integration',
    `id, slug, name, is_default, space_id, api_host, username, access_token, allow_detach_on_destroy, updated_at,
      labels, description, created_at`,
    objects,
    sql`${id(1, objects)}, ${slug('vcs')}, ${slug('VCS ')}, 0, ${slug('space')}, 'https://bitbucket.example.com', '', '', 1, 0, ${common}`,
  )
  await insert(
    'stack',
    `id, slug, name, space_id, branch, project_root, normal_root, integration_id, uses_default, project_key,
      repository_slug, repository_key, repository_id, managed_by, attached_at, detached, labels, description, created_at`,
    objects,
    sql`${id(2, objects)}, ${slug('stack')}, ${slug('Stack ')}, ${slug('space')}, 'main', '', '', ${id(1, objects)}, 0,
      'INFRA', 'network', 'INFRA/network', i, 'stack', 0, 0, ${common}`,
  )
  await insert(
    'registration',
    `id, integration_id, project_key, repository_slug, repository_id, webhook_id, secret_version, observed, drift,
      managed_by, reported_at`,
    objects,
    sql`${id(3, objects)}, ${id(1, objects)}, 'INFRA', 'network', i, 1, 1, 'in_sync', '[]', 'service', 0`,
  )
  await insert(
    'api_key',
    'id, name, role, space_id, secret_sha256, created_at',
    objects,
    sql`${id(4, objects)}, ${slug('Key ')}, 'reader', ${slug('space')}, '', 0`,
  )
  // All of the first integration and of the first stack: the longest lists that there can be.
  const first = (kind: number) => rowId(db, kind, sql`${sql.lit(today)} + i * 0`, '0')
  await insert(
    'delivery',
    `id, integration_id, request_id, event_key, headers, received_at, size, secret_version, body_digest, state,
      not_before, attempts, verdict, processed_at, body`,
    traffic,
    sql`${id(5, traffic)}, ${first(1)}, ${slug('request ')}, 'repo:refs_changed', '{}', 0, 2, 1, ${slug('digest')},
      'processed', 0, 1, 'ignored', 0, ${isPostgres(db) ? sql`'{}'::bytea` : sql`x'7b7d'`}`,
  )
  await insert(
    'run',
    'id, integration_id, stack_id, type, state, commit_sha, branch, run_key, delivery_id, created_at, updated_at',
    traffic,
    sql`${id(6, traffic)}, ${first(1)}, ${first(2)}, 'PROPOSED', 'READY', ${sql.lit('a'.repeat(40))}, 'main', ${slug('key ')},
      ${id(5, traffic)}, 0, 0`,
  )
  await insert(
    'audit',
    'id, at, actor, action, object, details, sequence, mac, mac_key',
    traffic,
    sql`${id(7, traffic)}, 0, 'server', 'space.create', 'space:root', '{}', i + 1000000, '', ''`,
  )
  await sql`analyze`.execute(db)
}

/** The text of a row's id, so that a bench can begin in the middle. */
export function idOfRow(kind: number, row: number, count: number): string {
  const time = Math.floor(Date.now() / dayMs) * dayMs + row * Math.floor(dayMs / count)
  const hex = time.toString(16).padStart(12, '0')
  const number = row.toString(16).padStart(11, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${kind}${number}`
}

export function nameOfRow(prefix: string, row: number): string {
  return `${prefix}${row.toString().padStart(7, '0')}`
}

function rowId(db: Database, kind: number, time: ReturnType<typeof sql>, row = 'i') {
  const number = sql.raw(row)
  return isPostgres(db)
    ? sql`(lpad(to_hex(((${time})::bigint) / 65536), 8, '0') || '-' || lpad(to_hex(((${time})::bigint) % 65536), 4, '0')
        || '-7000-8000-' || ${sql.lit(String(kind))} || lpad(to_hex(${number}), 11, '0'))::uuid`
    : sql`printf('%08x-%04x-7000-8000-%d%011x', (${time}) / 65536, (${time}) % 65536, ${sql.lit(kind)}, ${number})`
}

function text(db: Database, prefix: string, number: string) {
  const value = sql.raw(number)
  return isPostgres(db)
    ? sql`${sql.lit(prefix)} || lpad((${value})::text, 7, '0')`
    : sql`${sql.lit(prefix)} || printf('%07d', ${value})`
}
