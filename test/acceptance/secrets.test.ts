import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { needs } from '../support/left-out.ts'
import { findSecrets, readFolder } from '../support/secret-search.ts'
import { unzip } from '../support/unzip.ts'
import { integrationBlock, repositoryOf, stackBlock, webhookBlock } from './configurations.ts'
import { openStage, type Stage, type Workspace } from './stage.ts'

let stage: Stage

needs('terraform')('secrets on their way through Terraform', () => {
  beforeAll(async () => {
    stage = await openStage()
    for (const name of ['one', 'two']) await stage.emulator.createRepository('PRJ', name)
  })

  test('R133 S46 no token and no secret is in state, plan, output, trace log, server log or database', async () => {
    const planted = (name: string) => `${name}-${randomBytes(12).toString('base64')}"&%<\\+`
    const [token, rotated, ownSecret] = [planted('token'), planted('rotated'), planted('webhook')]
    const variables = {
      TF_VAR_token: token,
      TF_VAR_secret: ownSecret,
      TF_LOG: 'TRACE',
    }
    const workspace = await stage.open(configuration('1'), variables)
    const printed: string[] = []
    const run = async (env: Record<string, string>, ...args: string[]) => {
      const log = { TF_LOG_PATH: join(workspace.folder, `trace-${printed.length}.log`) }
      const { code, stdout, stderr } = await workspace.runWith({ ...log, ...env }, ...args)
      printed.push(stdout, stderr)
      return code
    }

    // Every operation, and every kind of failure that sees a secret.
    expect(await run({}, 'plan', '-out=first.plan')).toBe(0)
    expect(await run({}, 'show', '-json', 'first.plan')).toBe(0)
    expect(await run({}, 'apply', 'first.plan')).toBe(0)
    const { secret } = await stage.server.root.call('readWebhookCredentials', { params: { id: 'bitbucket' } })
    await workspace.configure(configuration('2'))
    expect(await run({ TF_VAR_token: rotated }, 'plan', '-out=second.plan')).toBe(0)
    expect(await run({ TF_VAR_token: rotated }, 'apply', 'second.plan')).toBe(0)
    expect(await run({ TF_VAR_token: `${rotated} blank` }, 'plan')).toBe(1)
    expect(await run({ BITBUCKET_TOKEN: rotated }, 'plan')).toBe(1)
    expect(await run({ MOORING_API_KEY_SECRET: ownSecret }, 'plan')).toBe(1)
    await stage.emulator.addFault({ kind: 'status', status: 500, method: 'PUT', path: '*/webhooks/*', body: ownSecret })
    await workspace.configure(configuration('3'))
    expect(await run({ TF_VAR_secret: planted('again'), MOORING_MAX_RETRIES: '0' }, 'apply', '-auto-approve')).toBe(1)
    await stage.emulator.clearFaults()
    expect(await run({}, 'state', 'pull')).toBe(0)
    expect(await run({}, 'apply', '-auto-approve')).toBe(0)
    expect(await run({}, 'apply', '-destroy', '-auto-approve')).toBe(0)

    const secrets = {
      'access token': token,
      'rotated access token': rotated,
      'write-only webhook secret': ownSecret,
      'webhook secret of the integration': secret,
      'API key secret': stage.env.MOORING_API_KEY_SECRET ?? '',
      BITBUCKET_TOKEN: stage.env.BITBUCKET_TOKEN ?? '',
    }
    const sinks: Record<string, string | Uint8Array> = {
      ...(await filesOf(workspace)),
      ...prefixed('database', readFolder(stage.databaseFolder)),
      ...prefixed('printed', Object.fromEntries(printed.entries())),
      'server log': stage.server.log(),
    }
    expect(Object.keys(sinks)).toEqual(
      expect.arrayContaining([
        'terraform.tfstate',
        'first.plan',
        'first.plan/tfplan',
        'trace-0.log',
        'database/mooring.db',
      ]),
    )
    expect(findSecrets(secrets, sinks)).toEqual([])
    // The trace log is one: the provider wrote into it.
    expect(String(sinks['trace-0.log'])).toContain('mooring_bitbucket_datacenter_integration')
  })

  test('R133 S46 the same search finds a token that the configuration lets into the state', async () => {
    const token = `kept-${randomBytes(12).toString('base64')}"&%<+`
    const kept = { access_token_wo: null, access_token_wo_version: null, access_token: JSON.stringify(token) }
    const workspace = await stage.open(integrationBlock(stage, 'kept', kept))
    await workspace.succeed('plan', '-out=the.plan')
    await workspace.apply()

    const found = findSecrets({ token }, await filesOf(workspace))

    expect(new Set(found.map(({ sink }) => sink))).toEqual(
      new Set(['main.tf', 'terraform.tfstate', 'the.plan/tfplan', 'the.plan/tfconfig/m-/main.tf']),
    )
  })
})

/** With a version for both write-only values, which come from outside. */
function configuration(version: string): string {
  const own = {
    integration_id: null,
    url: '"https://ci.example.com/hook"',
    secret_wo: 'var.secret',
    secret_wo_version: JSON.stringify(version),
  }
  return `
variable "token" {
  type      = string
  ephemeral = true
  sensitive = true
}
variable "secret" {
  type      = string
  ephemeral = true
  sensitive = true
}
ephemeral "mooring_integration_webhook_credentials" "credentials" {
  integration_id = mooring_bitbucket_datacenter_integration.bitbucket.id
}
${integrationBlock(stage, 'bitbucket', { access_token_wo: 'var.token', access_token_wo_version: JSON.stringify(version) })}
${integrationBlock(stage, 'reading')}
${stackBlock('inline', { repository: repositoryOf('reading', 'one') })}
${webhookBlock('one', 'bitbucket', 'one')}
${webhookBlock('two', 'bitbucket', 'two', own)}
${webhookBlock('three', 'bitbucket', 'two', { ...own, url: '"https://ci.example.com/copy"', secret_wo: 'ephemeral.mooring_integration_webhook_credentials.credentials.secret' })}
`
}

/** All files of a workspace but the provider itself; a plan file also with what is in it. */
async function filesOf({ folder }: Workspace): Promise<Record<string, Uint8Array>> {
  const files = Object.fromEntries(
    Object.entries(readFolder(folder)).filter(([name]) => !name.startsWith('.terraform/')),
  )
  for (const name of Object.keys(files).filter((file) => file.endsWith('.plan'))) {
    Object.assign(files, prefixed(name, unzip(await readFile(join(folder, name)))))
  }
  return files
}

function prefixed<T>(prefix: string, sinks: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(sinks).map(([name, content]) => [`${prefix}/${name}`, content]))
}
