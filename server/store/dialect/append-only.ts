import { type Kysely, sql } from 'kysely'
import { isPostgres } from './kind.ts'

/** What may still be set where it is null: a row's place in the chain, once. Everything else stays. */
const fixed = ['id', 'at', 'actor', 'action', 'object', 'details', 'once_key']
const message = 'The audit log is append-only.'

/**
 * Makes triggers that refuse to change or delete rows of `audit`, on PostgreSQL to truncate it, too (S71). They stop
 * mistakes and stolen SQL, not the table's owner; what he does the chain shows.
 */
export async function makeAuditAppendOnly(db: Kysely<unknown>): Promise<void> {
  if (isPostgres(db)) await onPostgres(db)
  else await onSqlite(db)
}

/** SQLite deletes by REPLACE without asking this trigger, unless `recursive_triggers` is on: each connection sets it. */
async function onSqlite(db: Kysely<unknown>): Promise<void> {
  const changed = fixed.map((name) => `new.${name} is not old.${name}`).join(' or ')
  await sql
    .raw(
      `create trigger audit_no_update before update on audit when old.sequence is not null or ${changed}
       begin select raise(abort, '${message}'); end`,
    )
    .execute(db)
  await sql
    .raw(`create trigger audit_no_delete before delete on audit begin select raise(abort, '${message}'); end`)
    .execute(db)
}

async function onPostgres(db: Kysely<unknown>): Promise<void> {
  const changed = fixed.map((name) => `new.${name} is distinct from old.${name}`).join(' or ')
  const statements = [
    `create function audit_refuse() returns trigger language plpgsql as $$
     begin raise exception '${message}' using errcode = 'insufficient_privilege'; end $$`,
    `create trigger audit_no_update before update on audit for each row
     when (old.sequence is not null or ${changed}) execute function audit_refuse()`,
    `create trigger audit_no_delete before delete on audit for each row execute function audit_refuse()`,
    `create trigger audit_no_truncate before truncate on audit for each statement execute function audit_refuse()`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
