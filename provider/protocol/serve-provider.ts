import type { AnyProvider } from '../framework/provider.ts'
import { newSession, type Session } from '../framework/session.ts'
import { newCertificate } from './certificate.ts'
import { chooseAddress, handshakeLine, refuseEnvironment } from './handshake.ts'
import { watchLifecycle } from './lifecycle.ts'
import { listen } from './listen.ts'
import { newLogger } from './logger.ts'
import type { WriteStdout } from './stdout-guard.ts'

/**
 * Serves a provider to the Terraform that started this process, until it is not needed any more. With PLUGIN_CLIENT_CERT,
 * which Terraform sets, only the holder of that certificate is let in; without it the connection is plain. What the
 * handshake does not need, HTTP/2 and the provider itself, loads while Terraform is on its way.
 */
export async function serveProvider<Client>(
  load: () => Promise<AnyProvider<Client>>,
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
  const clientCertificatePem = env.PLUGIN_CLIENT_CERT
  const certificate = clientCertificatePem ? newCertificate(new Date()) : undefined
  const address = chooseAddress(env, platform)
  const lifecycle = watchLifecycle(address.network === 'unix' ? address.folder : undefined, log)
  const door = await listen(address)
  writeStdout(handshakeLine(address.network, door.address, certificate?.der))

  const [{ newGrpcServer }, { pluginMethods }, { providerMethods }] = await Promise.all([
    import('./grpc-server.ts'),
    import('./plugin-services.ts'),
    import('./provider-methods.ts'),
  ])
  const loading: { session?: Promise<Session<Client>> } = {}
  const session = () => {
    loading.session ??= load().then((provider) => newSession(provider, log))
    return loading.session
  }
  const methods = new Map([...pluginMethods(() => lifecycle.shutDown()), ...providerMethods({ session, log })])
  const tls = certificate && clientCertificatePem ? { certificate, clientCertificatePem } : undefined
  const server = newGrpcServer(methods, tls)
  lifecycle.watch(server)
  door.open((socket) => server.emit('connection', socket))
  await session()
}
