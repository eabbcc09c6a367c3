import { type Kysely, sql } from 'kysely'
import { isPostgres } from './kind.ts'

/** What the tree is made of; another name or description of a space changes nothing of it. */
const columns = 'parent_id, inherit_entities'

/**
 * Makes triggers that give the tree of spaces another random token whenever a space comes, goes or moves, by whatever
 * statement. A random one, for a counter would give the number of a change that was rolled back to the next.
 */
export async function renewOnChange(db: Kysely<unknown>): Promise<void> {
  const token = isPostgres(db) ? 'gen_random_uuid()::text' : 'hex(randomblob(16))'
  await sql.raw(`insert into space_revision (id, token) values (1, ${token})`).execute(db)
  const renew = `update space_revision set token = ${token}`
  const events = ['insert', 'delete', `update of ${columns}`]
  if (!isPostgres(db)) {
    for (const event of events) {
      const name = `space_revision_${event.slice(0, 6)}`
      await sql.raw(`create trigger ${name} after ${event} on space begin ${renew}; end`).execute(db)
    }
    return
  }
  await sql
    .raw(`create function renew_space_revision() returns trigger language plpgsql as $$
      begin ${renew}; return null; end $$`)
    .execute(db)
  await sql
    .raw(`create trigger space_revision after ${events.join(' or ')} on space
      for each statement execute function renew_space_revision()`)
    .execute(db)
}
