import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildProvider, bundlePlugin, layOutMirror, type Plugin } from '../../scripts/build-provider.ts'

/** The real Terraform with a filesystem mirror of its own: it asks no registry and reads nobody's configuration. */
export interface Terraform {
  readonly mirror: string
  readonly env: NodeJS.ProcessEnv
  close(): Promise<void>
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The checkout, whether the test runs as TypeScript or from dist. */
export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/dist\/$/, '/')

/** Makes a mirror of the given plugins and the CLI configuration that points at it alone. */
export async function newTerraform(plugins: (folder: string) => Promise<readonly Plugin[]>): Promise<Terraform> {
  const folder = await mkdtemp(join(tmpdir(), 'mooring-terraform-'))
  const mirror = join(folder, 'mirror')
  for (const plugin of await plugins(folder)) await layOutMirror(mirror, plugin)
  const configuration = join(folder, 'terraform.rc')
  await writeFile(
    configuration,
    `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(mirror)}\n  }\n}\n`,
  )
  const inherited = Object.entries(process.env).filter(([name]) => !/^(TF_|MOORING_|BITBUCKET_)/.test(name))
  const env = {
    ...Object.fromEntries(inherited),
    TF_CLI_CONFIG_FILE: configuration,
    CHECKPOINT_DISABLE: '1',
    TF_IN_AUTOMATION: '1',
    TF_INPUT: '0',
    TF_CLI_ARGS: '-no-color',
  }
  return { mirror, env, close: () => rm(folder, { recursive: true, force: true }) }
}

/** Mooring's own provider, bundled as for a release. */
export async function mooringTerraform(): Promise<Terraform> {
  return newTerraform(async (folder) => {
    const built = join(folder, 'built')
    await mkdir(built)
    return [await buildProvider(repositoryRoot, built)]
  })
}

/** A provider from `test/support/fixtures/<name>/main.ts`, as `registry.terraform.io/test/<type>`, version 1.0.0. */
export async function fixturePlugin(folder: string, name: string, type: string): Promise<Plugin> {
  const built = join(folder, `built-${name}`)
  await mkdir(built)
  const entry = join(repositoryRoot, 'test/support/fixtures', name, 'main.ts')
  return bundlePlugin(entry, built, { address: `registry.terraform.io/test/${type}`, version: '1.0.0' })
}

/** Runs one Terraform command in a folder and waits for its end; a failure is an answer, not an exception. */
export async function runTerraform(
  terraform: Terraform,
  folder: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Finished> {
  return finished(startTerraform(terraform, folder, args, env))
}

/** Starts one in a process group of its own, so that a test can signal it as a terminal would. */
export function startTerraform(
  terraform: Terraform,
  folder: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): ChildProcess {
  return spawn('terraform', args, { cwd: folder, env: { ...terraform.env, ...env }, detached: true })
}

export function finished(child: ChildProcess): Promise<Finished> {
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...output }))
  })
}

/** A new folder with the given files, for one test. */
export async function newWorkspace(files: { readonly [name: string]: string }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mooring-workspace-'))
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  return folder
}
