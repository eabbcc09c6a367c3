import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type OperationId, operations } from '../../../schemas/api.ts'
import type { Operation } from '../../../schemas/operation.ts'
import type { Caller } from '../../../server/core/authorise.ts'
import { systemClock } from '../../../server/core/clock.ts'
import { createLogger } from '../../../server/core/logger.ts'
import { createSealer, type Sealer } from '../../../server/core/sealer.ts'
import { uuidv7 } from '../../../server/core/uuid-v7.ts'
import { apiKeyHandlers } from '../../../server/http/handlers/api-keys.ts'
import { auditHandlers } from '../../../server/http/handlers/audit.ts'
import { browsingHandlers } from '../../../server/http/handlers/browsing.ts'
import { deliveryHandlers } from '../../../server/http/handlers/deliveries.ts'
import { integrationHandlers } from '../../../server/http/handlers/integrations.ts'
import { moduleHandlers } from '../../../server/http/handlers/modules.ts'
import { runHandlers } from '../../../server/http/handlers/runs.ts'
import { spaceHandlers } from '../../../server/http/handlers/spaces.ts'
import { stackHandlers } from '../../../server/http/handlers/stacks.ts'
import { userHandlers } from '../../../server/http/handlers/users.ts'
import { vcsAgentPoolHandlers } from '../../../server/http/handlers/vcs-agent-pools.ts'
import { webhookTargetHandlers } from '../../../server/http/handlers/webhook-targets.ts'
import type { RequestContext } from '../../../server/http/handlers.ts'
import type { Installation } from '../../../server/services/installation.ts'
import { recordAudit } from '../../../server/store/audit.ts'
import type { Database } from '../../../server/store/tables.ts'
import { databases } from '../../support/databases.ts'
import { openTestDatabase } from '../../support/server-database.ts'
import { watchDatabase } from '../../support/watched-database.ts'

type ListHandlers = Record<string, (input: unknown, context: RequestContext) => Promise<{ items: unknown[] }>>

const lists = (Object.entries(operations) as [OperationId, Operation][])
  .filter(([, { method, query }]) => method === 'GET' && query !== undefined && 'limit' in query.shape)
  .map(([id]) => id)
  // Their rows are Bitbucket's: of our own database they read the integration and the tree of spaces.
  .filter((id) => !id.startsWith('listBitbucket'))

/** Whoever is asked inside a write transaction is looked up there (S20). */
const rootKey = {
  id: randomUUID(),
  name: 'root',
  role: 'admin' as const,
  space_id: 'root',
  secret_sha256: 'a'.repeat(64),
  created_at: 0,
  expires_at: null,
  last_used_at: null,
  revoked_at: null,
}
const rootAdmin: Caller = {
  kind: 'account',
  keyId: rootKey.id,
  userId: null,
  grants: [{ role: 'admin', spaceId: 'root' }],
  integrations: null,
}

test('L16 the lists are these, so that none is forgotten below', () => {
  expect([...lists].sort()).toEqual([
    'listApiKeys',
    'listAudit',
    'listDeliveries',
    'listIntegrations',
    'listModules',
    'listRegistrations',
    'listRuns',
    'listSpaces',
    'listStacks',
    'listUsableIntegrations',
    'listUsers',
    'listVcsAgentPools',
    'listWebhookTargets',
  ])
})

for (const database of databases) {
  describe(database.name, () => {
    test.for(lists)('L16 %s makes as many statements for two hundred rows as for two', async (id) => {
      const db = await openTestDatabase(database)
      const sealer = createSealer({ current: randomBytes(32), old: [] })
      const watched = watchDatabase(db, () => undefined)
      const handlers = handlersOf(watched.db, sealer)
      const count = async (query: object) => {
        const before = watched.statements()
        const { items } = (await handlers[id]?.(
          { params: { id: id === 'listUsableIntegrations' ? 'root' : 'vcs-0' }, query: { limit: 500, ...query } },
          context(),
        )) ?? { items: [] }
        return { rows: items.length, statements: watched.statements() - before }
      }

      await db.insertInto('api_key').values(rootKey).execute()
      const some = await fill(db, sealer, 0, 2)
      const few = await count({})
      const fewByIds = some[id] && (await count({ ids: some[id].slice(0, 2) }))
      const more = await fill(db, sealer, 2, 200)
      const many = await count({})
      const manyByIds = some[id] && (await count({ ids: [...some[id], ...(more[id] ?? [])].slice(0, 200) }))

      expect(few.rows).toBeGreaterThanOrEqual(2)
      expect(many.rows).toBeGreaterThanOrEqual(200)
      expect(many.statements).toBe(few.statements)
      expect(manyByIds?.statements).toBe(fewByIds?.statements)
      const haveNoIds = ['listWebhookTargets', 'listUsableIntegrations']
      expect(manyByIds?.rows).toBe(haveNoIds.includes(id) ? undefined : 200)
    })
  })
}

