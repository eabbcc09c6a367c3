import { lookup as lookupAll } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { rootCertificates } from 'node:tls'
import { Agent, Pool, request } from 'undici'
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

export interface UndiciTransportOptions {
  /** PEM certificates that are trusted beside the public ones (S38). */
  readonly certificateAuthorities?: string
  /**
   * Called with every address that may be dialled, before it is (S31); throws a `TransportError` of code `blocked`
   * to refuse. One refused address refuses the whole name.
   */
  readonly checkAddress?: (address: string, port: number) => void
  readonly connectTimeoutMs?: number
  readonly silenceTimeoutMs?: number
}

/** A transport with its connections; `close` waits for the calls in flight. */
export interface ClosableTransport {
  readonly send: Transport
  readonly close: () => Promise<void>
}

/**
 * Opens the transport of the server, the hook, the worker and the agent: kept-alive connections, no redirects, at
 * most 10 MiB an answer, addresses checked where they are dialled. `request` asks for no content encoding, so the
 * bytes that are counted are the bytes that are read (S35).
 */
export function openUndiciTransport(options: UndiciTransportOptions): ClosableTransport {
  const silence = options.silenceTimeoutMs ?? silenceTimeoutMs
  const agent = new Agent({
    headersTimeout: silence,
    bodyTimeout: silence,
    factory: (origin, poolOptions) =>
      new Pool(origin, {
        ...poolOptions,
        connect: {
          timeout: options.connectTimeoutMs ?? silence,
          minVersion: 'TLSv1.2',
          ...(options.certificateAuthorities === undefined
            ? {}
            : { ca: [...rootCertificates, options.certificateAuthorities] }),
          ...(options.checkAddress === undefined
            ? {}
            : { lookup: checkingLookup(options.checkAddress, portOf(new URL(origin))) }),
        },
      }),
  })
  return {
    send: (transportRequest) => exchange(agent, options, transportRequest),
    close: () => agent.close(),
  }
}

/** Transports that differ in what they trust, so that no certificate opens more than it was given for (S38). */
export interface TrustingTransports {
  /** The transport that trusts these PEM certificates beside the public ones; null: the public ones alone. */
  readonly trusting: (certificateAuthorities: string | null) => Transport
  readonly close: () => Promise<void>
}

/** Opens a transport for each set of certificates when it is first used; of many, those used last stay open. */
export function openTrustingTransports(
  options: Omit<UndiciTransportOptions, 'certificateAuthorities'>,
  most = 100,
): TrustingTransports {
  const open = new Map<string | null, ClosableTransport>()
  const transportOf = (certificateAuthorities: string | null): ClosableTransport => {
    const known = open.get(certificateAuthorities)
    const transport =
      known ?? openUndiciTransport(certificateAuthorities === null ? options : { ...options, certificateAuthorities })
    open.delete(certificateAuthorities)
    open.set(certificateAuthorities, transport)
    for (const [oldest, { close }] of open) {
      if (open.size <= most) break
      open.delete(oldest)
      void close()
    }
    return transport
  }
  return {
    // Looked up for each request: the one of before may have been closed since.
    trusting: (certificateAuthorities) => (request) => transportOf(certificateAuthorities).send(request),
    close: async () => {
      await Promise.all([...open.values()].map(({ close }) => close()))
      open.clear()
    },
  }
}

async function exchange(
  agent: Agent,
  options: UndiciTransportOptions,
  { method, url, headers, body, signal, timeoutMs }: TransportRequest,
): Promise<TransportResponse> {
  const target = new URL(url)
  checkLiteral(options.checkAddress, target)
  const deadline = startDeadline(signal, timeoutMs ?? defaultTimeoutMs)
  try {
    const response = await request(target, {
      dispatcher: agent,
      method: method as 'GET', // undici types the common methods only
      headers: { ...headers },
      signal: deadline.signal,
      ...(body === undefined ? {} : { body }),
    })
    return {
      status: response.statusCode,
      headers: flatHeaders(response.headers),
      body: await readCapped(response.body),
    }
  } catch (error) {
    if (deadline.signal.aborted) throw deadline.signal.reason
    throw toTransportError(error)
  } finally {
    deadline.clear()
  }
}

/** Node never asks `lookup` about an IP literal (measured: 0 calls), so those are checked here (S31). */
function checkLiteral(checkAddress: UndiciTransportOptions['checkAddress'], target: URL): void {
  const host = target.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) checkAddress?.(host, portOf(target))
}

/** Resolves and checks in one step, so that the addresses which are dialled are the ones that were checked (S31). */
function checkingLookup(checkAddress: (address: string, port: number) => void, port: number): LookupFunction {
  return (hostname, options, callback) => {
    lookupAll(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0)
      try {
        for (const { address } of addresses) checkAddress(address, port)
      } catch (refusal) {
        return callback(refusal as Error, '', 0)
      }
      const first = addresses[0]
      if (!first) return callback(new TransportError('dns', { nothingSent: true }), '', 0)
      return options.all ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  }
}

async function readCapped(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of body) {
    length += piece.byteLength
    // Leaving the loop destroys the body, and with it the connection.
    if (length > maximumResponseBytes) throw new TransportError('too_large', { nothingSent: false })
    pieces.push(piece)
  }
  return Buffer.concat(pieces, length)
}

function flatHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  }
  return flat
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port)
  return url.protocol === 'https:' ? 443 : 80
}
