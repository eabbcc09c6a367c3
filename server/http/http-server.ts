import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { connectionLimit, type HttpLimits } from './http-limits.ts'
import type { WebhookListener } from './webhook-listener.ts'

/**
 * Makes the server of the one port: webhooks go to their listener, everything else to the router. What is no sound
 * HTTP request reaches neither of them (S8 to S10).
 */
export function createHttpServer(webhooks: WebhookListener, router: RequestListener, limits: HttpLimits): Server {
  const options = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeout,
    requestTimeout: limits.requestTimeout,
    connectionsCheckingInterval: limits.connectionsCheckingInterval,
    keepAliveTimeout: limits.keepAliveTimeout,
    noDelay: true,
    insecureHTTPParser: false,
    requireHostHeader: true,
  }
  const answering = new WeakMap<object, ServerResponse>()
  const server = createServer(options, (request, response) => {
    answering.set(request.socket, response)
    const refusal = refusalOf(request, limits)
    if (refusal !== undefined) refuse(response, refusal)
    else if (!webhooks(request, response)) router(request, response)
  })
  // One more than allowed: what is beyond the parser's own count vanishes without a word.
  server.maxHeadersCount = limits.headerCount + 1
  server.maxRequestsPerSocket = limits.requestsPerSocket
  const connections = connectionLimit()
  if (connections !== undefined) server.maxConnections = connections
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    refuseSocket(socket, answering.get(socket), statusOf(error))
  })
  server.on('upgrade', (_request, socket) => refuseSocket(socket, undefined, 400))
  server.on('connect', (_request, socket) => refuseSocket(socket, undefined, 405))
  return server
}

/** Stops accepting, lets what is under way finish, and closes connections as they fall idle (R208, F18). */
export async function closeHttpServer(server: Server): Promise<void> {
  const sweep = setInterval(() => server.closeIdleConnections(), 50)
  try {
    await new Promise<void>((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())))
  } finally {
    clearInterval(sweep)
  }
}

function refusalOf(request: IncomingMessage, limits: HttpLimits): number | undefined {
  const { rawHeaders } = request
  if (rawHeaders.length / 2 > limits.headerCount) return 431
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  if (hosts > 1) return 421
  return request.url === '*' ? 405 : undefined
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { Connection: 'close', 'Content-Length': 0 }).end()
}

/** By the code: a handler that answers everything with 400 hides what was wrong. */
function statusOf({ code }: NodeJS.ErrnoException): number {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return 431
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 413
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 408
    default:
      return 400
  }
}

const phrases = new Map([
  [400, 'Bad Request'],
  [405, 'Method Not Allowed'],
  [408, 'Request Timeout'],
  [413, 'Content Too Large'],
  [431, 'Request Header Fields Too Large'],
])

/** Answers where there is no response object, unless an answer to the same socket has begun; then only closes. */
function refuseSocket(socket: Duplex, response: ServerResponse | undefined, status: number): void {
  const hasBegun = response?.headersSent === true && !response.writableFinished
  if (socket.writable && !hasBegun) {
    socket.write(`HTTP/1.1 ${status} ${phrases.get(status)}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  }
  socket.end(() => socket.destroy())
}
