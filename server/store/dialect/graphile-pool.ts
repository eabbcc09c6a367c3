import { EventEmitter } from 'node:events'
import { CompiledQuery, type Kysely } from 'kysely'
import type pg from 'pg'
import type { Database, Tables } from '../tables.ts'
import type { PostgresListener } from './postgres-listener.ts'

const jobsChannel = 'jobs:insert'

type ConnectCallback = (error: Error | undefined, client: pg.PoolClient, release: () => void) => void

/**
 * What graphile-worker takes for a pool: it borrows the connections that everything else uses, so that a process has
 * no more of them (L36). It asks with a callback for the connection that listens, and for every other one with a
 * promise; the former gets the process's one listener, which may have an address of its own.
 */
export function createGraphilePool(db: Database, listener?: PostgresListener): pg.Pool {
  const pool = {
    // It would add handlers of its own, and say so on the console, if there were none.
    listeners: () => [ignore],
    connect: (callback?: ConnectCallback) => {
      if (callback === undefined) return borrow(db)
      const { client, release } = listen(listener)
      callback(undefined, client, release)
      return undefined
    },
  }
  return pool as unknown as pg.Pool // as much of one as it uses
}

/** Takes a connection out of Kysely's pool until `release`. */
function borrow(db: Database): Promise<pg.PoolClient> {
  return new Promise((resolve, reject) => {
    db.connection()
      .execute((connection) => new Promise<void>((release) => resolve(clientOf(connection, release))))
      .catch(reject)
  })
}

function clientOf(connection: Kysely<Tables>, release: () => void): pg.PoolClient {
  // Statements have no names, so that a pooler may give each to another connection (L36).
  const client = {
    query: (query: string | { text: string; values?: unknown[] }, values?: unknown[]) => {
      const { text, values: given } = typeof query === 'string' ? { text: query, values } : query
      return connection.executeQuery(CompiledQuery.raw(text, given ?? []))
    },
    release,
  }
  return client as unknown as pg.PoolClient
}

function listen(listener: PostgresListener | undefined): { client: pg.PoolClient; release: () => void } {
  const emitter = new EventEmitter()
  const client = Object.assign(emitter, { query: async () => ({ rows: [] }) })
  const stop = listener?.listen(jobsChannel, (payload) => {
    emitter.emit('notification', { channel: jobsChannel, payload })
  })
  return { client: client as unknown as pg.PoolClient, release: () => stop?.() }
}

function ignore(): void {}
