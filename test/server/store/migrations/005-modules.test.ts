import { Migrator, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { migrate } from '../../../../server/store/migrate.ts'
import { tables } from '../../../../server/store/migrations/001-tables.ts'
import { auditChain } from '../../../../server/store/migrations/002-audit-chain.ts'
import { access } from '../../../../server/store/migrations/003-access.ts'
import { integrationFields } from '../../../../server/store/migrations/004-integration-fields.ts'
import { databases } from '../../../support/databases.ts'
import { connectTestDatabase } from '../../../support/server-database.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('R210 the stacks of the release before are stacks, unverified where their repository’s id is missing', async () => {
      const db = connectTestDatabase(await database.open())
      const before = {
        '001-tables': tables,
        '002-audit-chain': auditChain,
        '003-access': access,
        '004-integration-fields': integrationFields,
      }
      await new Migrator({ db, provider: { getMigrations: async () => before } }).migrateToLatest()
      const integration = '0190f3a0-1000-7000-8000-000000000001'
      await sql`
        insert into integration (id, slug, name, is_default, space_id, api_host, user_facing_host, username,
          access_token, labels, description, allow_detach_on_destroy, created_at, updated_at)
        values (${integration}, 'vcs', 'VCS', 1, 'root', 'https://bitbucket.example.com', null, '', 'v1.sealed', '[]',
          '', 1, 1, 1)`.execute(db)
      const insert = (slug: string, integrationId: string | null, repositoryId: number | null) =>
        sql`
        insert into stack (id, slug, name, space_id, branch, project_root, normal_root, labels, description,
          integration_id, uses_default, project_key, repository_slug, repository_key, repository_id, managed_by,
          attached_at, detached, created_at)
        values (${`0190f3a0-1000-7000-8000-00000000001${slug.length}`}, ${slug}, ${slug}, 'root', 'main', '', '', '[]', '',
          ${integrationId}, 0, 'INFRA', 'network', 'INFRA/network', ${repositoryId}, 'stack', 1, 0, 1)`.execute(db)
      await insert('a', integration, 7)
      await insert('bb', integration, null)
      await insert('ccc', null, null)

      await migrate(db, Date.now())

      const rows = await db.selectFrom('stack').select(['slug', 'kind', 'verified']).orderBy('slug').execute()
      expect(rows).toEqual([
        { slug: 'a', kind: 'stack', verified: 1 },
        { slug: 'bb', kind: 'stack', verified: 0 },
        { slug: 'ccc', kind: 'stack', verified: 1 },
      ])
      // A module may be called as a stack is; another stack may not.
      await db.updateTable('stack').set({ kind: 'module' }).where('slug', '=', 'bb').execute()
      await db.updateTable('stack').set({ slug: 'a' }).where('slug', '=', 'bb').execute()
      await expect(db.updateTable('stack').set({ slug: 'a' }).where('slug', '=', 'ccc').execute()).rejects.toThrow()
    })
  })
}
