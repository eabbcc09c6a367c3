import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

const network = { id: 7, slug: 'network', name: 'network', project: { id: 1, key: 'INFRA', name: 'Infra' } }
const main = { id: 'refs/heads/main', displayId: 'main', latestCommit: 'a'.repeat(40), isDefault: true }
const entry = { path: { components: ['modules'] }, type: 'DIRECTORY' }
const folder = { values: [entry], start: 0, limit: 25, size: 1, isLastPage: true }

/** Answers as Bitbucket does for the repository `network`, and gives the caller's own headers back in each failure. */
export async function startEchoingBitbucket() {
  let seen = ''
  const server = createServer((request, response) => {
    const echo = JSON.stringify(request.headers)
    seen += echo
    const json = (status: number, body: unknown, headers = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    const way = request.url?.split('?')[0]?.split('/').at(-1)
    const page = (...values: unknown[]) =>
      json(200, { values, start: 0, limit: 25, size: values.length, isLastPage: true })
    if (way === 'network') return json(200, network)
    if (way === 'projects') return page(network.project)
    if (way === 'repos') return page(network)
    if (way === 'branches') return page(main)
    if (way === 'browse') return json(200, { children: folder })
    if (way === 'login-page') return response.writeHead(200, { 'content-type': 'text/html' }).end(echo)
    if (way === 'html') return response.writeHead(500, { 'content-type': 'text/html' }).end(echo)
    if (way === 'broken')
      return response.writeHead(200, { 'content-length': '9999' }).write(echo, () => response.destroy())
    if (way === 'redirect') return json(302, {}, { location: `/${encodeURIComponent(echo)}` })
    if (way === 'silent') return request.socket.destroy()
    return json(401, { errors: [{ context: echo, message: echo, exceptionName: echo }] })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, saw: () => seen }
}
