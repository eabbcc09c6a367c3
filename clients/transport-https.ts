import * as http from 'node:http'
import * as https from 'node:https'
import type { Socket } from 'node:net'
import * as tls from 'node:tls'
import {
  defaultTimeoutMs,
  maximumResponseBytes,
  silenceTimeoutMs,
  type Transport,
  TransportError,
  type TransportRequest,
  type TransportResponse,
} from './transport.ts'
import { startDeadline } from './transport-deadline.ts'
import { toTransportError } from './transport-errors.ts'
import { type HttpProxy, proxyFor } from './transport-proxy.ts'

export interface HttpsTransportOptions {
  /** PEM certificates that are trusted beside the public ones (S38). */
  readonly certificateAuthorities?: string
  /** What `HTTPS_PROXY` and `NO_PROXY` say; read by the caller, never here. */
  readonly proxy?: HttpProxy
  readonly silenceTimeoutMs?: number
}

/**
 * Opens the provider's transport: `node:https` with kept-alive connections, the same limits as the undici one, and a
 * CONNECT tunnel where a proxy is set. It imports nothing but Node, since it is part of the provider's bundle.
 */
export function openHttpsTransport(options: HttpsTransportOptions): {
  readonly send: Transport
  readonly close: () => void
} {
  const trust = {
    minVersion: 'TLSv1.2',
    ...(options.certificateAuthorities === undefined
      ? {}
      : { ca: [...tls.rootCertificates, options.certificateAuthorities] }),
  } as const
  const plain = new http.Agent({ keepAlive: true })
  const secure = new https.Agent({ keepAlive: true, ...trust })
  const tunnelled = new https.Agent({ keepAlive: true, ...trust })
  if (options.proxy) tunnelThrough(options.proxy, tunnelled)
  return {
    send: (request) => {
      const target = new URL(request.url)
      const proxy = target.protocol === 'https:' ? proxyFor(target, options.proxy) : undefined
      const agent = target.protocol === 'http:' ? plain : proxy ? tunnelled : secure
      return exchange(agent, target, options.silenceTimeoutMs ?? silenceTimeoutMs, request)
    },
    close: () => {
      for (const agent of [plain, secure, tunnelled]) agent.destroy()
    },
  }
}

async function exchange(
  agent: http.Agent,
  target: URL,
  silence: number,
  { method, headers, body, signal, timeoutMs }: TransportRequest,
): Promise<TransportResponse> {
  const deadline = startDeadline(signal, timeoutMs ?? defaultTimeoutMs)
  let connected = false
  try {
    return await new Promise<TransportResponse>((resolve, reject) => {
      deadline.signal.throwIfAborted()
      const { request } = target.protocol === 'https:' ? https : http
      const outgoing = request(target, { method, agent, timeout: silence, headers: { ...headers, ...lengthOf(body) } })
      const fail = (error: unknown) => {
        reject(error)
        outgoing.destroy()
      }
      deadline.signal.addEventListener('abort', () => fail(deadline.signal.reason), { once: true })
      outgoing.on('timeout', () => fail(new TransportError('timeout', { nothingSent: !connected })))
      outgoing.on('error', fail)
      outgoing.on('socket', (socket) => {
        if (!socket.connecting) connected = true
        else
          socket.once(target.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
            connected = true
          })
      })
      outgoing.on('response', (response) => {
        readCapped(response).then(
          (bytes) => resolve({ status: response.statusCode ?? 0, headers: flatHeaders(response.headers), body: bytes }),
          fail,
        )
      })
      outgoing.end(body)
    })
  } catch (error) {
    if (deadline.signal.aborted) throw deadline.signal.reason
    throw toTransportError(error)
  } finally {
    deadline.clear()
  }
}

/** Without a length Node sends a body of unknown size in chunks, which some proxies refuse. */
function lengthOf(body: string | Uint8Array | undefined): Record<string, string> {
  return body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
}

async function readCapped(response: http.IncomingMessage): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of response as AsyncIterable<Uint8Array>) {
    length += piece.byteLength
    if (length > maximumResponseBytes) throw new TransportError('too_large', { nothingSent: false })
    pieces.push(piece)
  }
  return Buffer.concat(pieces, length)
}

function flatHeaders(headers: http.IncomingHttpHeaders): Record<string, string> {
  const flat: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return flat
}

/** Makes the agent open each connection as a TLS session inside a CONNECT tunnel of the proxy. */
function tunnelThrough(proxy: HttpProxy, agent: https.Agent): void {
  const proxyUrl = new URL(proxy.url)
  const { request } = proxyUrl.protocol === 'https:' ? https : http
  const credentials = proxyUrl.username === '' ? {} : { 'proxy-authorization': basic(proxyUrl) }
  agent.createConnection = (options, callback) => {
    const authority = `${options.host}:${options.port}`
    const connect = request({
      host: proxyUrl.hostname.replace(/^\[|\]$/g, ''),
      port: proxyUrl.port === '' ? (proxyUrl.protocol === 'https:' ? 443 : 80) : Number(proxyUrl.port),
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...credentials },
      agent: false,
      timeout: silenceTimeoutMs,
    })
    connect.on('timeout', () => connect.destroy(new TransportError('timeout', { nothingSent: true })))
    connect.on('error', (error) => callback?.(toTransportError(error), undefined as never))
    connect.on('connect', (response: http.IncomingMessage, socket: Socket) => {
      if (response.statusCode !== 200) {
        socket.destroy()
        return callback?.(
          new TransportError('refused', { nothingSent: true, reason: 'PROXY_REFUSED' }),
          undefined as never,
        )
      }
      socket.setTimeout(0)
      callback?.(null, tls.connect({ ...(options as tls.ConnectionOptions), socket }))
    })
    connect.end()
    return undefined as never
  }
}

function basic(proxyUrl: URL): string {
  const pair = `${decodeURIComponent(proxyUrl.username)}:${decodeURIComponent(proxyUrl.password)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}
