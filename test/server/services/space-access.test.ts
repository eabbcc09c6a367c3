import { describe, expect, test } from 'vitest'
import { createAccount, createSpaces } from '../../support/accounts.ts'
import { databases } from '../../support/databases.ts'
import { failureOf } from '../../support/failure-of.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('R24 R26 whoever lists spaces sees those that he may read, and no hidden parent by name', async () => {
      const server = await startTestServer(database)
      await createSpaces(server, 'root/parent', 'root/parent/+child', 'root/parent/closed', 'root/parent/closed/+far')
      const seenBy = async (spaceId: string) => {
        const client = server.client(await createAccount(server, { role: 'reader', spaceId }))
        const { items } = await client.call('listSpaces', { query: {} })
        for (const space of items) expect(await client.call('getSpace', { params: { id: space.id } })).toEqual(space)
        return items.map(({ id, parentId }) => `${id} below ${parentId}`)
      }

      expect(await seenBy('parent')).toEqual([
        'child below parent',
        'closed below parent',
        'far below closed',
        'parent below null',
      ])
      expect(await seenBy('child')).toEqual(['child below parent', 'parent below null'])
      expect(await seenBy('closed')).toEqual(['closed below null', 'far below closed'])
      expect(await seenBy('far')).toEqual(['closed below null', 'far below closed'])
    })

    test('R26 S21 ids, filters and pages of the list leave out what is hidden', async () => {
      const server = await startTestServer(database)
      await createSpaces(server, 'root/a', 'root/a/b', 'root/a/c', 'root/z')
      const client = server.client(await createAccount(server, { role: 'reader', spaceId: 'a' }))
      const list = (query: object) => client.call('listSpaces', { query })

      expect((await list({ ids: 'root,a,z,nothing' })).items.map(({ id }) => id)).toEqual(['a'])
      const first = await list({ limit: 2 })
      const second = await list({ limit: 2, cursor: first.nextCursor ?? '' })
      expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(['a', 'b', 'c'])
      expect(second.nextCursor).toBeNull()
    })

    test('R25 every person with a role sees the default integration, and a space’s own who reads the space', async () => {
      const server = await startTestServer(database)
      await createSpaces(server, 'root/parent', 'root/parent/+child', 'root/parent/closed')
      const create = (name: string, isDefault: boolean, spaceId: string) =>
        server.root.call('createIntegration', {
          body: { name, isDefault, spaceId, apiHost: 'https://bitbucket.example.com', accessToken: 'x' },
        })
      await create('Account', true, 'root')
      await create('Of root', false, 'root')
      await create('Of parent', false, 'parent')
      await create('Of closed', false, 'closed')
      const seenBy = async (spaceId: string) => {
        const client = server.client(await createAccount(server, { role: 'reader', spaceId }))
        return (await client.call('listIntegrations', { query: {} })).items.map(({ id }) => id)
      }

      expect(await seenBy('root')).toEqual(['account', 'of-closed', 'of-parent', 'of-root'])
      expect(await seenBy('parent')).toEqual(['account', 'of-closed', 'of-parent'])
      expect(await seenBy('child')).toEqual(['account', 'of-parent'])
      expect(await seenBy('closed')).toEqual(['account', 'of-closed'])
    })

    test('R28 creating and deleting spaces is for root admins alone', async () => {
      const server = await startTestServer(database)
      await createSpaces(server, 'root/parent', 'root/parent/+child', 'root/other')
      const admin = await createAccount(server, { role: 'admin', spaceId: 'child' })
      const parentAdmin = await createAccount(server, { role: 'admin', spaceId: 'parent' })
      const attempts = attemptsOf(server, admin)

      expect(await attempts.create('child')).toBe('403 forbidden')
      expect(await attempts.create('parent')).toBe('403 forbidden')
      expect(await attempts.create('other')).toBe('404 space_not_found')
      expect(await attempts.create('nothing')).toBe('404 space_not_found')
      expect(await attempts.remove('child')).toBe('403 forbidden')
      expect(await attempts.remove('other')).toBe('404 space_not_found')
      expect(await attemptsOf(server, parentAdmin).create('parent')).toBe('403 forbidden')
      expect(await attemptsOf(server, parentAdmin).remove('child')).toBe('403 forbidden')
      expect(await attemptsOf(server, server.rootKey).remove('other')).toBe('done')
    })

    test('R28 with manage-subtree an Admin of the parent creates and deletes what is below, and not the space itself', async () => {
      const server = await startTestServer(database, { spaceAdmins: 'manage-subtree' })
      await createSpaces(server, 'root/parent', 'root/parent/+child', 'root/other')
      const attempts = attemptsOf(server, await createAccount(server, { role: 'admin', spaceId: 'parent' }))
      const childAdmin = attemptsOf(server, await createAccount(server, { role: 'admin', spaceId: 'child' }))

      expect(await attempts.create('parent')).toBe('done')
      expect(await attempts.remove('new')).toBe('done')
      expect(await attempts.create('root')).toBe('404 space_not_found')
      expect(await attempts.remove('parent')).toBe('403 forbidden')
      expect(await childAdmin.create('parent')).toBe('403 forbidden')
      expect(await childAdmin.remove('child')).toBe('403 forbidden')
    })

    test('R24 R28 an Admin changes name, labels and description; moving and inheriting are for root admins', async () => {
      const server = await startTestServer(database)
      await createSpaces(server, 'root/parent', 'root/parent/child', 'root/parent/sibling')
      const attempts = attemptsOf(server, await createAccount(server, { role: 'admin', spaceId: 'child' }))

      expect(await attempts.update('child', { name: 'Renamed', labels: ['a'], description: 'x' })).toBe('done')
      expect(await attempts.update('child', { inheritEntities: false })).toBe('done')
      expect(await attempts.update('child', { inheritEntities: true })).toBe('403 forbidden')
      expect(await attempts.update('child', { parentId: 'child' })).toBe('403 forbidden')
      expect(await attempts.update('sibling', { name: 'x' })).toBe('404 space_not_found')
      const writer = attemptsOf(server, await createAccount(server, { role: 'writer', spaceId: 'child' }))
      expect(await writer.update('child', { name: 'x' })).toBe('403 forbidden')
    })

    test('R26 S21 naming the hidden parent is answered like naming nothing: nobody guesses it', async () => {
      const server = await startTestServer(database, { spaceAdmins: 'manage-subtree' })
      await createSpaces(server, 'root/parent', 'root/parent/child')
      const attempts = attemptsOf(server, await createAccount(server, { role: 'admin', spaceId: 'child' }))

      expect(await attempts.update('child', { parentId: 'parent' })).toBe('404 space_not_found')
      expect(await attempts.update('child', { parentId: 'nothing' })).toBe('404 space_not_found')
      expect(await attempts.update('child', { parentId: 'root' })).toBe('404 space_not_found')
    })

    test('R28 with manage-subtree a move takes an Admin of the space and of both parents', async () => {
      const server = await startTestServer(database, { spaceAdmins: 'manage-subtree' })
      await createSpaces(server, 'root/a', 'root/a/child', 'root/b', 'root/b/+open')
      const attemptsWith = async (...spaceIds: string[]) =>
        attemptsOf(
          server,
          await createAccount(server, ...spaceIds.map((spaceId) => ({ role: 'admin' as const, spaceId }))),
        )
      const toB = { parentId: 'b' }

      expect(await (await attemptsWith('child')).update('child', { inheritEntities: true })).toBe('403 forbidden')
      expect(await (await attemptsWith('a')).update('child', { inheritEntities: true })).toBe('done')
      expect(await (await attemptsWith('a')).update('child', toB)).toBe('404 space_not_found')
      // He sees b by the open space below it, and is no Admin there.
      expect(await (await attemptsWith('a', 'open')).update('child', toB)).toBe('403 forbidden')
      expect(await (await attemptsWith('child', 'b')).update('child', toB)).toBe('403 forbidden')
      expect(await (await attemptsWith('a', 'b')).update('child', toB)).toBe('done')
      expect(await server.root.call('getSpace', { params: { id: 'child' } })).toMatchObject({ parentId: 'b' })
    })

    test('R23 the stacks that a change of a space would detach are those below it, which its Admin sees', async () => {
      const server = await startTestServer(database, { spaceAdmins: 'manage-subtree' })
      await createSpaces(server, 'root/a', 'root/a/+child')
      await server.root.call('createIntegration', {
        body: { name: 'I', spaceId: 'a', apiHost: 'https://bitbucket.example.com', accessToken: 'x' },
      })
      await server.root.call('createStack', { query: {}, body: { name: 'S', branch: 'main', spaceId: 'child' } })
      const { id } = await server.db.selectFrom('integration').select('id').executeTakeFirstOrThrow()
      const attached = { integration_id: id, project_key: 'P', repository_slug: 'r', repository_key: 'P/r' }
      await server.db.updateTable('stack').set(attached).execute()
      const admin = await createAccount(server, { role: 'admin', spaceId: 'a' })

      const refused = await failureOf(
        server.client(admin).call('updateSpace', {
          params: { id: 'child' },
          query: {},
          body: { inheritEntities: false },
        }),
      )

      expect(refused).toMatchObject({ status: 409, code: 'would_detach', stacks: ['s'] })
    })
  })
}

/** What came of it: `done`, or status and code. */
function attemptsOf(server: TestServer, key: { readonly keyId: string; readonly keySecret: string }) {
  const client = server.client(key)
  const outcome = async (call: Promise<unknown>) => {
    const settled = await call.then(
      () => undefined,
      (error: unknown) => error,
    )
    if (settled === undefined) return 'done'
    const { status, code } = await failureOf(Promise.reject(settled))
    return `${status} ${code}`
  }
  return {
    create: (parentId: string) => outcome(client.call('createSpace', { body: { name: 'New', parentId } })),
    remove: (id: string) => outcome(client.call('deleteSpace', { params: { id } })),
    update: (id: string, body: object) => outcome(client.call('updateSpace', { params: { id }, query: {}, body })),
  }
}
