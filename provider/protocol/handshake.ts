import type { Buffer } from 'node:buffer'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Not a secret: how Terraform tells a plugin that it was started as one. */
const magicCookie = 'd602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2'

/** Why this process cannot serve Terraform, or undefined. */
export function refuseEnvironment(env: NodeJS.ProcessEnv): string | undefined {
  if (env.TF_PLUGIN_MAGIC_COOKIE !== magicCookie) {
    return (
      'This is a Terraform provider: it is not run by hand, Terraform starts it.\n' +
      'Name it in a required_providers block and run "terraform init".\n'
    )
  }
  const offered = env.PLUGIN_PROTOCOL_VERSIONS
  if (offered && !offered.split(',').includes('6')) {
    return `This provider speaks protocol 6, which needs Terraform 1.1 or newer; offered were: ${offered}.\n`
  }
  return undefined
}

export type ListenAddress =
  | { readonly network: 'unix'; readonly path: string; readonly folder: string }
  | {
      readonly network: 'tcp'
      readonly host: '127.0.0.1'
      readonly ports: { readonly from: number; readonly to: number }
    }

const longestSocketPath = 103 // sun_path has 104 bytes on macOS and 108 on Linux, the last of them zero

/**
 * Where to listen: on a Unix socket in a folder that only this user may enter, and on Windows on TCP with the ports that
 * Terraform allows. Makes the folder; whoever listens removes it.
 */
export function chooseAddress(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): ListenAddress {
  if (platform === 'win32') {
    const from = Number(env.PLUGIN_MIN_PORT ?? 0)
    const to = Number(env.PLUGIN_MAX_PORT ?? 0)
    return { network: 'tcp', host: '127.0.0.1', ports: { from, to: Math.max(from, to) } }
  }
  const parent = env.PLUGIN_UNIX_SOCKET_DIR || tmpdir()
  if (join(parent, 'plugin-XXXXXX', 's').length > longestSocketPath) {
    throw new Error(`The path "${parent}" is too long for a Unix socket. Set TMPDIR to a shorter one.`)
  }
  const folder = mkdtempSync(join(parent, 'plugin-')) // mkdtemp makes it 0700
  return { network: 'unix', path: join(folder, 's'), folder }
}

/** The one line that Terraform reads: core protocol 1, application protocol 6, where to connect, and the certificate. */
export function handshakeLine(network: 'unix' | 'tcp', address: string, certificate: Buffer | undefined): string {
  const encoded = certificate ? certificate.toString('base64').replace(/=+$/, '') : '' // Go expects it unpadded
  return `1|6|${network}|${address}|grpc|${encoded}\n`
}
