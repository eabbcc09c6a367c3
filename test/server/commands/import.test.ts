import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openSealer } from '../../../server/encryption-key.ts'
import { openAuditKey } from '../../../server/store/audit-key.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { runServerCommand } from '../../support/server-command.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'

const childId = 'payments-01HSA8YKYGKR0N6Z60M1Q5QZS1'
const parentId = 'platform-01HS1Z9MKYSDAP6NJ5K5JBTSM3'
const leakedToken = `state-token-${randomBytes(16).toString('hex')}`

/** What Terraform writes for one resource of the other product. */
function resource(type: string, name: string, attributes: Record<string, unknown>) {
  return { mode: 'managed', type: `spacelift_${type}`, name, instances: [{ schema_version: 0, attributes }] }
}

const integration = {
  id: 'bitbucket-for-payments-team',
  name: 'Bitbucket for Payments Team',
  is_default: false,
  space_id: parentId,
  api_host: 'https://bitbucket.example.com/context',
  user_facing_host: 'https://bitbucket.example.com/context',
  username: 'terraform',
  access_token: leakedToken,
  labels: ['payments'],
  description: 'Moved here.',
  vcs_checks: 'ALL',
  use_git_checkout: true,
  webhook_secret: 'of the other product',
}

const resources = [
  // The child comes first, as it may in a state.
  resource('space', 'child', { id: childId, name: 'Payments', parent_space_id: parentId, inherit_entities: true }),
  resource('space', 'parent', { id: parentId, name: 'Platform', parent_space_id: 'root', labels: null }),
  resource('vcs_agent_pool', 'inside', { id: '01HS2X0000000000000000000A', name: 'inside', description: null }),
  resource('bitbucket_datacenter_integration', 'payments', integration),
  resource('stack', 'untouched', { id: 'a-stack' }),
]

async function openScene(database: TestDatabase) {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-import-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const databaseUrl = await openTestDatabaseUrl(database)
  const db = connectTestDatabase(databaseUrl)
  const key = randomBytes(32)
  await openAuditKey(db, await openSealer(db, { current: key, old: [] }))
  const env = {
    MOORING_DATABASE_URL: databaseUrl,
    MOORING_ENCRYPTION_KEY: key.toString('base64'),
    MOORING_PUBLIC_URL: 'https://mooring.example.com',
  }
  const importState = (state: unknown) => {
    const file = join(folder, 'state.json')
    writeFileSync(file, typeof state === 'string' ? state : JSON.stringify(state))
    return runServerCommand(['import', 'spacelift', file], env)
  }
  return { db, importState }
}

describe.for(databases)('$name', (database) => {
  test('R210b an import creates spaces, pools and integrations under the same ids, and lists the tokens to set', async () => {
    const { db, importState } = await openScene(database)

    const { code, stdout, stderr } = await importState({ version: 4, resources })

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n').filter((line) => line.startsWith('created: '))).toEqual([
      `created: space ${parentId}`,
      `created: space ${childId}`,
      'created: VCS agent pool inside',
      'created: integration bitbucket-for-payments-team',
    ])
    expect(stdout).toContain('token to set: PATCH /api/v1/integrations/bitbucket-for-payments-team')
    expect(stdout).not.toContain(leakedToken)
    const spaces = await db.selectFrom('space').select(['id', 'parent_id', 'inherit_entities']).execute()
    expect(spaces).toEqual(
      expect.arrayContaining([
        { id: parentId, parent_id: 'root', inherit_entities: 0 },
        { id: childId, parent_id: parentId, inherit_entities: 1 },
      ]),
    )
    expect(await db.selectFrom('integration').selectAll().executeTakeFirst()).toMatchObject({
      slug: 'bitbucket-for-payments-team',
      name: 'Bitbucket for Payments Team',
      space_id: parentId,
      api_host: 'https://bitbucket.example.com/context',
      username: 'terraform',
      labels: '["payments"]',
      vcs_checks: 'ALL',
      use_git_checkout: 1,
    })
    expect(await db.selectFrom('audit').select('actor').distinct().execute()).toEqual([{ actor: 'operator' }])
  })

  test('R210b an import can be repeated: what is there stays as it is', async () => {
    const { db, importState } = await openScene(database)
    await importState({ version: 4, resources })
    await db.updateTable('integration').set({ description: 'Changed since.' }).execute()

    const { code, stdout } = await importState({ version: 4, resources })

    expect(code).toBe(0)
    expect(stdout).not.toContain('created: ')
    expect(stdout.match(/there already, left as it is/g)).toHaveLength(4)
    expect(await db.selectFrom('integration').select('description').execute()).toEqual([
      { description: 'Changed since.' },
    ])
  })

  test('R210b what cannot be imported is named with its reason, and the rest is imported', async () => {
    const { db, importState } = await openScene(database)
    const orphan = resource('space', 'orphan', { id: 'orphan', name: 'Orphan', parent_space_id: 'nowhere' })
    const relative = resource('bitbucket_datacenter_integration', 'bad', { ...integration, api_host: 'not a host' })

    const { code, stdout } = await importState({ version: 4, resources: [orphan, relative, resources[1]] })

    expect(code).toBe(1)
    expect(stdout).toContain('not imported: spacelift_space.orphan: There is no space with the id "nowhere".')
    expect(stdout).toContain('not imported: spacelift_bitbucket_datacenter_integration.bad: apiHost: ')
    expect(stdout).toContain(`created: space ${parentId}`)
    expect(await db.selectFrom('integration').select('id').execute()).toEqual([])
  })
})

test.for([
  { title: 'text', state: `${leakedToken} is no JSON`, words: 'it is not JSON' },
  { title: 'another format', state: { version: 3, modules: [] }, words: 'expected a Terraform state of format 4' },
])('R210b a file that is no state is refused in a sentence without its contents: $title', async ({ state, words }) => {
  const { importState } = await openScene(databases[0] as TestDatabase)

  const { code, stdout, stderr } = await importState(state)

  expect(code).toBe(1)
  expect(stderr).toContain(words)
  expect(stdout + stderr).not.toContain(leakedToken)
})
