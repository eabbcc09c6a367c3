import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerClient } from '../../clients/server/client.ts'
import { buildProvider, layOutMirror } from '../build-provider.ts'
import { repositoryRoot } from '../repository-root.ts'
import { furnishBitbucket, type StoryBitbucket } from './bitbucket.ts'
import { type ApiCredentials, connect, createKey, drawBootstrapKey } from './mooring.ts'
import { type Part, startPart } from './processes.ts'
import { cloneRepository, type WorkingCopy } from './repository.ts'
import { prepareTerraform, type StoryTerraform } from './terraform.ts'

export const repositories = ['network', 'shop'] as const

/** Everything that the story needs, running. */
export interface Stage {
  readonly folder: string
  readonly bitbucket: StoryBitbucket
  readonly serverUrl: string
  readonly server: ServerClient
  readonly administrator: ApiCredentials
  readonly terraform: StoryTerraform
  readonly copies: Readonly<Record<(typeof repositories)[number], WorkingCopy>>
  /** Starts bitbucket-hook; it is not there from the beginning, so that the story can show what it does. */
  startHook(): Promise<void>
  /** Stops the processes in the order opposite to their start, and removes the folder. */
  clear(): Promise<void>
}

/** Starts a Bitbucket and a server on free ports in a folder of their own; nothing is left when it fails. */
export async function setStage(terraformProgram: string): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'mooring-quickstart-'))
  const parts: Part[] = []
  const clear = async () => {
    for (const part of parts.reverse()) await part.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    return await furnish(folder, parts, terraformProgram, clear)
  } catch (error) {
    await clear()
    throw error
  }
}

async function furnish(
  folder: string,
  parts: Part[],
  terraformProgram: string,
  clear: () => Promise<void>,
): Promise<Stage> {
  const start = async (name: string, script: string, args: readonly string[], env: Record<string, string>) => {
    const part = await startPart(name, script, args, env, folder)
    parts.push(part)
    return part.ready
  }

  const emulator = await start(
    'bitbucket',
    'scripts/emulator.js',
    ['--port', '0', '--data', join(folder, 'bitbucket')],
    {},
  )
  const bitbucket = await furnishBitbucket(String(emulator.url), String(emulator.adminToken), repositories)

  const bootstrap = drawBootstrapKey()
  const listening = await start('server', 'server/main.js', ['serve'], {
    MOORING_DATABASE_URL: `sqlite:${join(folder, 'mooring.db')}`,
    MOORING_LISTEN: '127.0.0.1:0',
    MOORING_ALLOWED_LOOPBACK: new URL(bitbucket.url).host,
    MOORING_BOOTSTRAP_KEY: `${bootstrap.keyId}:${bootstrap.keySecret}`,
    MOORING_STOP_GRACE_SECONDS: '0',
  })
  const serverUrl = String(listening.url)
  const administrator = await createKey(connect(serverUrl, bootstrap), 'quickstart', 'admin')
  const server = connect(serverUrl, administrator)

  const mirror = join(folder, 'mirror')
  const plugin = join(folder, 'plugin')
  await mkdir(plugin)
  await layOutMirror(mirror, await buildProvider(repositoryRoot(), plugin))
  const example = join(repositoryRoot(), 'examples', 'quickstart')
  const terraform = await prepareTerraform(terraformProgram, example, mirror, join(folder, 'terraform'), {
    MOORING_ENDPOINT: serverUrl,
    MOORING_API_KEY_ID: administrator.keyId,
    MOORING_API_KEY_SECRET: administrator.keySecret,
    BITBUCKET_URL: bitbucket.url,
    BITBUCKET_TOKEN: bitbucket.webhookToken,
    TF_VAR_bitbucket_url: bitbucket.url,
    TF_VAR_bitbucket_read_token: bitbucket.readToken,
    TF_VAR_project_key: bitbucket.projectKey,
  })

  const clones = join(folder, 'clones')
  const copies = {
    network: await cloneRepository(bitbucket, 'network', clones),
    shop: await cloneRepository(bitbucket, 'shop', clones),
  }

  const startHook = async () => {
    const registrar = await createKey(server, 'bitbucket-hook', 'webhook-registrar')
    await start('bitbucket-hook', 'bitbucket-hook/main.js', ['serve'], {
      MOORING_ENDPOINT: serverUrl,
      MOORING_API_KEY_ID: registrar.keyId,
      MOORING_API_KEY_SECRET: registrar.keySecret,
      BITBUCKET_URL: bitbucket.url,
      BITBUCKET_TOKEN: bitbucket.webhookToken,
      MOORING_HOOK_INTERVAL_SECONDS: '1',
    })
  }
  return { folder, bitbucket, serverUrl, server, administrator, terraform, copies, startHook, clear }
}
