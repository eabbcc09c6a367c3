import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { lookAtToken, seesRepositories } from '../../../clients/bitbucket/connection-checks.ts'
import { getRepository, listRepositories } from '../../../clients/bitbucket/repositories.ts'
import { canAdministerWebhooks, isWebhooksPath } from '../../../clients/bitbucket/webhooks.ts'
import { listen } from '../listening.ts'
import { answering, openClient } from './client-under-test.ts'

const json = { 'content-type': 'application/json' }
const page = (...values: unknown[]) => ({ isLastPage: true, size: values.length, limit: 1, start: 0, values })
const repository = { id: 1, slug: 'network', name: 'network', project: { key: 'INFRA' } }

test.for<[header: string | undefined, name: string | undefined]>([
  ['mooring-svc', 'mooring-svc'],
  ['j%C3%BCrgen', 'jürgen'],
  ['ada@example.com', 'ada@example.com'],
  [undefined, undefined],
  ['', undefined],
  ['%zz', undefined],
  ['<script>', undefined],
  ['a b', undefined],
  ['%0Aa', undefined],
  ['a'.repeat(300), undefined],
])('R18a S37 the token’s user by the header %s is %s', async ([header, userName]) => {
  const headers = header === undefined ? json : { ...json, 'x-ausername': header }

  const facts = await lookAtToken(answering(200, page({ key: 'INFRA' }), headers).client)

  expect(facts).toEqual({ userName, seesProjects: true })
})

test('R18 a token that sees nothing says so', async () => {
  expect(await lookAtToken(answering(200, page()).client)).toMatchObject({ seesProjects: false })
  expect(await seesRepositories(answering(200, page()).client, 'REPO_READ')).toBe(false)
  expect(await seesRepositories(answering(200, page(repository)).client, 'REPO_READ')).toBe(true)
})

test('R18 admin permission is told apart from a token that is not accepted', async () => {
  const failure = (name: string) => ({ errors: [{ exceptionName: `com.atlassian.bitbucket.${name}` }] })
  const address = { projectKey: 'INFRA', repositorySlug: 'network' }

  expect(await canAdministerWebhooks(answering(200, page()).client, address)).toBe(true)
  expect(await canAdministerWebhooks(answering(401, failure('AuthorisationException')).client, address)).toBe(false)
  await expect(
    canAdministerWebhooks(answering(401, failure('auth.IncorrectPasswordAuthenticationException')).client, address),
  ).rejects.toMatchObject({ code: 'bad_credential' })
})

test.for<[path: string, isWebhooks: boolean]>([
  ['/rest/api/latest/projects/P/repos/r/webhooks', true],
  ['/rest/api/1.0/projects/P/repos/r/webhooks/1', true],
  ['/context/rest/api/latest/projects/P/webhooks?limit=1', true],
  ['/rest/api/latest/projects/P/repos/r/webhooks/search', true],
  ['/rest/api/latest/projects/P/repos/webhooks', false],
  ['/rest/api/latest/projects/webhooks', false],
  ['/rest/api/latest/projects/webhooks/repos/r/branches', false],
  ['/rest/api/latest/projects/P/repos/r/branches?filterText=/webhooks', false],
  ['/rest/api/latest/projects/repos/repos/webhooks/webhooks', true],
])('S29 %s is of webhooks: %s', ([path, isWebhooks]) => {
  expect(isWebhooksPath(`https://bitbucket.example.com${path}`)).toBe(isWebhooks)
})

test('S39 no address in an answer is ever followed', async () => {
  let connections = 0
  const elsewhere = createServer()
  elsewhere.on('connection', () => connections++)
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void elsewhere.close())
  const href = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`
  const links = { self: [{ href }], clone: [{ name: 'http', href }], next: href }
  const linked = { ...repository, links, project: { ...repository.project, links }, avatarUrl: href }
  const port = await listen((request, response) => {
    const isList = request.url?.startsWith('/rest/api/latest/repos?')
    const body = isList ? { ...page(linked), links, next: href } : linked
    response.writeHead(200, { ...json, link: `<${href}>; rel="next"`, location: href }).end(JSON.stringify(body))
  })
  const client = openClient(`http://127.0.0.1:${port}`, 'a-token')

  await getRepository(client, { projectKey: 'INFRA', repositorySlug: 'network' })
  await listRepositories(client, {})

  expect(connections).toBe(0)
})

test.for([
  ['a slug', { ...repository, slug: 'a'.repeat(300) }],
  ['a name', { ...repository, name: 'a'.repeat(1_001) }],
  ['a project’s key', { ...repository, project: { key: 'a'.repeat(300) } }],
  ['an id', { ...repository, id: 1.5 }],
] as const)('S39 %s of another size or kind than Bitbucket’s is refused', async ([, body]) => {
  const { client } = answering(200, body)

  await expect(getRepository(client, { projectKey: 'INFRA', repositorySlug: 'network' })).rejects.toMatchObject({
    code: 'not_bitbucket',
  })
})
