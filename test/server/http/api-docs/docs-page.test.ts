import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { describe, expect, test } from 'vitest'
import { operations } from '../../../../schemas/api.ts'
import { exampleBitbucket, exampleSecrets, exampleServer } from '../../../../schemas/api-examples.ts'
import { openApiDocument } from '../../../../server/http/api-docs/openapi-document.ts'
import { permissionWords } from '../../../../server/http/api-docs/words.ts'
import { databases } from '../../../support/databases.ts'
import { startTestEmulator } from '../../../support/emulator.ts'
import { needs } from '../../../support/left-out.ts'
import { startTestServer } from '../../../support/server.ts'

const run = promisify(execFile)

test('the OpenAPI document passes every recommended rule of Redocly', async () => {
  const config = await createConfig({ extends: ['recommended'] })
  const source = JSON.stringify(openApiDocument())

  const found = await lintFromString({ source, absoluteRef: '/openapi.json', config })

  expect(found.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([])
})

test('the OpenAPI document has every operation once, with words for its permission and an example of its body', () => {
  const { paths } = openApiDocument() as { paths: Record<string, Record<string, Record<string, unknown>>> }
  const described = Object.values(paths).flatMap((methods) => Object.values(methods))

  expect(described.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(operations).sort())
  for (const { operationId, description, requestBody } of described) {
    expect(description, String(operationId)).not.toBe('')
    if (requestBody) expect(JSON.stringify(requestBody), String(operationId)).toContain('"example"')
  }
  for (const { permission } of Object.values(operations)) expect(permissionWords[permission], permission).toBeTruthy()
})

for (const database of databases) {
  describe(database.name, () => {
    test('S49 the page of the API runs no script, asks nobody else, and keeps the policy', async () => {
      const server = await startTestServer(database)

      const answer = await server.request('GET', '/api/docs', { token: null })
      const page = await answer.text()
      const style = await server.request('GET', '/api/docs/style.css', { token: null })

      expect([answer.status, style.status, style.headers.get('content-type')]).toEqual([
        200,
        200,
        expect.stringMatching(/^text\/css/),
      ])
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(page).not.toMatch(/<script|\son\w+=|style="|javascript:/i)
      const loaded = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url)
      expect(loaded.filter((url) => !/^(#|\/api\/)/.test(url ?? ''))).toEqual([])
      expect(await style.text()).not.toMatch(/url\(|@import/)
      const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
      for (const url of loaded) if (url?.startsWith('#')) expect(ids, url).toContain(url.slice(1))
      for (const id of Object.keys(operations)) expect(ids).toContain(id)
    })

    test('R200 the document is served without a token, and is the one that the page shows', async () => {
      const server = await startTestServer(database)

      const answer = await server.request('GET', '/api/v1/openapi.json', { token: null })

      expect(await answer.json()).toEqual(openApiDocument())
    })

    needs(
      'curl',
      'git',
      'git-http-backend',
    )('a reader with nothing but the page and curl', () => {
      test('R200 makes a token, a space, an integration and a stack with the commands of the page', async () => {
        const bitbucket = await startTestEmulator()
        const repository = await bitbucket.createRepository('INFRA', 'network')
        await repository.push({ files: { 'live/network/main.tf': '# the network' } })
        const accessToken = await bitbucket.createToken({ project: 'INFRA' }, ['PROJECT_READ', 'REPO_READ'])
        const server = await startTestServer(database, {
          publicUrl: exampleServer,
          allowedLoopback: [new URL(bitbucket.url).host],
        })
        const { stdout: page } = await run('curl', ['-s', `${server.url}/api/docs`], { maxBuffer: 10_000_000 })
        let token = ''
        const follow = async (operation: string) => {
          const command = commandOf(page, operation)
            .replace(/"keyId": "[^"]*"/, `"keyId": "${server.rootKey.keyId}"`)
            .replaceAll(exampleSecrets.apiKey, server.rootKey.keySecret)
            .replaceAll(exampleSecrets.bitbucketToken, accessToken)
            .replaceAll(exampleBitbucket, bitbucket.url)
          const env = { ...process.env, MOORING_URL: server.url, MOORING_TOKEN: token }
          const { stdout } = await run('sh', ['-c', command.replace(/^curl/, "curl -s -w '\\n%{http_code}'")], { env })
          const end = stdout.lastIndexOf('\n')
          return { status: Number(stdout.slice(end + 1)), answer: JSON.parse(stdout.slice(0, end)) }
        }

        token = (await follow('createToken')).answer.token
        const space = await follow('createSpace')
        const integration = await follow('createIntegration')
        const stack = await follow('createStack')

        expect([space, integration, stack].map(({ status, answer }) => [status, answer.id])).toEqual([
          [201, 'platform'],
          [201, 'company-bitbucket'],
          [201, 'network'],
        ])
        expect((await server.root.call('getStack', { params: { id: 'network' } })).attachment).toMatchObject({
          integrationId: 'company-bitbucket',
          projectKey: 'INFRA',
        })
      }, 30_000)
    })
  })
}

/** The shell command of an operation, as a reader copies it from the page. */
function commandOf(page: string, operation: string): string {
  const article = page.slice(page.indexOf(`<article id="${operation}">`))
  const [, command = ''] = /<pre class="shell"><code>([\s\S]*?)<\/code>/.exec(article) ?? []
  return command
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
