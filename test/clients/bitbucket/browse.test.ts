import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findFirstBranch, listBranchesPage } from '../../../clients/bitbucket/branches.ts'
import { listFolderPage, listProjectsPage, listRepositoriesPage } from '../../../clients/bitbucket/browse.ts'
import { UnsafePathError } from '../../../clients/bitbucket/paths.ts'
import { startTestEmulator } from '../../support/emulator.ts'
import { answering, openClient } from './client-under-test.ts'

const whole = { start: 0, limit: 100 }
const address = { projectKey: 'PRJ', repositorySlug: 'infra' }

test('gives projects, repositories, branches and folders page by page, each page naming the next', async () => {
  const emulator = await startTestEmulator({ contextPath: '/bitbucket', pageStride: 3 })
  const client = openClient(emulator.url, emulator.adminToken)
  const repository = await emulator.createRepository('PRJ', 'infra')
  await repository.push({ files: { 'a/x.tf': '1', 'a/b/y.tf': '1', 'ü ~/z.tf': '1', 'main.tf': '1' } })
  await repository.push({ branch: 'side', from: 'main', files: { 'main.tf': '2' } })
  await emulator.createRepository('PRJ', 'network')

  const first = await listRepositoriesPage(client, { projectKey: 'PRJ' }, { start: 0, limit: 1 })
  const second = await listRepositoriesPage(client, {}, { start: first.nextStart ?? 0, limit: 1 })
  const branches = await listBranchesPage(client, address, { filterText: 'sid' }, whole)
  const folder = await listFolderPage(client, address, 'main', ['a'], whole)

  expect(first.values.map(({ slug }) => slug)).toEqual(['infra'])
  expect(second).toMatchObject({ values: [{ slug: 'network' }], nextStart: null })
  expect((await listProjectsPage(client, {}, whole)).values).toMatchObject([{ key: 'PRJ' }])
  expect(branches.values.map(({ displayId }) => displayId)).toEqual(['side'])
  expect(folder.values.map(({ name, type }) => `${name} ${type}`).sort()).toEqual(['b DIRECTORY', 'x.tf FILE'])
  expect((await listFolderPage(client, address, 'main', ['ü ~'], whole)).values).toMatchObject([{ name: 'z.tf' }])
  await expect(listFolderPage(client, address, 'main', ['main.tf'], whole)).rejects.toMatchObject({ code: 'invalid' })
})

test('R29 an empty repository tells the branch that it is to begin with, one with branches none', async () => {
  const emulator = await startTestEmulator({})
  const client = openClient(emulator.url, emulator.adminToken)
  const repository = await emulator.createRepository('PRJ', 'infra')

  const empty = await findFirstBranch(client, address)
  await repository.push({ files: { a: '1' } })

  expect(empty).toEqual({ name: 'main' })
  expect(await findFirstBranch(client, address)).toBeUndefined()
})

test('S36 no path, branch or key leads out of the repository’s own address', async () => {
  const odd = fc.oneof(
    fc.constantFrom('..', '.', '%2e%2e', '%2F', '..;', '\\', 'a\r\nb', '\0', '?', '#', '@', '//', 'ü', '~', ' '),
    fc.string({ unit: 'binary', maxLength: 10 }),
  )
  const { client, requests } = answering(404, {})

  await fc.assert(
    fc.asyncProperty(odd, odd, odd, fc.array(odd, { maxLength: 3 }), async (projectKey, slug, branch, segments) => {
      const before = requests.length
      const error: unknown = await listFolderPage(client, { projectKey, repositorySlug: slug }, branch, segments, whole)
        .then(() => undefined)
        .catch((thrown: unknown) => thrown)
      if (error instanceof UnsafePathError) {
        expect(requests.length).toBe(before)
        return
      }
      const { pathname, search } = new URL(requests.at(-1)?.url ?? '')
      const parts = pathname.split('/')
      expect(parts.slice(0, 6)).toEqual(['', 'bitbucket', 'rest', 'api', 'latest', 'projects'])
      expect(parts.slice(7, 8)).toEqual(['repos'])
      expect(parts.slice(9, 10)).toEqual(['browse'])
      expect(parts.slice(10)).toHaveLength(segments.length)
      expect(pathname + search).toMatch(/^[!-~]+$/)
      expect(new URLSearchParams(search).get('at')).toBe(`refs/heads/${branch}`)
    }),
    { numRuns: 5000 },
  )
})

test('S35 S39 a page that does not advance, or is no page, is refused', async () => {
  const page = (fields: object) => answering(200, { isLastPage: false, values: [], ...fields }).client
  const read = (fields: object) => listProjectsPage(page(fields), {}, { start: 10, limit: 5 })

  await expect(read({ nextPageStart: 10 })).rejects.toMatchObject({ code: 'bad_paging' })
  await expect(read({})).rejects.toMatchObject({ code: 'bad_paging' })
  await expect(read({ values: [{ key: 'x'.repeat(300) }] })).rejects.toMatchObject({ code: 'not_bitbucket' })
  await expect(read({ values: 'all' })).rejects.toMatchObject({ code: 'not_bitbucket' })
  expect(await read({ isLastPage: true, nextPageStart: 3 })).toEqual({ values: [], nextStart: null })
})
