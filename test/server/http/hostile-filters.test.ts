import { describe, expect, test } from 'vitest'
import { databases } from '../../support/databases.ts'
import { startTestServer } from '../../support/server.ts'

const hostile = ["' or '1'='1", "a'; drop table space; --", '%', '_', '%25', 'a" or ""="', '\\', 'root%', 'r_ot']

for (const database of databases) {
  describe(database.name, () => {
    test('S74 what a caller sends in a filter stays text, whatever SQL it could be', async () => {
      const server = await startTestServer(database, {})
      for (const text of hostile) {
        const value = encodeURIComponent(text)
        const byIds = await server.request('GET', `/api/v1/spaces?ids=${value}`)
        const byCursor = await server.request('GET', `/api/v1/spaces?cursor=${value}`)
        const bySpace = await server.request('GET', `/api/v1/integrations?spaceId=${value}`)
        const created = await server.request('POST', '/api/v1/spaces', { body: { name: 'Taken', slug: text } })

        expect([200, 422], `ids=${text}`).toContain(byIds.status)
        if (byIds.status === 200) expect(await byIds.json()).toMatchObject({ items: [] })
        expect([byCursor.status, bySpace.status, created.status]).toEqual([422, 422, 422])
      }

      expect((await server.root.call('listSpaces', { query: {} })).items.map(({ id }) => id)).toEqual(['root'])
    })
  })
}