function context(): RequestContext {
  return {
    caller: rootAdmin,
    audience: 'api',
    session: null,
    findSessionId: async () => undefined,
    setCookie: () => undefined,
    requestId: 'a',
    remoteAddress: 'a',
    log: createLogger('silent', process.stderr),
  }
}

function handlersOf(db: Database, sealer: Sealer): ListHandlers {
  const refuse = () => {
    throw new Error('A list calls nobody.')
  }
  const installation: Installation = {
    db,
    clock: systemClock,
    sealer,
    instanceId: randomUUID(),
    publicUrl: () => 'http://mooring.test',
    bitbucket: { checkHost: refuse, bitbucketClient: refuse, webhooksClient: refuse, visitingClient: refuse },
    lookUps: { countFailure: refuse },
    repositoryAccess: 'everything',
    onSecretsChanged: refuse,
    onKeyRevoked: refuse,
  }
  const limiter = { countFailure: () => false }
  const signer = { sign: refuse, verify: refuse }
  const handlers = {
    ...apiKeyHandlers(installation, { db, clock: systemClock, signer, perKey: limiter, perAddress: limiter }),
    ...userHandlers(installation),
    ...spaceHandlers({ ...installation, spaceAdmins: 'off' }),
    ...integrationHandlers(installation),
    ...stackHandlers(installation),
    ...moduleHandlers(installation),
    ...browsingHandlers(installation),
    ...vcsAgentPoolHandlers(installation),
    ...webhookTargetHandlers(installation),
    ...runHandlers(db),
    ...deliveryHandlers(db),
    ...auditHandlers(db),
  }
  return handlers as unknown as ListHandlers
}

