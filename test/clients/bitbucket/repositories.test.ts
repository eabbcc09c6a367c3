import { expect, test } from 'vitest'
import {
  findRepositoryById,
  getProject,
  getRepository,
  listProjects,
  listRepositories,
  orUndefined,
} from '../../../clients/bitbucket/repositories.ts'
import { startTestEmulator } from '../../support/emulator.ts'
import { openClient } from './client-under-test.ts'

async function setUp() {
  const emulator = await startTestEmulator({ contextPath: '/bitbucket' })
  return { emulator, client: openClient(emulator.url, emulator.adminToken) }
}

test('gives a repository by its address, whatever the case of the key', async () => {
  const { emulator, client } = await setUp()
  const { id } = await emulator.createRepository('PRJ', 'infra')

  const repository = await getRepository(client, { projectKey: 'prj', repositorySlug: 'infra' })

  expect(repository).toMatchObject({ id, slug: 'infra', project: { key: 'PRJ' } })
})

test('B16 gives a personal repository', async () => {
  const { emulator, client } = await setUp()
  await emulator.createUser('jdoe')
  const { id } = await emulator.createRepository('~jdoe', 'Dot. Files')

  const [repository] = (await listRepositories(client, {})).filter((found) => found.id === id)
  const address = { projectKey: repository?.project.key ?? '', repositorySlug: repository?.slug ?? '' }

  expect(address.projectKey.toLowerCase()).toBe('~jdoe')
  expect(await getRepository(client, address)).toMatchObject({ id, project: { type: 'PERSONAL' } })
})

test('B21 a repository that does not exist is not found, and can be asked for', async () => {
  const { emulator, client } = await setUp()
  await emulator.createProject('PRJ')
  const asking = () => getRepository(client, { projectKey: 'PRJ', repositorySlug: 'gone' })

  await expect(asking()).rejects.toMatchObject({
    code: 'not_found',
    exceptionName: expect.stringMatching(/NoSuchRepositoryException$/),
  })
  expect(await orUndefined(asking())).toBeUndefined()
})

test('B22 tells a wrong token from a missing permission', async () => {
  const { emulator } = await setUp()
  await emulator.createRepository('PRJ', 'infra')
  await emulator.createUser('nobody')
  const nobody = await emulator.createToken('nobody', ['REPO_READ'])
  const address = { projectKey: 'PRJ', repositorySlug: 'infra' }

  await expect(getRepository(openClient(emulator.url, 'wrong'), address)).rejects.toMatchObject({
    code: 'bad_credential',
    status: 401,
  })
  await expect(getRepository(openClient(emulator.url, nobody), address)).rejects.toMatchObject({
    code: 'missing_permission',
    status: 401,
  })
})

test('lists repositories of a project and by a part of the name', async () => {
  const { emulator, client } = await setUp()
  for (const [key, name] of [
    ['ONE', 'network'],
    ['ONE', 'compute'],
    ['TWO', 'network-edge'],
  ] as const) {
    await emulator.createRepository(key, name)
  }
  const slugs = async (filter: Parameters<typeof listRepositories>[1]) =>
    (await listRepositories(client, filter)).map(({ slug }) => slug).sort()

  expect(await slugs({ projectKey: 'ONE' })).toEqual(['compute', 'network'])
  expect(await slugs({ name: 'network' })).toEqual(['network', 'network-edge'])
  expect(await slugs({})).toEqual(['compute', 'network', 'network-edge'])
})

test('lists projects, and gives one', async () => {
  const { emulator, client } = await setUp()
  await emulator.createProject('ONE', 'First')
  await emulator.createProject('TWO', 'Second')

  expect((await listProjects(client, {})).map(({ key }) => key)).toEqual(expect.arrayContaining(['ONE', 'TWO']))
  expect((await listProjects(client, { name: 'Sec' })).map(({ key }) => key)).toEqual(['TWO'])
  expect(await getProject(client, 'ONE')).toMatchObject({ key: 'ONE', name: 'First' })
})

test('R47 finds a repository by its id after it was renamed and moved', async () => {
  const { emulator, client } = await setUp()
  const { id, path } = await emulator.createRepository('ONE', 'network')
  await emulator.createProject('TWO')
  const { status } = await emulator.rest('PUT', path, { body: { name: 'edge', project: { key: 'TWO' } } })
  expect(status).toBe(201)

  const found = await findRepositoryById(client, id, [{ projectKey: 'ONE' }])

  expect(found).toMatchObject({ id, slug: 'edge', project: { key: 'TWO' } })
  expect(await findRepositoryById(client, 999_999, [])).toBeUndefined()
})
