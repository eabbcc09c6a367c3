import { randomBytes } from 'node:crypto'
import { afterAll, onTestFinished } from 'vitest'
import { createAuditKey } from '../../server/core/audit-chain.ts'
import { holdAuditKey } from '../../server/store/audit-key.ts'
import { openDatabase } from '../../server/store/dialect/open-database.ts'
import { migrate } from '../../server/store/migrate.ts'
import type { Database } from '../../server/store/tables.ts'
import type { Template, TestDatabase } from './databases.ts'

const migrated: Template = {
  name: 'migrated',
  async build(url) {
    const db = openDatabase(url)
    await migrate(db, Date.now())
    await db.destroy()
  },
}

/** A server that opens the same database has a key of its own. */
const auditKey = createAuditKey(randomBytes(32))

const open: (() => Promise<void>)[] = []

afterAll(async () => {
  for (const close of open.splice(0)) await close()
})

/** The URL of a migrated database of its own, dropped when the test ends. */
export async function openTestDatabaseUrl(database: TestDatabase): Promise<string> {
  return database.open(migrated)
}

/** A migrated database of its own, closed and dropped when the test ends; opened in a hook, when the file ends. */
export async function openTestDatabase(database: TestDatabase): Promise<Database> {
  return connectTestDatabase(await openTestDatabaseUrl(database))
}

/** One more connection to a test's database, closed when the test ends; opened in a hook, when the file ends. */
export function connectTestDatabase(url: string): Database {
  const db = openDatabase(url)
  holdAuditKey(db, auditKey)
  const close = () => db.destroy()
  try {
    onTestFinished(close)
  } catch {
    open.push(close) // called in a hook or at the top of a file
  }
  return db
}
