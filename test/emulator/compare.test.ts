import { expect, test } from 'vitest'
import { startTestEmulator } from '../support/emulator.ts'

test('R51 a comparison from the new commit to the old one tells what is new, and the other way round nothing', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  const first = await repository.push({ files: { 'a.tf': 'a\n' } })
  const second = await repository.push({ files: { 'modules/b.tf': 'b\n' } })

  const forwards = await emulator.rest('GET', `${repository.path}/compare/changes?from=${second}&to=${first}`)
  const backwards = await emulator.rest('GET', `${repository.path}/compare/changes?from=${first}&to=${second}`)
  const commits = await emulator.rest('GET', `${repository.path}/compare/commits?from=${second}&to=${first}`)
  const commitsBackwards = await emulator.rest('GET', `${repository.path}/compare/commits?from=${first}&to=${second}`)

  expect(forwards.body.values).toMatchObject([{ path: { toString: 'modules/b.tf', parent: 'modules' }, type: 'ADD' }])
  expect(backwards.body.values).toEqual([])
  expect(commits.body.values.map(({ id }: { id: string }) => id)).toEqual([second])
  expect(commitsBackwards.body.values).toEqual([])
})

test('a comparison starts where both parted, and a move tells where the file was', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  await repository.push({ files: { 'old/name.tf': 'one\ntwo\nthree\nfour\n', 'gone.tf': 'x\n', 'kept.tf': 'k\n' } })
  await repository.push({
    branch: 'feature/move',
    files: { 'old/name.tf': null, 'new/name.tf': 'one\ntwo\nthree\nfour\n', 'gone.tf': null, 'kept.tf': 'changed\n' },
  })
  await repository.push({ files: { 'only-on-main.tf': 'm\n' } })

  const { body } = await emulator.rest('GET', `${repository.path}/compare/changes?from=feature/move&to=refs/heads/main`)

  const told = body.values.map((change: Record<string, Record<string, unknown>>) => [
    change.type,
    change.path?.toString,
    change.srcPath?.toString,
  ])
  expect(told).toEqual([
    ['DELETE', 'gone.tf', undefined],
    ['MODIFY', 'kept.tf', undefined],
    ['MOVE', 'new/name.tf', 'old/name.tf'],
  ])
})

test('a comparison without a common ancestor tells everything that is in `from`', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  await repository.push({ files: { 'a.tf': 'a\n' } })
  await repository.git('checkout', '--quiet', '--orphan', 'unrelated')
  await repository.git('commit', '--quiet', '-m', 'unrelated')
  await repository.git('push', '--quiet', 'origin', 'unrelated')

  const { body } = await emulator.rest('GET', `${repository.path}/compare/changes?from=unrelated&to=main`)

  expect(body.values).toMatchObject([{ path: { toString: 'a.tf' }, type: 'ADD' }])
})

test('a comparison tells no more than page.max.changes, and is silent about the rest', async () => {
  const emulator = await startTestEmulator({ maxChanges: 2 })
  const repository = await emulator.createRepository('PRJ', 'infra')
  const first = await repository.push()
  const second = await repository.push({ files: { a: '1', b: '2', c: '3' } })

  const { body } = await emulator.rest('GET', `${repository.path}/compare/changes?from=${second}&to=${first}`)

  expect(body).toMatchObject({ size: 2, isLastPage: true, nextPageStart: null })
})

test('an unknown commit is a 404 that names it', async () => {
  const emulator = await startTestEmulator()
  const repository = await emulator.createRepository('PRJ', 'infra')
  await repository.push()

  const { status, body } = await emulator.rest('GET', `${repository.path}/compare/changes?from=nowhere&to=main`)

  expect(status).toBe(404)
  expect(body.errors).toEqual([
    {
      context: null,
      message: "Commit 'nowhere' does not exist in repository 'infra'.",
      exceptionName: 'com.atlassian.bitbucket.commit.NoSuchCommitException',
    },
  ])
})
