import { expect, test } from 'vitest'
import { startTestEmulator } from '../support/emulator.ts'

test('commits are listed newest first, between two of them, and for one path', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  const first = await repository.push({ files: { a: '1' }, message: 'first\n\nwith a body' })
  const second = await repository.push({ files: { b: '1' } })
  const third = await repository.push({ files: { a: '2' } })
  const ids = async (query: string) =>
    (await emulator.rest('GET', `${repository.path}/commits?${query}`)).body.values.map(({ id }: { id: string }) => id)

  expect(await ids('')).toEqual([third, second, first])
  expect(await ids(`since=${first}&until=${second}`)).toEqual([second])
  expect(await ids('path=a')).toEqual([third, first])
  expect(await ids('until=refs/heads/main&limit=1&start=1')).toEqual([second])
  const single = await emulator.rest('GET', `${repository.path}/commits/${first.slice(0, 11)}`)
  expect(single.body).toMatchObject({
    id: first,
    displayId: first.slice(0, 11),
    message: 'first\n\nwith a body',
    author: { name: 'Tester', emailAddress: 'tester@example.com' },
    parents: [],
  })
  const changes = await emulator.rest('GET', `${repository.path}/commits/${third}/changes`)
  expect(changes.body.values).toMatchObject([{ path: { toString: 'a' }, type: 'MODIFY' }])
})

test('an empty repository has a configured default branch that does not exist', async () => {
  const emulator = await startTestEmulator()
  const { path, ...repository } = await emulator.createRepository('PRJ', 'infra', { defaultBranch: 'trunk' })

  expect((await emulator.rest('GET', `${path}/default-branch`)).body).toMatchObject({ id: 'refs/heads/trunk' })
  expect((await emulator.rest('GET', `${path}/branches/default`)).status).toBe(204)
  expect((await emulator.rest('GET', `${path}/commits`)).status).toBe(404)
  await repository.push({ branch: 'other' })
  expect((await emulator.rest('GET', `${path}/branches/default`)).status).toBe(404)
  await emulator.rest('PUT', `${path}/default-branch`, { body: { id: 'refs/heads/other' } })
  expect((await emulator.rest('GET', `${path}/branches/default`)).body).toMatchObject({
    displayId: 'other',
    isDefault: true,
  })
})

test('a branch made by REST is told to the webhooks, and a second of the name is refused', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  const head = await repository.push()
  await emulator.createWebhook(repository, { url: 'http://127.0.0.1:9/' })
  const branch = { name: 'feature/x', startPoint: 'main' }

  const made = await emulator.rest('POST', `${repository.path}/branches`, { body: branch })
  const again = await emulator.rest('POST', `${repository.path}/branches`, { body: branch })
  const [delivery] = await emulator.waitForDeliveries(1)

  expect(made.body).toMatchObject({ id: 'refs/heads/feature/x', latestCommit: head })
  expect(again.status).toBe(400)
  expect(again.body.errors[0].exceptionName).toContain('DuplicateRefException')
  expect(JSON.parse(delivery?.body ?? '').changes).toMatchObject([{ type: 'ADD', toHash: head }])
  expect(delivery?.outcome).toBe('ERROR')
})

test('files are read raw, by line and as an archive, and folders are listed', async () => {
  const emulator = await startTestEmulator()
  const { path, ...repository } = await emulator.createRepository('PRJ', 'infra')
  await repository.push({ files: { 'stacks/net/main.tf': 'one\ntwo\n', 'README.md': 'x' } })

  expect((await emulator.rest('GET', `${path}/raw/stacks/net/main.tf?at=main`)).text).toBe('one\ntwo\n')
  expect((await emulator.rest('GET', '/projects/PRJ/repos/infra/raw/stacks/net/main.tf')).text).toBe('one\ntwo\n')
  expect((await emulator.rest('GET', `${path}/browse/stacks/net/main.tf`)).body.lines).toEqual([
    { text: 'one' },
    { text: 'two' },
  ])
  expect((await emulator.rest('GET', `${path}/browse/stacks/net/main.tf?size=true`)).body).toEqual({ size: 8 })
  expect((await emulator.rest('GET', `${path}/browse/stacks?type=true`)).body).toEqual({ type: 'DIRECTORY' })
  const folder = (await emulator.rest('GET', `${path}/browse/stacks?at=main`)).body.children
  expect(folder.values).toMatchObject([{ path: { toString: 'net' }, type: 'DIRECTORY' }])
  expect((await emulator.rest('GET', `${path}/files`)).body.values).toEqual(['README.md', 'stacks/net/main.tf'])
  expect((await emulator.rest('GET', `${path}/raw/nope`)).status).toBe(404)
  expect((await emulator.rest('GET', `${path}/archive?format=tar&prefix=p`)).text).toContain('p/stacks/net/main.tf')
})

test('a status posted through either resource is read through both, and the newest of a key wins', async () => {
  const emulator = await startTestEmulator()
  const { path, ...repository } = await emulator.createRepository('PRJ', 'infra')
  const head = await repository.push()
  const post = (place: string, state: string, key: string) =>
    emulator.rest('POST', place, { body: { key, state, url: 'http://example.com/run' } })
  const older = `/rest/build-status/1.0/commits/${head}`

  await post(`${path}/commits/${head}/builds`, 'INPROGRESS', 'new')
  await post(`${path}/commits/${head}/builds`, 'SUCCESSFUL', 'new')
  await post(older, 'FAILED', 'old')
  const cancelled = await post(older, 'CANCELLED', 'old')

  const listed = (await emulator.rest('GET', older)).body.values
  expect(
    Object.fromEntries(listed.map((status: { key: string; state: string }) => [status.key, status.state])),
  ).toEqual({
    new: 'SUCCESSFUL',
    old: 'FAILED',
  })
  expect((await emulator.rest('GET', `${path}/commits/${head}/builds?key=new`)).body.state).toBe('SUCCESSFUL')
  expect((await emulator.rest('GET', `${path}/commits/${head}/builds?key=old`)).body.state).toBe('FAILED')
  expect((await emulator.rest('GET', `${path}/commits/${head}/builds?key=none`)).status).toBe(404)
  expect(cancelled.status).toBe(400)
})

test('a status is refused, field by field, as Bitbucket’s limits say; before 7.14 only the older resource is there', async () => {
  const emulator = await startTestEmulator({ version: '7.13.0' })
  const newer = await startTestEmulator()
  const { path } = await emulator.createRepository('PRJ', 'infra')
  const { path: newPath } = await newer.createRepository('PRJ', 'infra')
  const sha = 'a'.repeat(40)
  const wrong = { key: 'k'.repeat(256), state: 'DONE', url: `http://example.com/${'x'.repeat(450)}`, ref: 'main' }

  const refused = await newer.rest('POST', `${newPath}/commits/${sha}/builds`, { body: wrong })
  const absent = await emulator.rest('POST', `${path}/commits/${sha}/builds`, { body: wrong })

  expect(refused.body.errors.map(({ context }: { context: string }) => context)).toEqual(['url', 'state', 'ref', 'key'])
  expect(absent.status).toBe(404)
})
