import { type OperationId, operations } from '../../../schemas/api.ts'
import type { Operation } from '../../../schemas/operation.ts'
import type { Database } from '../../../server/store/tables.ts'
import type { ExistingIds } from '../api-requests.ts'
import type { FuzzWorld } from './world.ts'

/** What there is at the moment, by kind: the newest of each, and the pillars. */
export interface Stock {
  readonly spaces: readonly string[]
  readonly emptySpaces: readonly string[]
  readonly integrations: readonly string[]
  readonly freeStacks: readonly string[]
  readonly attachedStacks: readonly string[]
  readonly freeModules: readonly string[]
  readonly attachedModules: readonly string[]
  readonly pools: readonly string[]
  readonly users: readonly string[]
  readonly keys: readonly string[]
  readonly runs: readonly string[]
  readonly deliveries: readonly string[]
  readonly registrations: readonly string[]
}

const newest = 15

/** Reads what there is; every row that a write may take has another name than the pillars. */
export async function readStock(db: Database): Promise<Stock> {
  const spaces = await db.selectFrom('space').select('id').orderBy('created_at', 'desc').limit(newest).execute()
  const emptySpaces = await db
    .selectFrom('space')
    .select('id')
    .where('id', 'not like', 'pillar%')
    .where('id', '!=', 'root')
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('space as child').select('child.id').whereRef('child.parent_id', '=', 'space.id'))),
    )
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('stack').select('stack.id').whereRef('stack.space_id', '=', 'space.id'))),
    )
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('integration').select('integration.id').whereRef('integration.space_id', '=', 'space.id'))),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('vcs_agent_pool').select('vcs_agent_pool.id').whereRef('vcs_agent_pool.space_id', '=', 'space.id'),
        ),
      ),
    )
    .orderBy('created_at', 'desc')
    .limit(newest)
    .execute()
  const integrations = await db
    .selectFrom('integration')
    .select('slug')
    .orderBy('created_at', 'desc')
    .limit(newest)
    .execute()
  const pools = await db
    .selectFrom('vcs_agent_pool')
    .select('slug')
    .orderBy('created_at', 'desc')
    .limit(newest)
    .execute()
  const users = await db
    .selectFrom('user_account')
    .select('id')
    .where('name', 'not like', 'pillar%')
    .orderBy('created_at', 'desc')
    .limit(newest)
    .execute()
  const keys = await db
    .selectFrom('api_key')
    .select('id')
    .where('name', 'not like', 'pillar%')
    .where('revoked_at', 'is', null)
    .where('role', '!=', 'bootstrap')
    .orderBy('created_at', 'desc')
    .limit(newest)
    .execute()
  const ids = async (table: 'run' | 'delivery' | 'registration') =>
    (await db.selectFrom(table).select('id').orderBy('id', 'desc').limit(newest).execute()).map(({ id }) => id)
  return {
    spaces: ['root', 'pillar-team', 'pillar-below', 'pillar-apart', ...spaces.map(({ id }) => id)],
    emptySpaces: emptySpaces.map(({ id }) => id),
    integrations: integrations.map(({ slug }) => slug),
    freeStacks: await stacks(db, 'stack', false),
    attachedStacks: await stacks(db, 'stack', true),
    freeModules: await stacks(db, 'module', false),
    attachedModules: await stacks(db, 'module', true),
    pools: pools.map(({ slug }) => slug),
    users: users.map(({ id }) => id),
    keys: keys.map(({ id }) => id),
    runs: await ids('run'),
    deliveries: await ids('delivery'),
    registrations: await ids('registration'),
  }
}

async function stacks(db: Database, kind: 'stack' | 'module', isAttached: boolean): Promise<string[]> {
  const query = db.selectFrom('stack').select('slug').where('kind', '=', kind).where('slug', 'not like', 'pillar%')
  const rows = isAttached
    ? query.where('integration_id', 'is not', null).where('managed_by', '=', 'attachment')
    : query.where('integration_id', 'is', null)
  return (await rows.orderBy('created_at', 'desc').limit(newest).execute()).map(({ slug }) => slug)
}

const fewest = 3

/** Integrations of which each refuses in its way; what asks Bitbucket is tried with them, too. */
const pillars = [
  'pillar-team-vcs',
  'pillar-narrow',
  'pillar-proof',
  'pillar-refused',
  'pillar-private',
  'pillar-closed',
]

