import type { KyselyPlugin, QueryId } from 'kysely'
import { describe, expect, test } from 'vitest'
import { fillLists, idOfRow, type ListSizes, nameOfRow } from '../../../bench/lists-data.ts'
import { listApiKeyRows } from '../../../server/store/api-keys.ts'
import { listAuditRows } from '../../../server/store/audit-rows.ts'
import { listDeliveryRows } from '../../../server/store/deliveries.ts'
import { deleteOldDeliveryKeys } from '../../../server/store/delivery-queue.ts'
import { openDatabase } from '../../../server/store/dialect/open-database.ts'
import { listIntegrationRows } from '../../../server/store/integrations.ts'
import { migrate } from '../../../server/store/migrate.ts'
import { listRegistrationRows } from '../../../server/store/registrations.ts'
import { listRunRows } from '../../../server/store/runs.ts'
import { readSpaceTree } from '../../../server/store/space-tree.ts'
import { listSpaces } from '../../../server/store/spaces.ts'
import { listStackRows } from '../../../server/store/stacks.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases, type Template } from '../../support/databases.ts'
import { connectTestDatabase } from '../../support/server-database.ts'

const sizes: ListSizes = { objects: 10_000, traffic: 10_000 }
const middle = 5_000

const large: Template = {
  name: 'large_lists',
  async build(url) {
    const db = openDatabase(url)
    await migrate(db, Date.now())
    await fillLists(db, sizes)
    await db
      .insertInto('delivery_key')
      .columns(['integration_id', 'request_id', 'body_digest', 'delivery_id', 'duplicates', 'created_at'])
      .expression((eb) =>
        eb
          .selectFrom('delivery')
          .select((each) => [
            'integration_id',
            each.ref('request_id').$notNull().as('request_id'),
            'body_digest',
            'id',
            each.lit(0).as('duplicates'),
            each.lit(0).as('created_at'),
          ]),
      )
      .execute()
    await db.destroy()
  },
}

/** Each list's page that follows its row number five thousand. */
const pages: Readonly<Record<string, (db: Database) => Promise<{ readonly items: readonly unknown[] }>>> = {
  spaces: (db) => listSpaces(db, page('spaces', nameOfRow('space', middle)), 'all'),
  integrations: (db) => {
    const scope = { spaces: 'all', defaults: true, slugs: null } as const
    return listIntegrationRows(db, { ...page('integrations', nameOfRow('vcs', middle)), scope })
  },
  stacks: (db) => listStackRows(db, { ...page('stacks', nameOfRow('stack', middle)), kind: 'stack', scope: 'all' }),
  registrations: (db) => {
    const scope = { spaces: 'all', defaults: true, slugs: null } as const
    return listRegistrationRows(db, { ...page('registrations', idOfRow(3, middle, sizes.objects)), scope })
  },
  'API keys': (db) => {
    const scope = { userId: null, services: 'all' } as const
    return listApiKeyRows(db, page('api-keys', idOfRow(4, middle, sizes.objects)), scope)
  },
  deliveries: (db) => {
    const integrationId = idOfRow(1, 0, sizes.objects)
    return listDeliveryRows(db, { ...page('deliveries', idOfRow(5, middle, sizes.traffic)), integrationId })
  },
  runs: (db) => listRunRows(db, { ...page('runs', idOfRow(6, middle, sizes.traffic)), scope: 'all' }),
  audit: (db) => listAuditRows(db, { ...page('audit newest', String(1_000_000 + middle)), order: 'newest' }),
}

for (const database of databases) {
  describe(database.name, () => {
    test('L15 F17 F20 a page in the middle of any list, the tree of spaces and a step of retention are short statements', {
      timeout: 60_000,
    }, async () => {
      const url = await database.open(large)
      const slowest = new Map<string, number>()
      for (let times = 0; times < 3; times += 1) {
        const { db, longestMs } = timeStatements(connectTestDatabase(url))
        for (const [name, read] of Object.entries(pages)) {
          expect((await read(db)).items, name).toHaveLength(50)
          keepLeast(slowest, name, longestMs())
        }
        expect((await readSpaceTree(db)).size).toBe(sizes.objects + 1)
        keepLeast(slowest, 'tree', longestMs())
        expect(await deleteOldDeliveryKeys(db, Date.now() + 86_400_000)).toBe(1_000)
        keepLeast(slowest, 'retention', longestMs())
      }

      // The least of three: what another process did meanwhile is no statement's fault.
      expect([...slowest].filter(([, milliseconds]) => milliseconds > 20)).toEqual([])
    })
  })
}

function page(list: string, key: string) {
  return { limit: 50, cursor: Buffer.from(JSON.stringify([list, key])).toString('base64url') }
}

function keepLeast(slowest: Map<string, number>, name: string, milliseconds: number): void {
  slowest.set(name, Math.min(slowest.get(name) ?? Number.POSITIVE_INFINITY, milliseconds))
}

/** Measures statements; `longestMs` gives the longest since it was last asked. */
function timeStatements(db: Database) {
  const started = new Map<QueryId, number>()
  let longest = 0
  const plugin: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => {
      started.set(queryId, performance.now())
      return node
    },
    transformResult: async ({ result, queryId }) => {
      longest = Math.max(longest, performance.now() - (started.get(queryId) ?? 0))
      return result
    },
  }
  return {
    db: db.withPlugin(plugin),
    longestMs: () => {
      const milliseconds = longest
      longest = 0
      return milliseconds
    },
  }
}
