import pg from 'pg'

/** What an operator should know of a PostgreSQL server, as asked of it and of nobody else. */
export interface PostgresFacts {
  readonly version: string
  readonly fsync: string
  readonly synchronousCommit: string
  readonly hasLz4: boolean
  readonly maxConnections: number
  readonly usedConnections: number
  readonly isStandby: boolean
  /** How far its clock is before ours. */
  readonly clockAheadMs: number
  /** Whether two statements of one connection may reach two sessions: a pooler in transaction mode (L36). */
  readonly isPooled: boolean
}

const timeoutMs = 5_000

/** Asks through connections of its own, so that a setting which the server would refuse can be told. */
export async function examinePostgres(url: string): Promise<PostgresFacts> {
  const client = await connect(url)
  try {
    const { rows } = await client.query<Omit<PostgresFacts, 'clockAheadMs' | 'isPooled'>>(`
      select current_setting('server_version') as version, current_setting('fsync') as fsync,
        current_setting('synchronous_commit') as "synchronousCommit",
        coalesce((select 'lz4' = any(enumvals) from pg_settings where name = 'default_toast_compression'), false) as "hasLz4",
        current_setting('max_connections')::int as "maxConnections",
        (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as "usedConnections",
        pg_is_in_recovery() as "isStandby"`)
    const [facts] = rows
    if (!facts) throw new Error('PostgreSQL answered nothing.')
    return { ...facts, clockAheadMs: await clockAhead(client), isPooled: await isPooled(client, url) }
  } finally {
    await client.end()
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'mooring-doctor',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  })
  client.on('error', () => undefined) // the statement that fails tells it
  await client.connect()
  return client
}

/** Taken against the middle of the question, which is right to half of the time that it took. */
async function clockAhead(client: pg.Client): Promise<number> {
  const before = Date.now()
  const { rows } = await client.query<{ now: string }>('select extract(epoch from clock_timestamp()) * 1000 as now')
  return Number(rows[0]?.now) - (before + Date.now()) / 2
}

/**
 * A pooler in transaction mode hands the session that just came free to whoever asks next: while a second connection
 * keeps it in a transaction, the first one's next statement reaches another session.
 */
async function isPooled(client: pg.Client, url: string): Promise<boolean> {
  const first = await backendOf(client)
  const other = await connect(url)
  try {
    await other.query('begin')
    await backendOf(other)
    return (await backendOf(client)) !== first
  } finally {
    await other.end()
  }
}

async function backendOf(client: pg.Client): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid
}
