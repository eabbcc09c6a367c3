import { operations } from '../../../emulator/operations.ts'
import type { TestEmulator } from '../../support/emulator.ts'

/** Walks through every operation of the table, its refusals included; the emulator's observer sees the answers. */
export async function callEverything(emulator: TestEmulator, receiverUrl: string): Promise<void> {
  const { rest } = emulator
  const call = (method: string, path: string, body?: unknown) => rest(method, path, body === undefined ? {} : { body })
  const api = '/rest/api/latest'

  await call('GET', `${api}/application-properties`)
  await call('GET', '/rest/webhooks/latest/capabilities')
  await call('GET', `${api}/build/capabilities`)

  await emulator.createUser('jane')
  await call('POST', `${api}/admin/users?name=jane&displayName=J&emailAddress=j@example.com&password=p`)
  await call('POST', `${api}/admin/users?name=x`)
  await emulator.createUser('gone')
  await call('DELETE', `${api}/admin/users?name=gone`)
  await call('GET', `${api}/users?filter=jane`)
  await call('GET', `${api}/users/jane`)
  await call('PUT', `${api}/admin/permissions/users?name=jane&permission=PROJECT_CREATE`)
  await call('DELETE', `${api}/admin/permissions/users?name=jane`)
  await call('PUT', `${api}/admin/permissions/users?name=jane&permission=LICENSED_USER`)

  await call('POST', `${api}/projects`, { key: 'PRJ', name: 'Project', description: 'A project' })
  await call('POST', `${api}/projects`, { key: 'PRJ', name: 'Again' })
  await call('POST', `${api}/projects`, { key: '9 lives', name: 'Wrong' })
  await call('POST', `${api}/projects`, { key: 'OTHER', name: 'Other', description: 'Another' })
  await call('PUT', `${api}/projects/OTHER`, { name: 'Still other' })
  await call('GET', `${api}/projects`)
  await call('GET', `${api}/projects/PRJ`)

  await call('GET', `${api}/projects/${encodeURIComponent('~jane')}`)
  await emulator.createRepository('~jane', 'own')

  const repository = await emulator.createRepository('PRJ', 'infra')
  const { path } = repository
  await call('POST', `${api}/projects/PRJ/repos`, { name: 'infra' })
  await call('POST', `${api}/projects/PRJ/repos`, { name: '' })
  await call('GET', `${api}/projects/PRJ/repos`)
  await call('GET', `${api}/repos?archived=ALL`)
  await call('GET', `${api}/repos?visibility=secret`)
  await call('GET', path)
  await call('PUT', path, { description: 'Infrastructure' })
  await call('GET', `${path}/branches/default`)
  const first = await repository.push({ files: { 'main.tf': 'a\n', 'modules/a.tf': 'b\n', 'old.tf': '1\n2\n3\n' } })
  const head = await repository.push({
    files: { 'main.tf': 'c\n', 'old.tf': null, 'new.tf': '1\n2\n3\n', 'add.tf': '' },
  })
  await repository.git('tag', '-a', 'v1', '-m', 'one')
  await repository.git('push', '--quiet', 'origin', 'v1')

  for (const place of ['users/jane', 'projects/PRJ', 'projects/PRJ/repos/infra']) {
    const base = `/rest/access-tokens/latest/${place}`
    const { body } = await call('PUT', base, { name: 'a token', permissions: ['REPO_READ'], expiryDays: 30 })
    await call('PUT', base, { name: 'a token', permissions: ['NONSENSE'] })
    await call('GET', base)
    await call('GET', `${base}/${body.id}`)
    await call('POST', `${base}/${body.id}`, { name: 'renamed' })
    await call('DELETE', `${base}/${body.id}`)
    await call('GET', `${base}/${body.id}`)
  }

  for (const [place, permission] of [
    [`${api}/projects/PRJ`, 'PROJECT_READ'],
    [path, 'REPO_READ'],
  ] as const) {
    await call('PUT', `${place}/permissions/users?name=jane&permission=${permission}`)
    await call('PUT', `${place}/permissions/users?name=jane&permission=NONSENSE`)
    await call('PUT', `${place}/permissions/users?name=nobody&permission=${permission}`)
    await call('GET', `${place}/permissions/users`)
    await call('DELETE', `${place}/permissions/users?name=jane`)
  }

  for (const place of [path, `${api}/projects/PRJ`]) {
    const webhook = { name: 'w1', url: receiverUrl, events: ['repo:refs_changed'], configuration: { secret: '123' } }
    const { body } = await call('POST', `${place}/webhooks`, webhook)
    await call('POST', `${place}/webhooks`, { ...webhook, configuration: { secret: '' } })
    await call('POST', `${place}/webhooks`, {})
    await call('GET', `${place}/webhooks?statistics=true`)
    await call('GET', `${place}/webhooks`)
    await call('GET', `${place}/webhooks/${body.id}/latest`)
    await repository.push()
    await emulator.idle()
    await call('GET', `${place}/webhooks/${body.id}`)
    await call('PUT', `${place}/webhooks/${body.id}`, { ...webhook, name: 'w2' })
    await call('PUT', `${place}/webhooks/${body.id}`, { name: 'w3' })
    await call('PUT', `${place}/webhooks/${body.id}`, { ...webhook, configuration: { secret: '' } })
    await call('GET', `${place}/webhooks/${body.id}/latest`)
    await call('GET', `${place}/webhooks/${body.id}/statistics`)
    await call('GET', `${place}/webhooks/${body.id}/statistics/summary`)
    await call('POST', `${place}/webhooks/test?url=${encodeURIComponent(receiverUrl)}`, {})
    await call('POST', `${place}/webhooks/test?webhookId=${body.id}`, {})
    await call('DELETE', `${place}/webhooks/${body.id}`)
    await call('GET', `${place}/webhooks/${body.id}`)
  }
  await call('GET', `${path}/webhooks/search`)

  await call('GET', `${path}/branches?filterText=ma`)
  await call('POST', `${path}/branches`, { name: 'feature/a', startPoint: 'main' })
  await call('POST', `${path}/branches`, { name: 'feature/a', startPoint: 'main' })
  await call('GET', `${path}/tags`)
  await call('GET', `${path}/default-branch`)
  await call('GET', `${path}/branches/default`)
  await call('PUT', `${path}/branches/default`, { id: 'refs/heads/absent' })
  await call('GET', `${path}/branches/default`)
  await call('GET', `${path}/commits`)
  await call('PUT', `${path}/default-branch`, { id: 'refs/heads/main' })
  await call('GET', `${path}/commits?since=${first}&path=main.tf`)
  await call('GET', `${path}/commits/${head}`)
  await call('GET', `${path}/commits/doesnotexist`)
  await call('GET', `${path}/commits/${encodeURIComponent('refs/heads/main')}`)
  await call('GET', `${path}/commits/${head}/changes`)
  await call('GET', `${path}/compare/changes?from=${head}&to=${first}`)
  await call('GET', `${path}/compare/commits?from=${head}&to=${first}`)
  await call('GET', `${path}/raw/modules/a.tf?at=main`)
  await call('GET', '/projects/PRJ/repos/infra/raw/modules/a.tf?at=main')
  await call('GET', `${path}/raw/absent.tf`)
  await call('GET', `${path}/browse`)
  await call('GET', `${path}/browse/main.tf`)
  await call('GET', `${path}/files`)
  await call('GET', `${path}/files/modules`)
  await call('GET', `${path}/archive?format=tgz`)
  await call('GET', `${path}/archive?format=rar`)

  const status = { key: 'k', state: 'INPROGRESS', url: 'http://example.com/1', name: 'n', ref: 'refs/heads/main' }
  await call('POST', `${path}/commits/${head}/builds`, status)
  await call('POST', `${path}/commits/${head}/builds`, { ...status, state: 'DONE' })
  await call('GET', `${path}/commits/${head}/builds?key=k`)
  await call('GET', `${path}/commits/${head}/builds`)
  await call('GET', `/rest/build-status/1.0/commits/${head}`)
  await call('DELETE', `${path}/commits/${head}/builds?key=k`)
  await call('GET', `${path}/commits/${head}/builds?key=k`)
  await call('POST', `/rest/build-status/1.0/commits/${head}`, status)
  await call('POST', `/rest/build-status/1.0/commits/${head}`, { ...status, state: 'CANCELLED' })

  await refuseEverything(emulator)

  await call('PUT', path, { archived: true })
  await call('PUT', path, { description: 'no' })
  await call('POST', `${path}/webhooks`, {})
  await call('DELETE', `${api}/projects/PRJ`)
  await call('DELETE', path)
  await call('DELETE', path)
  await call('DELETE', `${api}/projects/OTHER`)
}

