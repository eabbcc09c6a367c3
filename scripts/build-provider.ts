import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { build } from 'esbuild'

/** A provider as one executable file, with the package.json beside it that keeps it CommonJS. */
export interface Plugin {
  /** As Terraform knows it: `registry.terraform.io/mooring/mooring`. */
  readonly address: string
  readonly version: string
  readonly executable: string
}

/** Bundles Mooring's provider into `folder`, as `terraform-provider-mooring_v<version>`. */
export async function buildProvider(root: string, folder: string): Promise<Plugin> {
  const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const version = String((manifest as { readonly version: unknown }).version)
  const entry = join(root, 'provider/main.ts')
  return bundlePlugin(entry, folder, { address: 'registry.terraform.io/mooring/mooring', version })
}

/** The same for any provider: `entry` guards standard output and then serves. */
export async function bundlePlugin(
  entry: string,
  folder: string,
  { address, version }: Pick<Plugin, 'address' | 'version'>,
): Promise<Plugin> {
  const executable = join(folder, `terraform-provider-${basename(address)}_v${version}`)
  await build({
    entryPoints: [entry],
    outfile: executable,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs', // an extensionless file is CommonJS to every Node, given the package.json below
    banner: entry.endsWith('main.ts') ? {} : { js: '#!/usr/bin/env node' },
    define: { 'process.env.MOORING_PROVIDER_VERSION': JSON.stringify(version) },
    legalComments: 'none',
    logLevel: 'warning',
  })
  await chmod(executable, 0o755)
  // Without it Node would read the executable as ESM inside a project whose own package.json says "type": "module".
  await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}\n')
  return { address, version, executable }
}

/** Lays a plugin into a filesystem mirror: `<mirror>/<address>/<version>/<os>_<arch>/`. Returns that folder. */
export async function layOutMirror(mirror: string, plugin: Plugin): Promise<string> {
  const folder = join(mirror, plugin.address, plugin.version, `${goSystem()}_${goArchitecture()}`)
  await mkdir(folder, { recursive: true })
  await copyFile(plugin.executable, join(folder, basename(plugin.executable)))
  await copyFile(join(dirname(plugin.executable), 'package.json'), join(folder, 'package.json'))
  return folder
}

function goSystem(): string {
  return process.platform === 'win32' ? 'windows' : process.platform
}

function goArchitecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch
}
