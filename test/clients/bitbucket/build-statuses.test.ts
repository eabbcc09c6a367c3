import { expect, test } from 'vitest'
import {
  findBuildStatus,
  listBuildStatuses,
  type NewBuildStatus,
  postBuildStatus,
} from '../../../clients/bitbucket/build-statuses.ts'
import { startTestEmulator } from '../../support/emulator.ts'
import { needs } from '../../support/left-out.ts'
import { openClient } from './client-under-test.ts'

const address = { projectKey: 'PRJ', repositorySlug: 'infra' }
const status: NewBuildStatus = {
  key: 'mooring/prod',
  state: 'INPROGRESS',
  url: 'https://mooring.example.com/runs/1',
  name: 'prod',
  description: 'planning',
  ref: 'refs/heads/main',
}

async function setUp(version: string) {
  const emulator = await startTestEmulator({ version })
  const repository = await emulator.createRepository('PRJ', 'infra')
  const commit = await repository.push({ files: { a: '1' } })
  return { emulator, commit, client: openClient(emulator.url, emulator.adminToken) }
}

needs('git', 'git-http-backend')('build statuses', () => {
  test('R90 are set on the repository’s commit, and replaced by key', async () => {
    const { commit, client } = await setUp('9.4.2')

    expect(await postBuildStatus(client, address, commit, status)).toBe('builds')
    expect(await postBuildStatus(client, address, commit, { ...status, state: 'CANCELLED' })).toBe('builds')

    expect(await findBuildStatus(client, address, commit, status.key)).toMatchObject({ ...status, state: 'CANCELLED' })
    expect(await findBuildStatus(client, address, commit, 'other')).toBeUndefined()
    expect(await listBuildStatuses(client, commit)).toMatchObject([{ key: status.key }])
  })

  test('R90 fall back to the old resource, where cancelled is a failure that says so', async () => {
    const { commit, client } = await setUp('7.6.0')

    expect(await postBuildStatus(client, address, commit, status)).toBe('build-status')
    expect(await listBuildStatuses(client, commit)).toMatchObject([{ key: status.key, state: 'INPROGRESS' }])

    await postBuildStatus(client, address, commit, { ...status, state: 'CANCELLED' })
    expect(await listBuildStatuses(client, commit)).toMatchObject([
      { state: 'FAILED', description: 'cancelled: planning' },
    ])

    await postBuildStatus(client, address, commit, { ...status, state: 'CANCELLED', description: 'Cancelled by jdoe' })
    expect(await listBuildStatuses(client, commit)).toMatchObject([
      { state: 'FAILED', description: 'Cancelled by jdoe' },
    ])
  })

  test('R90 do not fall back where the repository is what is missing', async () => {
    const { emulator, commit, client } = await setUp('9.4.2')

    await expect(postBuildStatus(client, { ...address, repositorySlug: 'gone' }, commit, status)).rejects.toMatchObject(
      { code: 'not_found' },
    )

    expect(emulator.requests().filter(({ path }) => path.includes('build-status'))).toEqual([])
  })

  test('R90 are cut where Bitbucket would refuse them as too long', async () => {
    const { commit, client } = await setUp('9.4.2')

    await postBuildStatus(client, address, commit, {
      ...status,
      name: 'x'.repeat(300),
      description: `${'y'.repeat(254)}😀`,
    })

    const found = await findBuildStatus(client, address, commit, status.key)
    expect(found).toMatchObject({ name: 'x'.repeat(255), description: 'y'.repeat(254) })
  })
})