/** Calls each operation anonymously, as somebody without permission, and in places that do not exist. */
async function refuseEverything(emulator: TestEmulator): Promise<void> {
  await emulator.createUser('stranger')
  const stranger = await emulator.createToken('stranger', ['REPO_ADMIN', 'PROJECT_ADMIN'])
  const own = '/rest/access-tokens/latest/users/stranger'
  await emulator.rest('PUT', own, { token: stranger, body: { name: 'n', permissions: ['REPO_READ'] } })
  const here = { '{projectKey}': 'PRJ', '{repositorySlug}': 'infra' }
  const nowhere = { '{projectKey}': 'NOWHERE', '{repositorySlug}': 'nowhere' }
  const noRepository = { ...here, '{repositorySlug}': 'nowhere' }
  for (const { method, path } of operations) {
    const fill = (values: Readonly<Record<string, string>>) =>
      path.replace(/\{\w+\}/g, (name) => values[name] ?? (name === '{commitId}' ? 'a'.repeat(40) : 'nobody'))
    const body = method === 'GET' || method === 'DELETE' ? {} : { body: {} }
    await emulator.rest(method, fill(here), { token: null, ...body })
    await emulator.rest(method, fill(here), { token: stranger, ...body })
    await emulator.rest(method, fill(nowhere), body)
    if (method !== 'DELETE') await emulator.rest(method, fill(noRepository), body)
  }
}
