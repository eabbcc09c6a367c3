import { once } from 'node:events'
import type { Server } from 'node:net'
import type { AnyProvider } from '../framework/provider.ts'
import { newSession } from '../framework/session.ts'
import { newCertificate } from './certificate.ts'
import { newGrpcServer } from './grpc-server.ts'
import { chooseAddress, handshakeLine, type ListenAddress, refuseEnvironment } from './handshake.ts'
import { type Lifecycle, watchLifecycle } from './lifecycle.ts'
import { newLogger } from './logger.ts'
import { pluginMethods } from './plugin-services.ts'
import { providerMethods } from './provider-methods.ts'
import type { WriteStdout } from './stdout-guard.ts'

/**
 * Serves a provider to the Terraform that started this process, until it is not needed any more. With PLUGIN_CLIENT_CERT,
 * which Terraform sets, only the holder of that certificate is let in; without it the connection is plain.
 */
export async function serveProvider<Client>(
  provider: AnyProvider<Client>,
  { env, platform }: Pick<NodeJS.Process, 'env' | 'platform'>,
  writeStdout: WriteStdout,
): Promise<void> {
  const refusal = refuseEnvironment(env)
  if (refusal) {
    process.stderr.write(refusal)
    process.exitCode = 1
    return
  }
  const log = newLogger(
    env,
    (line) => void process.stderr.write(line),
    () => new Date(),
  )
  const session = newSession(provider, log)
  const clientCertificatePem = env.PLUGIN_CLIENT_CERT
  const certificate = clientCertificatePem ? newCertificate(new Date()) : undefined
  const lifecycle: { current?: Lifecycle } = {}
  const methods = new Map([...pluginMethods(() => lifecycle.current?.shutDown()), ...providerMethods(session)])
  const tls = certificate && clientCertificatePem ? { certificate, clientCertificatePem } : undefined
  const server = newGrpcServer(methods, tls)
  const address = chooseAddress(env, platform)
  lifecycle.current = watchLifecycle(server, address.network === 'unix' ? address.folder : undefined, log)
  const where = await listen(server, address)
  writeStdout(handshakeLine(address.network, where, certificate?.der))
}

/** Returns the address as the handshake names it. */
async function listen(server: Server, address: ListenAddress): Promise<string> {
  if (address.network === 'unix') {
    server.listen(address.path)
    await once(server, 'listening')
    return address.path
  }
  const { host, ports } = address
  for (let port = ports.from; port <= ports.to; port++) {
    server.listen(port, host)
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    const bound = server.address()
    if (free && bound && typeof bound === 'object') return `${host}:${bound.port}`
  }
  throw new Error(`No port between ${ports.from} and ${ports.to} is free on ${host}.`)
}
