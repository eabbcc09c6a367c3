import { statSync } from 'node:fs'
import { sql } from 'kysely'
import pg from 'pg'
import type { Database } from '../tables.ts'
import { kindOfUrl } from './kind.ts'
import { sqliteFile } from './sqlite-connection.ts'

/**
 * Names the place where this database really lies, which no copy shares (S76). SQLite: the file's inode and time of
 * birth, which a move within the file system and a new container keep and a copy does not. PostgreSQL: the cluster's
 * identifier and the database's number in it, which a stand-by keeps and a dump does not.
 */
export async function nameHere(db: Database, url: string): Promise<string> {
  return kindOfUrl(url) === 'sqlite' ? nameOfFile(sqliteFile(url)) : nameOfDatabase(db)
}

function nameOfFile(file: string): string {
  const { ino, birthtimeNs } = statSync(file, { bigint: true })
  return `sqlite:${ino}:${birthtimeNs}`
}

async function nameOfDatabase(db: Database): Promise<string> {
  const { rows } = await sql<{ oid: string }>`
    select oid::text as oid from pg_database where datname = current_database()`.execute(db)
  return `postgres:${await findSystemIdentifier(db)}:${rows[0]?.oid ?? ''}`
}

/** Some hosted databases do not tell it to everybody; the database's number alone then has to do. */
async function findSystemIdentifier(db: Database): Promise<string> {
  try {
    const { rows } = await sql<{ id: string }>`
      select system_identifier::text as id from pg_control_system()`.execute(db)
    return rows[0]?.id ?? ''
  } catch (error) {
    if (error instanceof pg.DatabaseError && (error.code === '42501' || error.code === '42883')) return 'hidden'
    throw error
  }
}
