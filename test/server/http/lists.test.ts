import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { approximate, mostCounted } from '../../../schemas/page.ts'
import { ProblemDocument } from '../../../schemas/problem.ts'
import { createCursors } from '../../../server/http/cursor.ts'
import { databases } from '../../support/databases.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

test.for([
  { count: 0, shown: 0 },
  { count: 1_000, shown: 1_000 },
  { count: 1_001, shown: 1_000 },
  { count: 5_999, shown: 5_000 },
  { count: mostCounted, shown: 10_000 },
])('R201 a count of $count is shown as $shown', ({ count, shown }) => {
  expect(approximate(count)).toBe(shown)
})

test('R201 a cursor opens for the list, the filters and the key that it was made for, and for nothing else', () => {
  const key = new Uint8Array(32).fill(1)
  const cursors = createCursors(key)
  const place = { operation: 'listSpaces', params: {}, query: { allLabels: ['a', 'b'], limit: '1' } }
  const cursor = cursors.seal(place, 'the last row')

  expect(cursors.open({ ...place, query: { limit: '2', cursor, allLabels: ['a', 'b'] } }, cursor)).toBe('the last row')
  const others = [
    { ...place, operation: 'listStacks' },
    { ...place, params: { id: 'x' } },
    { ...place, query: {} },
    { ...place, query: { allLabels: ['a'] } },
    { ...place, query: { anyLabel: ['a', 'b'] } },
  ]
  for (const other of others) expect(() => cursors.open(other, cursor)).toThrow('?cursor')
  expect(() => createCursors(new Uint8Array(32).fill(2)).open(place, cursor)).toThrow('?cursor')
  const forged = Buffer.concat([createHmac('sha256', 'x').digest().subarray(0, 16), Buffer.from('another row')])
  for (const text of ['', 'x', forged.toString('base64url'), `${cursor}x`, cursor.slice(0, -2)]) {
    expect(() => cursors.open(place, text), text).toThrow('?cursor')
  }
})

