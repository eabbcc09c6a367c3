import { rmSync } from 'node:fs'
import type { Http2SecureServer, Http2Server, ServerHttp2Session } from 'node:http2'
import type { Logger } from '../framework/provider.ts'

export interface Lifecycle {
  /** Counts this server's connections: the process ends with the last one. */
  watch(server: Http2Server | Http2SecureServer): void
  /** Terraform said that it is done: end soon, whatever is in flight (it kills after two seconds). */
  shutDown(): void
}

const lonelyTimeout = 60_000
const farewell = 200

/**
 * Ends the process when nobody needs it any more: Terraform said so, its last connection closed (it may have been killed,
 * trap 3), or it never came. The socket's folder goes along.
 */
export function watchLifecycle(folder: string | undefined, log: Logger): Lifecycle {
  const sessions = new Set<ServerHttp2Session>()
  const end = (code: number): void => process.exit(code)
  const lonely = setTimeout(() => end(0), lonelyTimeout)
  process.on('exit', () => {
    if (folder) rmSync(folder, { recursive: true, force: true })
  })
  // Ctrl-C reaches the whole process group; Terraform asks us with StopProvider (trap 4).
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => end(0))
  process.on('SIGHUP', () => end(0))
  // What is in flight may still be saved, so a stray error is reported and not the end.
  process.on('uncaughtException', (error) => log.error('uncaught exception', { error: error.message }))
  process.on('unhandledRejection', (error) => log.error('unhandled rejection', { error: String(error) }))
  return {
    watch: (server) => {
      server.on('session', (session: ServerHttp2Session) => {
        clearTimeout(lonely)
        sessions.add(session)
        session.on('close', () => {
          sessions.delete(session)
          if (sessions.size === 0) end(0)
        })
      })
    },
    shutDown: () => {
      for (const session of sessions) session.close()
      setTimeout(() => end(0), farewell)
    },
  }
}
