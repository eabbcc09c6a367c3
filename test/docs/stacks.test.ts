import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { repositoryRoot } from '../../scripts/repository-root.ts'
import { databases } from '../support/databases.ts'
import { startTestEmulator } from '../support/emulator.ts'
import { needs } from '../support/left-out.ts'
import { startTestServer } from '../support/server.ts'

const run = promisify(execFile)

needs(
  'curl',
  'git',
  'git-http-backend',
)('the guide to stacks and modules', () => {
  test.for(databases)('R29 R71 its commands work as they stand ($name)', async (database) => {
    const guide = readFileSync(join(repositoryRoot(), 'docs/stacks.md'), 'utf8')
    const commands = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block)
    const bitbucket = await startTestEmulator()
    const repository = await bitbucket.createRepository('INFRA', 'network')
    await repository.push({ files: { 'live/network/main.tf': '1', 'modules/network/main.tf': '1' } })
    const server = await startTestServer(database, { allowedLoopback: [new URL(bitbucket.url).host] })
    await server.root.call('createSpace', { body: { name: 'Platform' } })
    await server.root.call('createIntegration', {
      body: { name: 'Company Bitbucket', isDefault: true, apiHost: bitbucket.url, accessToken: bitbucket.adminToken },
    })
    const env = { PATH: process.env.PATH, MOORING: server.url, TOKEN: await server.token() }

    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', commands.join('\n')], { env })

    expect(stdout).toContain('"why":"It is the default integration, which every space may use."')
    expect(stdout).toContain('"path":"live/network","type":"directory"')
    expect(await server.root.call('getStack', { params: { id: 'network' } })).toMatchObject({
      labels: ['env:production'],
      attachment: { integrationId: 'company-bitbucket', managedBy: 'stack', verified: true },
    })
    expect(await server.root.call('getModule', { params: { id: 'network' } })).toMatchObject({
      attachment: { moduleId: 'network', managedBy: 'attachment' },
    })
  })
})
