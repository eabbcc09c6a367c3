import { Buffer } from 'node:buffer'
import { X509Certificate } from 'node:crypto'
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Certificate } from './certificate.ts'

/** How a method answers, from the bytes of the one request message. */
export type Method =
  | { readonly kind: 'unary'; answer(request: Buffer): Promise<Uint8Array> }
  /** Sends nothing and stays open until the client ends it. */
  | { readonly kind: 'idle' }

export type Methods = ReadonlyMap<string, Method>

export interface Tls {
  readonly certificate: Certificate
  /** The one client that is let in. */
  readonly clientCertificatePem: string
}

const status = { ok: 0, internal: 13, unimplemented: 12 } as const

/**
 * A gRPC server, straight on node:http2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): one message in,
 * one message out, of any size. With `tls` only the holder of that very client certificate is let in; an unknown method
 * is answered UNIMPLEMENTED.
 */
export function newGrpcServer(methods: Methods, tls: Tls | undefined): Http2Server | Http2SecureServer {
  const server = tls ? newSecureServer(tls) : createServer(limits)
  server.on('session', (session: ServerHttp2Session) => {
    session.setLocalWindowSize(flowWindow)
    session.on('error', () => session.destroy())
  })
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => stream.destroy())
    serveStream(stream, methods.get(String(headers[':path'])))
  })
  return server
}

const flowWindow = 4 * 1024 * 1024

/** Node would refuse streams once 10 MB are buffered; Terraform is one trusted client with values of any size. */
const limits: ServerOptions = {
  maxSessionMemory: 4096,
  settings: { initialWindowSize: flowWindow, maxConcurrentStreams: 4096 },
}

function newSecureServer({ certificate, clientCertificatePem }: Tls): Http2SecureServer {
  const allowed = new X509Certificate(clientCertificatePem)
  const server = createSecureServer({
    ...limits,
    cert: certificate.pem,
    key: certificate.privateKeyPem,
    ca: clientCertificatePem,
    requestCert: true,
    rejectUnauthorized: true,
    allowHTTP1: false,
    minVersion: 'TLSv1.2',
  })
  // Its certificate is also an authority: one that it signed would pass the check above, and is not Terraform's.
  server.on('secureConnection', (socket: TLSSocket) => {
    const peer = socket.getPeerX509Certificate()
    if (!peer?.raw.equals(allowed.raw)) socket.destroy()
  })
  server.on('tlsClientError', (_error: Error, socket: TLSSocket) => socket.destroy())
  return server
}

function serveStream(stream: ServerHttp2Stream, method: Method | undefined): void {
  if (!method) {
    refuse(stream, status.unimplemented, 'This provider does not have this method.')
    return
  }
  if (method.kind === 'idle') {
    stream.respond(responseHeaders)
    stream.resume()
    return
  }
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('end', () => {
    const frame = Buffer.concat(chunks)
    if (frame.length < prefixLength || frame[0] !== 0 || frame.readUInt32BE(1) !== frame.length - prefixLength) {
      refuse(stream, status.internal, 'The request is not one uncompressed message.')
      return
    }
    method.answer(frame.subarray(prefixLength)).then(
      (message) => answer(stream, message),
      (error: unknown) => refuse(stream, status.internal, error instanceof Error ? error.message : String(error)),
    )
  })
}

const responseHeaders = { ':status': 200, 'content-type': 'application/grpc' } as const
const prefixLength = 5

function answer(stream: ServerHttp2Stream, message: Uint8Array): void {
  if (stream.destroyed || stream.headersSent) return
  const frame = Buffer.allocUnsafe(prefixLength + message.length)
  frame[0] = 0
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, prefixLength)
  stream.respond(responseHeaders, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status.ok) }))
  stream.end(frame)
}

/** An error without a message body: headers and trailers in one. */
function refuse(stream: ServerHttp2Stream, code: number, message: string): void {
  if (stream.destroyed || stream.headersSent) return
  stream.respond(
    { ...responseHeaders, 'grpc-status': String(code), 'grpc-message': encodeURIComponent(message) },
    { endStream: true },
  )
}
