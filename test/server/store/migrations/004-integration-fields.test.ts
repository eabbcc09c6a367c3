import { Migrator, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { migrate } from '../../../../server/store/migrate.ts'
import { tables } from '../../../../server/store/migrations/001-tables.ts'
import { auditChain } from '../../../../server/store/migrations/002-audit-chain.ts'
import { access } from '../../../../server/store/migrations/003-access.ts'
import { databases } from '../../../support/databases.ts'
import { connectTestDatabase } from '../../../support/server-database.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('R210 an integration of the release before keeps what it has, and is narrowed by nothing', async () => {
      const db = connectTestDatabase(await database.open())
      const before = { '001-tables': tables, '002-audit-chain': auditChain, '003-access': access }
      await new Migrator({ db, provider: { getMigrations: async () => before } }).migrateToLatest()
      const id = '0190f3a0-1000-7000-8000-000000000001'
      await sql`
        insert into integration (id, slug, name, is_default, space_id, api_host, user_facing_host, username,
          access_token, labels, description, allow_detach_on_destroy, created_at, updated_at)
        values (${id}, 'vcs', 'VCS', 1, 'root', 'https://bitbucket.example.com', null, 'svc', 'v1.sealed', '["a"]', 'd',
          0, 1, 2)`.execute(db)

      await migrate(db, Date.now())

      expect(await db.selectFrom('integration').selectAll().executeTakeFirstOrThrow()).toEqual({
        id,
        slug: 'vcs',
        name: 'VCS',
        is_default: 1,
        space_id: 'root',
        api_host: 'https://bitbucket.example.com',
        user_facing_host: null,
        username: 'svc',
        access_token: 'v1.sealed',
        labels: '["a"]',
        description: 'd',
        allow_detach_on_destroy: 0,
        vcs_checks: 'INDIVIDUAL',
        use_git_checkout: 0,
        require_bitbucket_access: 0,
        ca_cert_pem: null,
        administration_token: null,
        repository_access: null,
        vcs_agent_pool_id: null,
        created_at: 1,
        updated_at: 2,
      })
      expect(await db.selectFrom('vcs_agent_pool').selectAll().execute()).toEqual([])
    })
  })
}
