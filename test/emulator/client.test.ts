import { createBitbucketServerClient } from '@coderabbitai/bitbucket/server'
import { expect, test } from 'vitest'
import { startTestEmulator } from '../support/emulator.ts'

async function start() {
  const emulator = await startTestEmulator({ contextPath: '/bitbucket' })
  const repository = await emulator.createRepository('PRJ', 'infra')
  const head = await repository.push({ files: { 'main.tf': 'a\n' } })
  const client = createBitbucketServerClient({
    baseUrl: `${emulator.url}/rest`,
    headers: { Accept: 'application/json', Authorization: `Bearer ${emulator.adminToken}` },
  })
  return { client, head, path: { projectKey: repository.key, repositorySlug: repository.slug } }
}

const place = '/api/latest/projects/{projectKey}/repos/{repositorySlug}'

test('@coderabbitai/bitbucket reads the version', async () => {
  const { client } = await start()
  const { data } = await client.GET('/api/latest/application-properties')
  expect(data).toMatchObject({ version: '9.4.2', displayName: 'Bitbucket' })
})

test('@coderabbitai/bitbucket searches repositories', async () => {
  const { client } = await start()
  const { data } = await client.GET('/api/latest/repos', { params: { query: { projectkey: 'prj' } } })
  expect(data?.values?.map(({ slug }) => slug)).toEqual(['infra'])
})

test('@coderabbitai/bitbucket lists branches', async () => {
  const { client, head, path } = await start()
  const { data } = await client.GET(`${place}/branches`, { params: { path } })
  expect(data?.values).toMatchObject([{ displayId: 'main', latestCommit: head }])
})

test('@coderabbitai/bitbucket creates a webhook', async () => {
  const { client, path } = await start()
  const body = { name: 'w', url: 'http://127.0.0.1:9/', events: ['repo:refs_changed'], active: true }
  const { data, response } = await client.POST(`${place}/webhooks`, { params: { path }, body })
  expect(response.status).toBe(200)
  expect(data).toMatchObject(body)
})

test('@coderabbitai/bitbucket posts a build status and reads it back', async () => {
  const { client, head, path } = await start()
  const params = { path: { ...path, commitId: head } }
  const body = { key: 'k', state: 'SUCCESSFUL', url: 'http://example.com/' } as const
  const posted = await client.POST(`${place}/commits/{commitId}/builds`, { params, body: body as never })
  const { data } = await client.GET(`${place}/commits/{commitId}/builds`, {
    params: { ...params, query: { key: 'k' } },
  })
  expect(posted.response.status).toBe(204)
  expect(data).toMatchObject(body)
})

test('@coderabbitai/bitbucket gets Bitbucket’s errors[] for a repository that is not there', async () => {
  const { client } = await start()
  const path = { projectKey: 'PRJ', repositorySlug: 'nope' }
  const { error, response } = await client.GET(place, { params: { path } })
  expect(response.status).toBe(404)
  expect(error).toMatchObject({ errors: [{ message: 'Repository PRJ/nope does not exist.' }] })
})
