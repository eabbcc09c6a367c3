import { describe, expect, test } from 'vitest'
import { ServerProblem } from '../../../clients/server/problem.ts'
import { databases } from '../../support/databases.ts'
import { startTestServer } from '../../support/server.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('R20 root exists, stays where it is, and cannot be deleted', async () => {
      const { root } = await startTestServer(database)
      const update = (body: object) => root.call('updateSpace', { params: { id: 'root' }, query: {}, body })
      await root.call('createSpace', { body: { name: 'Team' } })

      expect(await root.call('getSpace', { params: { id: 'root' } })).toMatchObject({ id: 'root', parentId: null })
      expect((await failureOf(root.call('deleteSpace', { params: { id: 'root' } }))).code).toBe('root_space')
      expect((await failureOf(update({ parentId: 'team' }))).code).toBe('root_space')
      expect((await failureOf(update({ inheritEntities: true }))).code).toBe('root_space')
      expect((await update({ name: 'Our account' })).space).toMatchObject({ id: 'root', name: 'Our account' })
    })

    test('R20 a space with something in it is not deleted, and says what is in it', async () => {
      const server = await startTestServer(database)
      const { root } = server
      await root.call('createSpace', { body: { name: 'Team' } })
      await root.call('createSpace', { body: { name: 'Below', parentId: 'team' } })
      await root.call('createStack', { query: {}, body: { name: 'S', branch: 'main', spaceId: 'team' } })
      await root.call('createIntegration', {
        body: { name: 'I', spaceId: 'team', apiHost: 'https://bitbucket.example.com', accessToken: 'x' },
      })
      const { id } = await root.call('createApiKey', {
        body: { name: 'k', role: 'webhook-registrar', spaceId: 'team' },
      })
      const remove = () => root.call('deleteSpace', { params: { id: 'team' } })

      const refused = await failureOf(remove())
      await root.call('deleteSpace', { params: { id: 'below' } })
      await root.call('deleteStack', { params: { id: 's' } })
      await root.call('deleteIntegration', { params: { id: 'i' }, query: {} })
      const keyLeft = await failureOf(remove())
      await root.call('revokeApiKey', { params: { id } })
      await remove()

      expect(refused).toMatchObject({ code: 'space_not_empty', status: 409 })
      expect(refused.detail).toContain('1 spaces, 1 integrations, 1 stacks, 1 API keys')
      expect(keyLeft.detail).toContain('1 API keys')
      expect((await failureOf(root.call('getSpace', { params: { id: 'team' } }))).code).toBe('space_not_found')
    })

    test('R21 a space cannot be moved below itself', async () => {
      const { root } = await startTestServer(database)
      await root.call('createSpace', { body: { name: 'A' } })
      await root.call('createSpace', { body: { name: 'B', parentId: 'a' } })
      await root.call('createSpace', { body: { name: 'C', parentId: 'b' } })
      const move = (id: string, parentId: string) =>
        root.call('updateSpace', { params: { id }, query: {}, body: { parentId } })

      for (const parentId of ['a', 'b', 'c']) {
        expect(await failureOf(move('a', parentId))).toMatchObject({ status: 422, errors: [{ pointer: '/parentId' }] })
      }
      expect((await failureOf(move('a', 'nowhere'))).code).toBe('space_not_found')
      expect((await move('c', 'a')).space.parentId).toBe('a')
    })

    test('R21 two moves at once that would make a cycle together do not', async () => {
      const { root } = await startTestServer(database)
      await root.call('createSpace', { body: { name: 'A' } })
      await root.call('createSpace', { body: { name: 'B' } })
      const move = (id: string, parentId: string) =>
        root.call('updateSpace', { params: { id }, query: {}, body: { parentId } })

      const results = await Promise.allSettled([move('a', 'b'), move('b', 'a')])

      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    })

    test('R201 a list comes page by page in a stable order, and a foreign cursor is refused', async () => {
      const { root } = await startTestServer(database)
      for (const name of ['D', 'B', 'A', 'C']) await root.call('createSpace', { body: { name } })

      const first = await root.call('listSpaces', { query: { limit: 3 } })
      await root.call('createSpace', { body: { name: 'AA' } })
      const second = await root.call('listSpaces', { query: { limit: 3, cursor: first.nextCursor ?? '' } })
      const foreign = await failureOf(root.call('listStacks', { query: { cursor: first.nextCursor ?? '' } }))

      expect(first.items.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
      expect(second.items.map(({ id }) => id)).toEqual(['d', 'root'])
      expect(second.nextCursor).toBeNull()
      expect(foreign).toMatchObject({ status: 422, errors: [{ pointer: '?cursor' }] })
    })
  })
}

async function failureOf(call: Promise<unknown>): Promise<ServerProblem> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof ServerProblem) return error
  throw error ?? new Error('The call succeeded.')
}
