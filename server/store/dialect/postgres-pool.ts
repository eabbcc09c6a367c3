import pg from 'pg'

const int8 = 20

/**
 * Makes a pool whose connections are checked before their first use: a server that does not flush what it commits
 * is refused (F3). 64-bit integers arrive as numbers: times and ids here are below 2^53. The pool reports what
 * breaks an idle connection to `onIdleError`, and opens another when one is needed.
 */
export function createPostgresPool(
  url: string,
  max: number,
  onIdleError: (error: Error) => void,
  queryTimeoutMs?: number,
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 5_000,
    ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }),
    keepAlive: true,
    application_name: 'mooring',
    types: { getTypeParser },
    verify: (client, done) => {
      refuseUnflushed(client).then(() => done(), done)
    },
  })
  pool.on('error', onIdleError)
  return pool
}

async function refuseUnflushed(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ fsync: string; commit: string }>(
    `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit`,
  )
  const [settings] = rows
  if (settings?.fsync !== 'on') throw new Error('PostgreSQL runs with fsync off: a delivery could be lost. Turn it on.')
  if (settings.commit === 'off') {
    throw new Error('PostgreSQL has synchronous_commit=off here: a delivery could be lost. Turn it on.')
  }
}

function getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === int8 && format !== 'binary') return Number
  return pg.types.getTypeParser(oid, format)
}
