import { Readable } from 'node:stream'
import pg from 'pg'
import { libpqTarget, runTool, startTool } from './postgres-tools.ts'

/** What stands in the way of a restore into this database; all undefined where nothing does. */
export interface PostgresTarget {
  /** How many connections servers have to it. */
  readonly servers: number
  readonly tables: number
}

export async function lookAtPostgres(url: string): Promise<PostgresTarget> {
  const client = new pg.Client({ connectionString: url, application_name: 'mooring-restore' })
  await client.connect()
  try {
    const { rows } = await client.query<{ servers: number; tables: number }>(`
      select (select count(*)::int from pg_stat_activity
          where datname = current_database() and application_name = 'mooring') as servers,
        (select count(*)::int from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')) as tables`)
    return rows[0] ?? { servers: 0, tables: 0 }
  } finally {
    await client.end()
  }
}

/**
 * Restores the dump in one transaction: what was there is dropped, the dump's script runs, each table's rows are
 * counted against `rows`, and the home is given up. Nobody sees anything in between, and whatever fails leaves
 * everything as it was.
 */
export async function replacePostgres(
  url: string,
  dump: string,
  rows: Readonly<Record<string, number>>,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const target = libpqTarget(url)
  const schemas = await schemasOf(dump)
  const restoring = startTool('pg_restore', ['--no-owner', '--no-privileges', '--file=-', dump])
  const script = Readable.from(join(dropScript(schemas), restoring, checkScript(rows, settings)))
  const psql = startTool(
    'psql',
    ['--no-psqlrc', '--quiet', '--single-transaction', '--set=ON_ERROR_STOP=1', '--output=/dev/null', target.uri],
    { ...target.env, PGOPTIONS: '-c client_min_messages=warning' },
    script,
  )
  psql.output.resume()
  await psql.done
  await restoring.done
}

/** A script that ends early must not be committed: the last part is not given out before pg_restore ended well. */
async function* join(
  before: string,
  restoring: { readonly output: Readable; readonly done: Promise<void> },
  after: string,
): AsyncGenerator<Buffer> {
  yield Buffer.from(before)
  for await (const chunk of restoring.output) yield chunk as Buffer
  try {
    await restoring.done
  } catch {
    yield Buffer.from("\ndo $$ begin raise exception 'the dump could not be read to its end'; end $$;\n")
    return
  }
  yield Buffer.from(after)
}

/** The schemas that the dump makes itself; `public` is always there. */
async function schemasOf(dump: string): Promise<string[]> {
  const list = await runTool('pg_restore', ['--list', dump])
  return list.split('\n').flatMap((line) => / SCHEMA - (\S+) /.exec(line)?.[1] ?? [])
}

function dropScript(schemas: readonly string[]): string {
  const drops = schemas
    .filter((name) => name !== 'public')
    .map((name) => `drop schema if exists ${quote(name)} cascade;`)
  return `${drops.join('\n')}
do $$ declare item record; begin
  for item in
    select format('%I.%I', n.nspname, c.relname) as name,
      case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end as kind
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm', 'S')
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    order by c.relkind = 'S' -- those of tables are gone with them
  loop
    execute format('drop %s if exists %s cascade', item.kind, item.name);
  end loop;
  for item in
    select p.oid::regprocedure::text as name from pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  loop
    execute format('drop routine if exists %s cascade', item.name);
  end loop;
end $$;
`
}

function checkScript(rows: Readonly<Record<string, number>>, settings: Readonly<Record<string, string>>): string {
  const checks = Object.entries(rows).map(
    ([table, count]) => `
  select count(*) into found from ${table};
  if found <> ${count} then raise exception 'table % has % rows instead of ${count}', ${literal(table)}, found; end if;`,
  )
  const facts = Object.entries(settings).map(
    ([key, value]) => `
insert into public.setting (key, value) values (${literal(key)}, ${literal(value)})
  on conflict (key) do update set value = excluded.value;`,
  )
  return `\ndo $$ declare found bigint; begin${checks.join('')}\nend $$;${facts.join('')}\n`
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
