import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Proxy {
  readonly url: string
  /** Resolves at the next request that `interferes` holds or refuses. */
  interfered(): Promise<void>
}

/**
 * `hold-answer`: forwarded, and its answer never given back. `hold`: neither. `refuse`: answered 503.
 * `undefined`: forwarded as it is.
 */
export type Interference = 'hold-answer' | 'hold' | 'refuse' | undefined

export interface ProxyOptions {
  readonly interferes?: (method: string, path: string) => Interference
  readonly tls?: { readonly key: string; readonly cert: string }
}

/** Stands between two that talk HTTP, and can make one of them wait; closed when the test ends. */
export async function startProxy(target: string, { interferes, tls }: ProxyOptions = {}): Promise<Proxy> {
  let listeners: (() => void)[] = []
  const listener = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method = 'GET', url = '/' } = incoming
    const interference = interferes?.(method, url)
    const tell = () => {
      for (const resolve of listeners.splice(0)) resolve()
    }
    if (interference === 'hold') return tell()
    if (interference === 'refuse') {
      outgoing.writeHead(503).end()
      return tell()
    }
    const forwarded = request(new URL(url, target), { method, headers: incoming.headers }, (answer) => {
      if (interference === 'hold-answer') {
        answer.resume().on('end', tell)
        return
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    forwarded.on('error', () => outgoing.destroy())
    incoming.pipe(forwarded)
  }
  const server = tls ? createTlsServer(tls, listener) : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    listeners = []
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    interfered: () => new Promise((resolve) => listeners.push(resolve)),
  }
}
