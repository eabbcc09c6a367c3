import type { PostgresPool } from 'kysely'
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
  // One that breaks while it is borrowed fails the statements; without a listener it would end the process, too.
  pool.on('connect', (client) => client.on('error', ignore))
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

/**
 * The pool as Kysely takes it. A statement that timed out may still be running: its connection is closed, and what is
 * asked of it meanwhile (a rollback, say) fails at once instead of waiting behind it.
 */
export function poolForKysely(pool: pg.Pool): PostgresPool {
  return {
    connect: async () => {
      const client = await pool.connect()
      let broken: Error | undefined
      const query = async (text: string, parameters: unknown[]) => {
        if (broken) throw broken
        try {
          return await client.query(text, parameters)
        } catch (error) {
          if (isReadTimeout(error)) broken = error
          throw error
        }
      }
      const borrowed = { query, release: () => client.release(broken) }
      return borrowed as unknown as Awaited<ReturnType<PostgresPool['connect']>> // it never asks for a cursor
    },
    end: () => pool.end(),
  }
}

/** Whether no answer to a statement came in time: whether it was carried out is not known. */
export function isReadTimeout(error: unknown): error is Error {
  return error instanceof Error && error.message === 'Query read timeout'
}

function ignore(): void {}

function getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === int8 && format !== 'binary') return Number
  return pg.types.getTypeParser(oid, format)
}
