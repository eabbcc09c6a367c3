import {
  CompiledQuery,
  Kysely,
  type LogEvent,
  PostgresDialect,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
} from 'kysely'
import type { Database, Tables } from '../tables.ts'
import { kindOfUrl } from './kind.ts'
import { createPostgresPool, poolForKysely } from './postgres-pool.ts'
import { openSqliteConnection, sqliteFile } from './sqlite-connection.ts'

/** With the receiver's two a process holds at most ten connections (L36). */
const poolSize = 8

/**
 * Opens either database: `sqlite:<file>` or `postgres://…`. SQLite opens at once and throws when the file cannot be
 * used; PostgreSQL connects at the first statement. `destroy()` closes it. `onStatementError` hears of every statement that
 * fails, expected or not. On PostgreSQL a statement without an answer fails after `statementTimeoutMs`, where it is given.
 */
export function openDatabase(
  url: string,
  onIdleError: (error: Error) => void = ignore,
  onStatementError: (error: unknown) => void = ignore,
  statementTimeoutMs?: number,
): Database {
  const log = (event: LogEvent) => {
    if (event.level === 'error') onStatementError(event.error)
  }
  if (kindOfUrl(url) === 'postgres') {
    const pool = createPostgresPool(url, poolSize, onIdleError, statementTimeoutMs)
    return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: poolForKysely(pool) }), log })
  }
  return new Kysely<Tables>({
    dialect: new WritingSqliteDialect({ database: openSqliteConnection(sqliteFile(url)) }),
    log,
  })
}

/** A broken idle connection is replaced when the next statement needs one; whoever wants to know passes a listener. */
function ignore(): void {}

class WritingSqliteDialect extends SqliteDialect {
  readonly #config: ConstructorParameters<typeof SqliteDialect>[0]

  constructor(config: ConstructorParameters<typeof SqliteDialect>[0]) {
    super(config)
    this.#config = config
  }

  override createDriver(): SqliteDriver {
    return new WritingSqliteDriver(this.#config)
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalSqliteAdapter()
  }
}

type Connection = Parameters<SqliteDriver['beginTransaction']>[0]

/** A transaction that reads first and writes later fails if somebody wrote in between; an immediate one cannot. */
class WritingSqliteDriver extends SqliteDriver {
  override async beginTransaction(connection: Connection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }
}

/** SQLite rolls back DDL like anything else: a migration happens whole or not at all. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}
