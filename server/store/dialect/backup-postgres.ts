import { type Kysely, sql } from 'kysely'
import type { Database, Tables } from '../tables.ts'
import type { BackupContents } from './backup-contents.ts'
import { readDumpData } from './dump-reader.ts'
import { makePrivateFile } from './durable-files.ts'
import { describeCall, libpqTarget, runTool, startTool } from './postgres-tools.ts'

const dumpArguments = ['--format=custom', '--no-owner', '--no-privileges']

/** The exact call that a backup makes, for whoever plans backups of his own; its password stays a name. */
export function dumpCall(url: string, file: string): string {
  const target = libpqTarget(url)
  return describeCall('pg_dump', [...dumpArguments, `--file=${file}`, `--dbname=${target.uri}`], target)
}

/**
 * Dumps the database to `target`, 0600, and gives the rows of each table as they are in it: counted in the snapshot that
 * pg_dump reads, so that writes meanwhile change neither.
 */
export async function dumpPostgres(db: Database, url: string, target: string): Promise<Record<string, number>> {
  const libpq = libpqTarget(url)
  makePrivateFile(target)
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (transaction) => {
      const { rows } = await sql<{ id: string }>`select pg_export_snapshot() as id`.execute(transaction)
      const snapshot = rows[0]?.id ?? ''
      const args = [...dumpArguments, `--snapshot=${snapshot}`, `--file=${target}`, `--dbname=${libpq.uri}`]
      const dumping = startTool('pg_dump', args, libpq.env)
      dumping.output.resume()
      const counted = await countTables(transaction)
      await dumping.done
      return counted
    })
}

/**
 * Reads what a dump holds, from the first byte to the last, as a restore would: `pg_restore --list` alone reads the
 * table of contents and takes a file that was cut behind it. Throws with the first fault.
 */
export async function readPostgresDump(file: string): Promise<BackupContents> {
  try {
    const list = await runTool('pg_restore', ['--list', file])
    if (!/ TABLE DATA public setting /.test(list)) throw new Error('it holds no table "setting" of Mooring')
    const { output, done } = startTool('pg_restore', ['--data-only', '--file=-', file])
    const contents = await readDumpData(output)
    await done
    return contents
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    if (/was not found/.test(reason)) throw error
    throw new Error(`${file} is no backup of Mooring, or is cut or damaged: ${reason}`, { cause: error })
  }
}

/** The tables that hold rows themselves: partitions count one by one, as a dump lists them. */
async function countTables(db: Kysely<Tables>): Promise<Record<string, number>> {
  const { rows: tables } = await sql<{ schema: string; name: string; label: string }>`
    select n.nspname as schema, c.relname as name, format('%I.%I', n.nspname, c.relname) as label
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname !~ '^(pg_|information_schema$)'
      and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
    order by 3`.execute(db)
  const counts: Record<string, number> = {}
  for (const { schema, name, label } of tables) {
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from ${sql.id(schema, name)}`.execute(db)
    counts[label] = Number(rows[0]?.count ?? 0)
  }
  return counts
}
