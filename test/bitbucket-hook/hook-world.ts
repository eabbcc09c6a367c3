import { onTestFinished } from 'vitest'
import { runOnce } from '../../bitbucket-hook/cli/run-once.ts'
import { type Configuration, readConfiguration } from '../../bitbucket-hook/configuration.ts'
import type { PassReport } from '../../bitbucket-hook/controller/repository-report.ts'
import type { World } from '../../bitbucket-hook/controller/world.ts'
import { createLogger } from '../../bitbucket-hook/logger.ts'
import { type OpenWorld, openWorld } from '../../bitbucket-hook/open-world.ts'
import { systemClock } from '../../clients/system-clock.ts'
import type { EmulatorOptions } from '../../emulator/server.ts'
import type { Registration } from '../../schemas/webhook-target.ts'
import { databases, type TestDatabase } from '../support/databases.ts'
import { startTestEmulator, type TestEmulator, type TestRepository } from '../support/emulator.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

export interface HookWorld {
  readonly emulator: TestEmulator
  readonly server: TestServer
  readonly repositories: readonly TestRepository[]
  /** `repositories[0]`, for worlds of one. */
  readonly repository: TestRepository
  /** The integration's endpoint and secret. */
  readonly credentials: { readonly url: string; readonly secret: string; readonly version: number }
  /** What the hook is configured with, the administrator's token included. */
  environment(changes?: Readonly<Record<string, string>>): Record<string, string>
  attach(repository: TestRepository, name?: string, skipVerification?: boolean): Promise<void>
  /** One pass of the real thing, against the real two. */
  run(mode: World['mode'], changes?: Readonly<Record<string, string>>): Promise<PassReport>
  open(mode: World['mode'], changes?: Readonly<Record<string, string>>): OpenWorld
  configuration(changes?: Readonly<Record<string, string>>): Configuration
  /** Everything that runs of this world logged. */
  log(): string
  registrations(): Promise<readonly Registration[]>
  webhooks(repository?: TestRepository): Promise<readonly SeenWebhook[]>
  /** The one webhook of the one repository; fails where there is another number of them. */
  onlyWebhook(): Promise<SeenWebhook>
  /** Changes a webhook of the one repository, as somebody might in Bitbucket. */
  edit(webhook: SeenWebhook, changes: Readonly<Record<string, unknown>>): Promise<void>
  /** What the hook sent to Bitbucket since the last call: `GET infra`, `PUT infra/7`. */
  sent(): string[]
}

// biome-ignore lint/suspicious/noExplicitAny: what is in it is for the test to say.
export type SeenWebhook = Record<string, any>

export interface HookWorldOptions {
  readonly repositories?: readonly string[]
  readonly emulator?: Partial<EmulatorOptions>
  readonly database?: TestDatabase
  /** Gives the address at which server and hook reach Bitbucket, instead of its own. */
  readonly through?: (emulatorUrl: string) => Promise<string>
}

/** A Bitbucket, a Mooring server, an integration between them, and a stack attached to each repository. */
export async function startHookWorld(options: HookWorldOptions = {}): Promise<HookWorld> {
  const database = options.database ?? databases[0]
  if (!database) throw new Error('There is no database to test on.')
  const emulator = await startTestEmulator(options.emulator)
  const bitbucketUrl = (await options.through?.(emulator.url)) ?? emulator.url
  const server = await startTestServer(database, {
    allowedLoopback: [new URL(bitbucketUrl).host],
    publicUrl: undefined,
  })
  await server.root.call('createIntegration', {
    body: { name: 'main', isDefault: true, apiHost: bitbucketUrl, accessToken: emulator.adminToken },
  })
  const key = await server.root.call('createApiKey', { body: { name: 'hook', role: 'webhook-registrar' } })
  const repositories: TestRepository[] = []
  const lines: string[] = []
  let seen = 0

  function environment(changes: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      MOORING_ENDPOINT: server.url,
      MOORING_API_KEY_ID: key.id,
      MOORING_API_KEY_SECRET: key.secret,
      BITBUCKET_URL: bitbucketUrl,
      BITBUCKET_TOKEN: emulator.adminToken,
      MOORING_HOOK_CALLS_PER_SECOND: '1000',
      MOORING_HOOK_BURST: '2000',
      ...changes,
    }
  }

  const world: HookWorld = {
    emulator,
    server,
    repositories,
    get repository() {
      const [first] = repositories
      if (!first) throw new Error('This world has no repository.')
      return first
    },
    credentials: await server.root.call('readWebhookCredentials', { params: { id: 'main' } }),
    environment,
    configuration: (changes) => readConfiguration(environment(changes)),
    attach: async (
      repository,
      name = `${repository.key} ${repository.slug}`.replaceAll('~', ''),
      skipVerification = false,
    ) => {
      const { key: projectKey, slug: repositorySlug } = repository
      await server.root.call('createStack', {
        query: { skipVerification: skipVerification ? 'true' : 'false' },
        body: { name, branch: 'main', repository: { projectKey, repositorySlug } },
      })
    },
    open: (mode, changes) => {
      const log = createLogger('debug', { write: (line: string) => lines.push(line) })
      const opened = openWorld(world.configuration(changes), { mode, clock: systemClock(), random: () => 0.01, log })
      onTestFinished(() => opened.close())
      return opened
    },
    run: (mode, changes) => runOnce(world.open(mode, changes), 4),
    log: () => lines.join(''),
    registrations: async () => (await server.root.call('listRegistrations', { query: { limit: 500 } })).items,
    webhooks: async (repository = world.repository) =>
      (await emulator.rest('GET', `${repository.path}/webhooks?limit=1000`)).body.values,
    onlyWebhook: async () => {
      const [webhook, ...others] = await world.webhooks()
      if (!webhook || others.length > 0) throw new Error(`There are ${others.length + (webhook ? 1 : 0)} webhooks.`)
      return webhook
    },
    edit: async (webhook, changes) => {
      const path = `${world.repository.path}/webhooks/${webhook.id}`
      const { status } = await emulator.rest('PUT', path, { body: { ...webhook, ...changes } })
      if (status !== 200) throw new Error(`The webhook could not be edited: ${status}.`)
    },
    sent: () => {
      const requests = emulator.requests().filter(({ path }) => path.includes('/webhooks'))
      const fresh = requests.slice(seen)
      seen = requests.length
      return fresh.map(({ method, path }) => {
        const [, slug, id] = /\/repos\/([^/]+)\/webhooks\/?([^?]*)/.exec(path) ?? []
        return `${method} ${slug}${id ? `/${id}` : ''}`
      })
    },
  }
  for (const name of options.repositories ?? ['infra']) {
    const repository = await emulator.createRepository('PRJ', name)
    repositories.push(repository)
    await world.attach(repository, undefined, options.through !== undefined)
  }
  return world
}
