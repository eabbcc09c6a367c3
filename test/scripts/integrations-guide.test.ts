import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { startTestEmulator } from '../support/emulator.ts'
import { needs } from '../support/left-out.ts'
import { startTestServer } from '../support/server.ts'

needs('git', 'git-http-backend')('docs/integrations.md', () => {
  test('R18 its calls do what the guide says', async () => {
    const [database] = databases
    if (!database) throw new Error('There is no database to test with.')
    const bitbucket = await startTestEmulator({ contextPath: '/bitbucket' })
    await bitbucket.createRepository('INFRA', 'network')
    const accessToken = await bitbucket.createToken({ project: 'INFRA' }, ['PROJECT_READ', 'REPO_READ'])
    const server = await startTestServer(database, { allowedLoopback: [new URL(bitbucket.url).host] })
    const environment = {
      MOORING: server.url,
      TOKEN: await server.token(),
      BITBUCKET: bitbucket.url,
      BITBUCKET_TOKEN: accessToken,
    }
    const blocks = [...readFileSync('docs/integrations.md', 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)]

    const answers: string[] = []
    for (const [, script = ''] of blocks) answers.push(await run(script, environment))

    expect(answers).toHaveLength(7)
    const [unsaved, created, stored, , narrowed, details, deleted] = answers
    expect(unsaved).toContain('"name":"repository","outcome":"ok"')
    expect(created).toContain('"id":"company-bitbucket"')
    expect(stored).toContain('"name":"token","outcome":"ok"')
    expect(narrowed).toContain('"repositories":["INFRA/*","DOCS/handbook"]')
    expect(details).toContain('"webhookSecret"')
    expect(deleted).toContain('"detached":[]')
    const { items } = await server.root.call('listIntegrations', { query: {} })
    expect(items.map(({ id }) => id)).toEqual(['berlin'])
  })
})

async function run(script: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], { env: { PATH: process.env.PATH, ...environment } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`Exit code ${code}: ${script}\n${output}`)
  return output
}
