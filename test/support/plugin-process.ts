import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Certificate, toPem } from '../../provider/protocol/certificate.ts'

/** A plugin that was started as Terraform starts it. */
export interface PluginProcess {
  readonly child: ChildProcess
  /** Everything on standard output so far, and on standard error. */
  output(): { readonly stdout: string; readonly stderr: string }
  /** The fields of the handshake line. Rejects when the process ends without one. */
  handshake(): Promise<Handshake>
  ended(): Promise<number | null>
}

export interface Handshake {
  readonly fields: readonly string[]
  readonly address: string
  readonly certificatePem: string | undefined
}

export const pluginEnvironment = {
  TF_PLUGIN_MAGIC_COOKIE: 'd602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2',
  PLUGIN_PROTOCOL_VERSIONS: '5,6',
}

export function startPlugin(executable: string, env: NodeJS.ProcessEnv): PluginProcess {
  const { PATH, HOME, TMPDIR } = process.env
  const child = spawn(executable, [], { env: { PATH, HOME, ...(TMPDIR ? { TMPDIR } : {}), ...env } })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  const ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null)
  const handshake = async (): Promise<Handshake> => {
    while (!output.stdout.includes('\n')) {
      const event = await Promise.race([once(child.stdout, 'data').then(() => 'data'), ended.then(() => 'ended')])
      if (event === 'ended') throw new Error(`The plugin ended without a handshake: ${output.stderr}`)
    }
    const fields = output.stdout.slice(0, output.stdout.indexOf('\n')).split('|')
    const certificate = fields[5] ? toPem(Buffer.from(fields[5], 'base64')) : undefined
    return { fields, address: fields[3] ?? '', certificatePem: certificate }
  }
  return { child, output: () => output, handshake, ended: () => ended }
}

/** Connects as Terraform does; with a certificate over TLS. The session errors when the plugin does not let us in. */
export async function connectPlugin(
  handshake: Handshake,
  client: Certificate | 'without certificate' | undefined,
): Promise<ClientHttp2Session> {
  const { address, certificatePem } = handshake
  const credentials = client && client !== 'without certificate' ? { cert: client.pem, key: client.privateKeyPem } : {}
  const session = connect(client ? 'https://localhost' : 'http://localhost', {
    createConnection: () =>
      client && certificatePem
        ? connectTls({
            path: address,
            servername: 'localhost',
            ca: certificatePem,
            ALPNProtocols: ['h2'],
            ...credentials,
          })
        : connectSocket(address),
  })
  await once(session, 'connect')
  return session
}

export interface Answer {
  readonly status: number
  readonly message: Buffer
}

/** Calls a unary method. Rejects when the connection ends first. */
export function callPlugin(session: ClientHttp2Session, path: string, request: Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const chunks: Buffer[] = []
    let status: number | undefined
    const take = (headers: { readonly [name: string]: unknown }) => {
      if (headers['grpc-status'] !== undefined) status = Number(headers['grpc-status'])
    }
    stream.on('response', take)
    stream.on('trailers', take)
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    session.on('error', reject)
    stream.on('close', () => {
      if (status === undefined) reject(new Error('The connection ended without a status'))
      else resolve({ status, message: Buffer.concat(chunks).subarray(5) })
    })
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(request.length, 1)
    stream.end(Buffer.concat([prefix, request]))
  })
}
