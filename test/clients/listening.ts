import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** Serves on a free port of the loopback interface until the test ends, and gives the port. */
export function listen(listener: RequestListener): Promise<number> {
  return start(createServer(listener))
}

/** The same over TLS. */
export function listenTls(identity: { key: string; cert: string }, listener: RequestListener): Promise<number> {
  return start(createTlsServer(identity, listener))
}

async function start(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return (server.address() as AddressInfo).port
}
