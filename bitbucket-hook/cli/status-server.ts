import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HookMetrics } from '../controller/metrics.ts'
import type { SweepHealth } from '../controller/sweeps.ts'

export interface StatusServer {
  /** `http://<host>:<port>`, as it listens. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Answers GET /healthz (200 while the process works; the body says how the last sweep went) and GET /metrics. Neither
 * names a repository or holds a secret.
 */
export async function startStatusServer(
  listen: { readonly host: string; readonly port: number },
  metrics: HookMetrics,
  health: () => SweepHealth,
): Promise<StatusServer> {
  const server = createServer((request, response) => {
    const path = request.url?.replace(/\?.*$/, '')
    if (request.method !== 'GET') return answer(response, 405, 'text/plain', 'Only GET is answered here.\n')
    if (path === '/healthz') return answer(response, 200, 'application/json', `${JSON.stringify(health())}\n`)
    if (path !== '/metrics') return answer(response, 404, 'text/plain', 'There are /healthz and /metrics.\n')
    metrics.registry.metrics().then(
      (text) => answer(response, 200, metrics.registry.contentType, text),
      () => answer(response, 500, 'text/plain', 'The metrics could not be collected.\n'),
    )
  })
  server.requestTimeout = 10_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  return {
    url: `http://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(text)
}