/** Makes anew what the requests before have used up, so that every operation finds an object to succeed with. */
export async function restock({ root, server, random }: FuzzWorld): Promise<Stock> {
  const stock = await readStock(server.db)
  const name = () => `stock-${Math.floor(random() * 1e12)}`
  let isMade = false
  const missing = async (list: readonly string[], make: () => Promise<unknown>) => {
    for (let count = list.length; count < fewest; count++) {
      await make()
      isMade = true
    }
  }
  const repository = () => ({ projectKey: 'INFRA', repositorySlug: random() < 0.5 ? 'network' : 'dns' })
  const stack = () => root.call('createStack', { query: {}, body: { name: name(), branch: 'main' } })
  const module_ = () => root.call('createModule', { query: {}, body: { name: name(), branch: 'main' } })
  // The account may have lost its only stacks to an integration that was deleted: an attachment is made for each.
  await missing(stock.freeStacks, stack)
  await missing(stock.freeModules, module_)
  await missing(stock.attachedStacks, async () => {
    const { id } = await stack()
    await root.call('attachStack', { params: { id }, query: {}, body: repository() })
  })
  await missing(stock.attachedModules, async () => {
    const { id } = await module_()
    await root.call('attachModule', { params: { id }, query: {}, body: repository() })
  })
  await missing(stock.emptySpaces, () => root.call('createSpace', { body: { name: name(), inheritEntities: true } }))
  const isOurs = (id: string) => !id.startsWith('pillar')
  await missing(stock.integrations.filter(isOurs), () =>
    root.call('createIntegration', {
      body: { name: name(), apiHost: 'https://bitbucket.invalid', accessToken: 'an-http-access-token' },
    }),
  )
  await missing(stock.pools.filter(isOurs), () => root.call('createVcsAgentPool', { body: { name: name() } }))
  await missing(stock.users, () => root.call('createUser', { body: { name: name() } }))
  await missing(stock.keys, () => root.call('createApiKey', { body: { name: name(), role: 'reader' } }))
  await missing(stock.registrations, () =>
    root.call('reportRegistration', {
      body: {
        integrationId: 'pillar-default',
        ...repository(),
        repositorySlug: name(),
        repositoryId: Math.floor(random() * 1e9),
        webhookId: 7,
        secretVersion: 1,
        observed: 'in_sync',
        managedBy: 'service',
      },
    }),
  )
  return isMade ? readStock(server.db) : stock
}

/** The ids that a request of the operation may be about; those that it would take from the world are no pillars. */
export function idsFor(id: OperationId, stock: Stock, apiHosts: readonly string[]): ExistingIds {
  const operation: Operation = operations[id]
  const { path } = operation
  const isRead = operation.method === 'GET'
  const kept = (ids: readonly string[], staying: readonly string[]) =>
    isRead ? [...ids, ...staying, ...staying] : ids.filter((each) => !each.startsWith('pillar'))
  const stacks = [...stock.freeStacks, ...stock.attachedStacks]
  const modules = [...stock.freeModules, ...stock.attachedModules]
  const inPath = ((): readonly string[] => {
    if (id === 'attachStack') return stock.freeStacks
    if (id === 'attachModule') return stock.freeModules
    if (path.endsWith('/attachment')) {
      return path.includes('/modules/')
        ? kept(stock.attachedModules, ['pillar-module'])
        : kept(stock.attachedStacks, ['pillar-stack'])
    }
    if (id === 'deleteSpace') return [...stock.emptySpaces, ...stock.emptySpaces, ...kept(stock.spaces, [])]
    if (/^listBitbucket/.test(id)) return ['pillar-default', 'pillar-default', ...pillars, ...stock.integrations]
    switch (path.split('/')[3]) {
      case 'spaces':
        return kept(stock.spaces, ['pillar-team', 'pillar-below'])
      case 'integrations':
        return id === 'testIntegration'
          ? [...pillars, ...stock.integrations]
          : kept(stock.integrations, ['pillar-default', 'pillar-team-vcs'])
      case 'stacks':
        return kept(stacks, ['pillar-stack', 'pillar-team-stack'])
      case 'modules':
        return kept(modules, ['pillar-module'])
      case 'vcs-agent-pools':
        return kept(stock.pools, ['pillar-pool'])
      case 'users':
        return stock.users
      case 'api-keys':
        return stock.keys
      case 'runs':
        return stock.runs
      case 'deliveries':
        return stock.deliveries
      case 'registrations':
        return stock.registrations
      default:
        return []
    }
  })()
  const listed = inPath.length > 0 ? inPath : [...stacks, ...modules, ...stock.spaces, ...stock.integrations]
  return {
    [`id:${path}`]: inPath,
    ids: [listed.slice(0, 3).join(','), listed.join(',')].filter((text) => text !== ''),
    spaceId: stock.spaces,
    parentId: stock.spaces,
    integrationId: ['pillar-default', ...pillars, ...stock.integrations],
    // The items of a list that may be null.
    'integrationIds?': ['pillar-default', 'pillar-team-vcs'],
    stackId: [...stacks, 'pillar-stack'],
    moduleId: [...modules, 'pillar-module'],
    userId: stock.users,
    apiHost: apiHosts,
  }
}