for (const database of databases) {
  describe(database.name, () => {
    test('R201 labels filter: any of them, all of them, both; what is a name of JavaScript is a label like any other', async () => {
      const server = await startTestServer(database)
      const labels = { a: ['x', 'y'], b: ['y'], c: ['x,y', '__proto__'], d: [], e: ['constructor', 'it\'s "quoted"'] }
      for (const [name, own] of Object.entries(labels)) {
        await server.root.call('createSpace', { body: { name, labels: own } })
        await server.root.call('createIntegration', {
          body: { name, labels: own, apiHost: 'https://bitbucket.invalid', accessToken: 'x' },
        })
      }
      const cases: [string, string[]][] = [
        ['anyLabel=x', ['a']],
        ['anyLabel=x&anyLabel=y', ['a', 'b']],
        ['allLabels=x&allLabels=y', ['a']],
        ['allLabels=y', ['a', 'b']],
        ['anyLabel=x&allLabels=y', ['a']],
        ['anyLabel=x%2Cy', ['c']],
        ['anyLabel=__proto__', ['c']],
        ['allLabels=__proto__&allLabels=toString', []],
        ['anyLabel=constructor', ['e']],
        [`anyLabel=${encodeURIComponent('it\'s "quoted"')}`, ['e']],
        ['anyLabel=%25', []],
        ['anyLabel=none', []],
      ]

      for (const list of ['spaces', 'integrations']) {
        for (const [query, ids] of cases) {
          const page = await get(server, `/api/v1/${list}?${query}`)
          expect([page.items.map(({ id }) => id), page.approximateCount], `${list}?${query}`).toEqual([ids, ids.length])
        }
      }
      expect((await server.request('GET', '/api/v1/spaces?anyLabel=')).status).toBe(422)
      const many = Array.from({ length: 21 }, (_, n) => `anyLabel=${n}`).join('&')
      expect((await server.request('GET', `/api/v1/spaces?${many}`)).status).toBe(422)
    })

    test('R201 pages go on where they ended, whatever is added, and no foreign cursor is taken', async () => {
      const server = await startTestServer(database)
      for (const name of ['b', 'd', 'f', 'h']) await server.root.call('createSpace', { body: { name, labels: ['l'] } })

      const first = await get(server, '/api/v1/spaces?limit=2&anyLabel=l')
      await server.root.call('createSpace', { body: { name: 'a', labels: ['l'] } })
      await server.root.call('createSpace', { body: { name: 'e', labels: ['l'] } })
      const cursor = first.nextCursor ?? ''
      const second = await get(server, `/api/v1/spaces?limit=5&anyLabel=l&cursor=${cursor}`)
      const refusals = [
        `/api/v1/integrations?cursor=${cursor}`,
        `/api/v1/spaces?cursor=${cursor}`,
        `/api/v1/spaces?anyLabel=other&cursor=${cursor}`,
        `/api/v1/spaces?allLabels=l&cursor=${cursor}`,
        `/api/v1/spaces?anyLabel=l&cursor=${Buffer.from('["spaces","a"]').toString('base64url')}`,
      ]

      expect(first.items.map(({ id }) => id)).toEqual(['b', 'd'])
      expect(second.items.map(({ id }) => id)).toEqual(['e', 'f', 'h'])
      expect([first.nextCursor === null, second.nextCursor]).toEqual([false, null])
      expect([first.approximateCount, second.approximateCount]).toEqual([4, 6])
      for (const path of refusals) {
        const answer = await server.request('GET', path)
        const { errors } = ProblemDocument.parse(await answer.json())
        expect([answer.status, errors?.[0]?.pointer], path).toEqual([422, '?cursor'])
      }
    })

    test('S21 a count and a cursor know only of what the caller may see', async () => {
      const server = await startTestServer(database)
      for (const name of ['mine', 'other']) await server.root.call('createSpace', { body: { name } })
      for (const [name, spaceId] of [
        ['a', 'mine'],
        ['b', 'other'],
        ['c', 'mine'],
        ['d', 'other'],
        ['e', 'mine'],
      ]) {
        await server.root.call('createIntegration', {
          body: { name: name ?? '', spaceId: spaceId ?? '', apiHost: 'https://bitbucket.invalid', accessToken: 'x' },
        })
      }
      const key = await server.root.call('createApiKey', { body: { name: 'r', role: 'reader', spaceId: 'mine' } })
      const token = await server.token({ keyId: key.id, keySecret: key.secret })

      const seen: string[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const page: Listed = await get(server, `/api/v1/integrations?limit=1${cursor && `&cursor=${cursor}`}`, token)
        seen.push(...page.items.map(({ id }) => id))
        expect(page.approximateCount).toBe(3)
        const { nextCursor } = page
        const text = nextCursor === null ? '' : decodeTwice(nextCursor)
        expect(text).not.toMatch(/"b"|"d"/)
        cursor = nextCursor
      }

      expect(seen).toEqual(['a', 'c', 'e'])
      expect((await get(server, '/api/v1/integrations')).approximateCount).toBe(5)
      const hidden = await get(server, '/api/v1/integrations?ids=a,b,nothing', token)
      expect([hidden.items.map(({ id }) => id), hidden.approximateCount]).toEqual([['a'], 1])
    })

    test('L10 the lists that grow with traffic are not counted', async () => {
      const server = await startTestServer(database)

      expect((await get(server, '/api/v1/runs')).approximateCount).toBeNull()
      expect((await get(server, '/api/v1/audit')).approximateCount).toBeNull()
    })
  })
}

interface Listed {
  readonly items: { readonly id: string }[]
  readonly nextCursor: string | null
  readonly approximateCount: number | null
}

async function get(server: TestServer, path: string, token?: string): Promise<Listed> {
  const answer = await server.request('GET', path, token === undefined ? {} : { token })
  const text = await answer.text()
  expect(answer.status, text).toBe(200)
  return JSON.parse(text) as Listed
}

/** What is inside a cursor: the signature, and the key of the last row. */
function decodeTwice(cursor: string): string {
  const inner = Buffer.from(cursor, 'base64url').subarray(16).toString('utf8')
  return Buffer.from(inner, 'base64url').toString('utf8')
}
