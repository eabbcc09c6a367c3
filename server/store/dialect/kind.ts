import { PostgresAdapter } from 'kysely'

/** The two databases. Only this folder asks which one it is. */
export type DatabaseKind = 'sqlite' | 'postgres'

/** Reads the kind from a URL as `MOORING_DATABASE_URL` spells it: `sqlite:<file>` or `postgres://…`. */
export function kindOfUrl(url: string): DatabaseKind {
  if (/^postgres(ql)?:\/\//.test(url)) return 'postgres'
  if (/^sqlite:./.test(url)) return 'sqlite'
  throw new Error('The database URL is neither sqlite:<file> nor postgres://<user>@<host>/<database>.')
}

/** A database, a transaction in it, or a migration's view of it. */
export interface HasAdapter {
  getExecutor(): { readonly adapter: object }
}

export function isPostgres(db: HasAdapter): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}