/** Inserts rows number `from` to `to` of everything, and gives their ids by the operation that lists them. */
async function fill(
  db: Database,
  sealer: Sealer,
  from: number,
  to: number,
): Promise<Partial<Record<OperationId, string[]>>> {
  const now = Date.now()
  const numbers = Array.from({ length: to - from }, (_, index) => from + index)
  const described = { labels: '[]', description: '', created_at: now }
  const spaces = numbers.map((n) => ({
    id: `space-${n}`,
    name: `Space ${n}`,
    parent_id: 'root',
    inherit_entities: 0 as const,
    ...described,
  }))
  await db.insertInto('space').values(spaces).execute()
  const integrations = numbers.map((n) => {
    const id = uuidv7(now)
    return {
      id,
      slug: `vcs-${n}`,
      name: `VCS ${n}`,
      is_default: 0 as const,
      space_id: `space-${n}`,
      api_host: 'https://bitbucket.example.com',
      user_facing_host: null,
      username: '',
      access_token: sealer.seal({ table: 'integration', id, column: 'access_token' }, 'token'),
      allow_detach_on_destroy: 1 as const,
      updated_at: now,
      ...described,
    }
  })
  await db.insertInto('integration').values(integrations).execute()
  const secrets = integrations.map(({ id: integrationId }) => {
    const id = uuidv7(now)
    const secret = sealer.seal({ table: 'webhook_secret', id, column: 'secret' }, 'secret')
    return { id, integration_id: integrationId, version: 1, secret, valid_until: null, created_at: now }
  })
  await db.insertInto('webhook_secret').values(secrets).execute()
  const stacks = integrations.map(({ id, space_id }, index) => ({
    id: uuidv7(now),
    slug: `stack-${from + index}`,
    name: `Stack ${from + index}`,
    space_id,
    branch: 'main',
    project_root: '',
    normal_root: '',
    integration_id: id,
    uses_default: 0 as const,
    project_key: 'INFRA',
    repository_slug: 'network',
    repository_key: 'INFRA/network',
    repository_id: 7,
    managed_by: 'stack' as const,
    attached_at: now,
    detached: 0 as const,
    detached_reason: null,
    detached_at: null,
    head_commit: null,
    ...described,
  }))
  await db.insertInto('stack').values(stacks).execute()
  const modules = stacks.map((stack) => ({ ...stack, id: uuidv7(now), kind: 'module' as const }))
  await db.insertInto('stack').values(modules).execute()
  const registrations = integrations.map(({ id }) => ({
    id: uuidv7(now),
    integration_id: id,
    project_key: 'INFRA',
    repository_slug: 'network',
    repository_id: 7,
    webhook_id: 1,
    secret_version: 1,
    observed: 'in_sync' as const,
    drift: '[]',
    managed_by: 'service' as const,
    reported_at: now,
  }))
  await db.insertInto('registration').values(registrations).execute()
  const first = await db.selectFrom('integration').select('id').where('slug', '=', 'vcs-0').executeTakeFirstOrThrow()
  const firstStack = await db.selectFrom('stack').select('id').where('slug', '=', 'stack-0').executeTakeFirstOrThrow()
  const deliveries = numbers.map((n) => ({
    id: uuidv7(now),
    integration_id: first.id,
    request_id: `request ${n}`,
    event_key: 'repo:refs_changed',
    headers: '{}',
    received_at: now,
    size: 2,
    secret_version: 1,
    body_digest: `${n}`,
    body: Buffer.from('{}'),
    state: 'processed' as const,
    lease_until: null,
    not_before: now,
    attempts: 1,
    verdict: 'accepted',
    reason: null,
    detail: null,
    processed_at: now,
  }))
  await db.insertInto('delivery').values(deliveries).execute()
  const runs = deliveries.map(({ id }, index) => ({
    id: uuidv7(now),
    integration_id: first.id,
    stack_id: firstStack.id,
    type: 'PROPOSED' as const,
    state: 'READY',
    state_reason: null,
    commit_sha: 'a'.repeat(40),
    branch: 'b',
    run_key: `proposed:${from + index}`,
    delivery_id: id,
    created_at: now,
    updated_at: now,
  }))
  await db.insertInto('run').values(runs).execute()
  const keys = numbers.map((n) => ({
    id: uuidv7(now),
    name: `Key ${n}`,
    role: 'webhook-registrar' as const,
    space_id: 'root',
    secret_sha256: 'a'.repeat(64),
    created_at: now,
    expires_at: null,
    last_used_at: null,
    revoked_at: null,
  }))
  await db.insertInto('api_key').values(keys).execute()
  const users = numbers.map((n) => ({ id: uuidv7(now), name: `User ${n}`, created_at: now, updated_at: now }))
  await db.insertInto('user_account').values(users).execute()
  await db
    .insertInto('user_role')
    .values(users.map(({ id }) => ({ user_id: id, role: 'reader' as const, space_id: 'root' })))
    .execute()
  const pools = numbers.map((n) => ({
    id: uuidv7(now),
    slug: `pool-${n}`,
    space_id: `space-${n}`,
    updated_at: now,
    ...described,
  }))
  await db.insertInto('vcs_agent_pool').values(pools).execute()
  await recordAudit(
    db,
    now,
    numbers.map((n) => ({ actor: 'server', action: 'thing.change', object: `thing:${n}` })),
  )
  const recorded = await db.selectFrom('audit').select('id').orderBy('sequence', 'desc').limit(numbers.length).execute()
  return {
    listSpaces: spaces.map(({ id }) => id),
    listIntegrations: integrations.map(({ slug }) => slug),
    listStacks: stacks.map(({ slug }) => slug),
    listModules: modules.map(({ slug }) => slug),
    listRegistrations: registrations.map(({ id }) => id),
    listDeliveries: deliveries.map(({ id }) => id),
    listRuns: runs.map(({ id }) => id),
    listApiKeys: keys.map(({ id }) => id),
    listUsers: users.map(({ id }) => id),
    listVcsAgentPools: pools.map(({ slug }) => slug),
    listAudit: recorded.map(({ id }) => id),
  }
}
