import pg from 'pg'
import { kindOfUrl } from './kind.ts'

const reconnectMs = 1_000

/** The one connection of a process that hears notifications (L36). What it misses is found by looking (L7). */
export interface PostgresListener {
  /** Calls `heard` with each payload until the returned function is called. */
  listen(channel: string, heard: (payload: string) => void): () => void
  close(): Promise<void>
}

/** Opens the listener of a database, at `listenUrl` where it is given. On SQLite there is none. */
export function openListener(
  databaseUrl: string,
  listenUrl: string | undefined,
  onError: (error: Error) => void,
): PostgresListener | undefined {
  return kindOfUrl(databaseUrl) === 'postgres' ? openPostgresListener(listenUrl ?? databaseUrl, onError) : undefined
}

/** Connects, and connects again a second after it was cut off; failures are reported to `onError`. */
export function openPostgresListener(url: string, onError: (error: Error) => void): PostgresListener {
  const heardBy = new Map<string, Set<(payload: string) => void>>()
  let client: pg.Client | undefined
  let retry: NodeJS.Timeout | undefined
  let closed = false

  async function connect(): Promise<void> {
    const connecting = new pg.Client({ connectionString: url, keepAlive: true, application_name: 'mooring listen' })
    let isLost = false
    const lost = (error?: Error) => {
      if (isLost) return
      isLost = true
      if (client === connecting) client = undefined
      connecting.end().catch(() => undefined)
      if (closed) return
      onError(error ?? new Error('The connection that listens was closed.'))
      retry = setTimeout(() => void connect(), reconnectMs)
    }
    connecting.on('error', lost)
    connecting.on('end', () => lost())
    connecting.on('notification', ({ channel, payload }) => {
      for (const heard of heardBy.get(channel) ?? []) heard(payload ?? '')
    })
    try {
      await connecting.connect()
      client = connecting
      for (const channel of heardBy.keys()) await connecting.query(listenTo(channel))
      if (closed) await connecting.end()
    } catch (error) {
      lost(error instanceof Error ? error : new Error(String(error)))
    }
  }

  const connected = connect()
  return {
    listen: (channel, heard) => {
      const others = heardBy.get(channel)
      if (others) others.add(heard)
      else {
        heardBy.set(channel, new Set([heard]))
        client?.query(listenTo(channel)).catch(onError)
      }
      return () => heardBy.get(channel)?.delete(heard)
    },
    close: async () => {
      closed = true
      clearTimeout(retry)
      await connected
      await client?.end()
    },
  }
}

function listenTo(channel: string): string {
  return `listen ${pg.escapeIdentifier(channel)}`
}
