import type { KyselyPlugin } from 'kysely'
import type { Database } from '../../server/store/tables.ts'

/** A connection whose statements are seen before they run. Begin and commit are not among them. */
export interface WatchedDatabase {
  readonly db: Database
  /** How many statements there were. */
  statements(): number
}

/** Watches `db`: `before` is called with each statement's number, from 1, and what it throws fails the statement. */
export function watchDatabase(db: Database, before: (statement: number) => void): WatchedDatabase {
  let count = 0
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      count += 1
      before(count)
      return node
    },
    transformResult: async ({ result }) => result,
  }
  return { db: db.withPlugin(plugin), statements: () => count }
}
