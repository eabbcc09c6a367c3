import { describe, expect, test } from 'vitest'
import { openUndiciTransport } from '../../clients/transport-undici.ts'
import { probe } from '../support/access/probe.ts'
import { buildWorld, type WorldSize } from '../support/access/world.ts'
import { databases } from '../support/databases.ts'
import { startTestServer } from '../support/server.ts'

const isLong = process.env.MOORING_TEST_LONG === '1'
const sizes: Readonly<Record<'sqlite' | 'postgres', WorldSize & { readonly worlds: number }>> = {
  sqlite: { worlds: isLong ? 15 : 1, spaces: 6, integrations: 4, stacks: 4, callers: 8 },
  postgres: { worlds: isLong ? 3 : 1, spaces: 3, integrations: 3, stacks: 2, callers: 5 },
}

for (const database of databases) {
  describe(database.name, () => {
    const { worlds, ...size } = sizes[database.name]
    test.for(Array.from({ length: worlds }, (_, index) => index))(
      'R26 S20 S21 no answer shows what is hidden, and hidden looks like absent (world %i)',
      { timeout: 240_000 },
      async () => {
        const seed = Number(process.env.MOORING_SEED ?? Math.floor(Math.random() * 2 ** 31))
        const server = await startTestServer(database)
        const transport = openUndiciTransport({})
        const world = await buildWorld(transport.send, server.url, server.rootKey, server.db, seed, size)

        const { requests, violations } = await probe(server.url, world, 4000)
        await transport.close()

        expect(violations, `MOORING_SEED=${seed}, ${requests} requests`).toEqual([])
        expect(requests).toBeGreaterThan(100)
      },
    )
  })
}
