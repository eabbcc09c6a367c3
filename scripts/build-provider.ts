import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type BuildOptions, build, type Plugin as EsbuildPlugin } from 'esbuild'

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
  const options = {
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs', // an extensionless file is CommonJS to every Node, given the package.json below
    define: { 'process.env.MOORING_PROVIDER_VERSION': JSON.stringify(version) },
    legalComments: 'none',
    logLevel: 'warning',
  } as const
  await build({
    ...options,
    entryPoints: [entry],
    outfile: executable,
    banner: entry.endsWith('main.ts') ? {} : { js: '#!/usr/bin/env node' },
    plugins: [compileLater(await modulesForLater(entry), options)],
  })
  await chmod(executable, 0o755)
  // Without it Node would read the executable as ESM inside a project whose own package.json says "type": "module".
  await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}\n')
  return { address, version, executable }
}

/** What a provider imports while it runs, but for the module that makes the handshake itself. */
async function modulesForLater(entry: string): Promise<readonly string[]> {
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    metafile: true,
    write: false,
  })
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports)
  const later = imports.filter(({ kind, path }) => kind === 'dynamic-import' && !path.endsWith('serve-provider.ts'))
  return [...new Set(later.map(({ path }) => resolve(path)))]
}

/**
 * Keeps those modules in the bundle as text, which is compiled when the first of them is imported: Node then starts
 * without reading nine tenths of the code, and does so while Terraform is on its way to the socket.
 */
function compileLater(paths: readonly string[], options: BuildOptions): EsbuildPlugin {
  return {
    name: 'compile-later',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /\.ts$/ }, ({ kind, path, resolveDir }) => {
        const found = resolve(resolveDir, path)
        return kind === 'dynamic-import' && paths.includes(found) ? { path: found, namespace: 'one' } : undefined
      })
      onResolve({ filter: /^all$/, namespace: 'one' }, () => ({ path: 'all', namespace: 'all' }))
      onLoad({ filter: /.*/, namespace: 'one' }, ({ path }) => ({
        contents: `module.exports = require('all').m${paths.indexOf(path)}`,
      }))
      onLoad({ filter: /.*/, namespace: 'all' }, async () => {
        const contents = paths.map((path, index) => `export * as m${index} from ${JSON.stringify(path)}`).join('\n')
        const stdin = { contents, resolveDir: '/', loader: 'ts' } as const
        const { outputFiles } = await build({ ...options, stdin, write: false })
        const text = JSON.stringify(outputFiles?.[0]?.text)
        return {
          contents: `require('node:vm').compileFunction(${text}, ['module', 'exports', 'require'])(module, exports, require)`,
        }
      })
    },
  }
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
