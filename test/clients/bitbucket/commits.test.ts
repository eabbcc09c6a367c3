import { describe, expect, test } from 'vitest'
import { compareChanges, findBranch, findCommit, isAncestor, listBranches } from '../../../clients/bitbucket/commits.ts'
import { startTestEmulator } from '../../support/emulator.ts'
import { needs } from '../../support/left-out.ts'
import { answering, openClient } from './client-under-test.ts'

const address = { projectKey: 'PRJ', repositorySlug: 'infra' }

async function setUp(options: Parameters<typeof startTestEmulator>[0] = {}) {
  const emulator = await startTestEmulator(options)
  const repository = await emulator.createRepository('PRJ', 'infra')
  return { repository, client: openClient(emulator.url, emulator.adminToken) }
}

needs('git', 'git-http-backend')('reads what real git pushed', () => {
  test('finds a branch by its exact name, and its head', async () => {
    const { repository, client } = await setUp({ pageCap: 1 })
    const head = await repository.push({ files: { a: '1' }, branch: 'main' })
    await repository.push({ files: { b: '1' }, branch: 'main-2', from: 'main' })
    await repository.push({ files: { b: '2' }, branch: 'feature/Main', from: 'main' })

    expect(await findBranch(client, address, 'main')).toMatchObject({ id: 'refs/heads/main', latestCommit: head })
    expect(await findBranch(client, address, 'feature/Main')).toMatchObject({ displayId: 'feature/Main' })
    expect(await findBranch(client, address, 'mai')).toBeUndefined()
    expect(await findBranch(client, address, 'MAIN')).toBeUndefined()
    const names = (await listBranches(client, address, {})).map(({ displayId }) => displayId).sort()
    expect(names).toEqual(['feature/Main', 'main', 'main-2'])
  })

  test.for(['9.4.2', '10.4.0'])('finds a commit, with the dates of Bitbucket %s', async (version) => {
    const { repository, client } = await setUp({ version })
    const sha = await repository.push({ files: { a: '1' }, message: 'first of all' })

    expect(await findCommit(client, address, sha)).toMatchObject({
      id: sha,
      message: expect.stringContaining('first of all'),
    })
    expect(await findCommit(client, address, 'f'.repeat(40))).toBeUndefined()
  })

  test('tells ancestors from descendants and strangers', async () => {
    const { repository, client } = await setUp()
    const first = await repository.push({ files: { a: '1' } })
    const second = await repository.push({ files: { a: '2' } })
    const third = await repository.push({ files: { a: '3' } })
    const side = await repository.push({ files: { b: '1' }, branch: 'side', from: 'main' })
    const other = await repository.push({ files: { a: '4' } })

    expect(await isAncestor(client, address, first, third)).toBe(true)
    expect(await isAncestor(client, address, second, second)).toBe(true)
    expect(await isAncestor(client, address, third, first)).toBe(false)
    expect(await isAncestor(client, address, side, other)).toBe(false)
  })

  test('R51 the new commit goes into from, and the sources of renames are told', async () => {
    const { repository, client } = await setUp({ pageCap: 2 })
    const text = Array.from({ length: 50 }, (_, line) => `line ${line}`).join('\n')
    const old = await repository.push({ files: { 'moved/from.tf': text, kept: '1', gone: 'was here' } })
    const young = await repository.push({
      files: { 'moved/from.tf': null, 'moved/to here.tf': text, gone: null, new: '1' },
    })

    const forwards = await compareChanges(client, address, { from: young, to: old })
    const backwards = await compareChanges(client, address, { from: old, to: young })

    expect([...forwards.changes].sort((left, right) => left.path.localeCompare(right.path))).toEqual([
      { type: 'DELETE', path: 'gone' },
      { type: 'MOVE', path: 'moved/to here.tf', sourcePath: 'moved/from.tf' },
      { type: 'ADD', path: 'new' },
    ])
    expect(forwards.truncated).toBe(false)
    expect(backwards).toEqual({ changes: [], truncated: false })
  })

  test('R51 a comparison that stops at the limit may have left something out', async () => {
    const { repository, client } = await setUp({ maxChanges: 2, pageCap: 2 })
    const old = await repository.push({ files: { a: '1' } })
    const young = await repository.push({ files: { b: '1', c: '1', d: '1' } })

    expect(await compareChanges(client, address, { from: young, to: old })).toMatchObject({ truncated: true })
  })
})

describe('R51 doubts', () => {
  const change = { type: 'MODIFY', path: { components: ['a'] } }
  const page = { isLastPage: true, limit: 1000, values: [change] }
  const range = { from: 'a', to: 'b' }

  test('R51 believes a page that says it is truncated', async () => {
    const { client } = answering(200, { ...page, truncated: true })

    expect((await compareChanges(client, address, range)).truncated).toBe(true)
  })

  test('R51 doubts a last page as full as Bitbucket allows', async () => {
    const full = { ...page, values: Array.from({ length: 1000 }, () => change) }

    expect((await compareChanges(answering(200, full).client, address, range)).truncated).toBe(true)
    const oneLess = { ...full, values: full.values.slice(1) }
    expect((await compareChanges(answering(200, oneLess).client, address, range)).truncated).toBe(false)
  })

  test('R51 asks for the new commit as from', async () => {
    const { client, requests } = answering(200, page)

    await compareChanges(client, address, { from: 'new', to: 'old' })

    expect(requests[0]?.url).toContain('/compare/changes?from=new&to=old&')
  })
})
