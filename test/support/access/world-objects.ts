import type { ServerClient } from '../../../clients/server/client.ts'
import { type Role, roles } from '../../../schemas/api-key.ts'
import type { SpaceNode } from '../../../schemas/rules/usable-spaces.ts'
import { anonymous, type Grant } from '../../../server/core/authorise.ts'
import { uuidv7 } from '../../../server/core/uuid-v7.ts'
import type { Database } from '../../../server/store/tables.ts'
import type { Thing, WorldCaller } from './things.ts'

/** What the making of a world goes on with. */
export interface Making {
  readonly root: ServerClient
  readonly db: Database
  readonly word: () => string
  readonly pick: <Item>(items: readonly Item[]) => Item
  readonly random: () => number
  readonly things: Thing[]
  readonly neverShown: string[]
}

function thing(made: Pick<Thing, 'kind' | 'id'> & Partial<Thing>): Thing {
  const nothing = { spaceId: undefined, integration: undefined, isDefault: false, userId: undefined, stacks: [] }
  return { ...nothing, names: [made.id], texts: [], secrets: [], ...made }
}

export async function makeSpaces({ root, word, pick, random, things }: Making, count: number): Promise<SpaceNode[]> {
  const [name, description] = [word(), word()]
  await root.call('updateSpace', { params: { id: 'root' }, query: {}, body: { name, description } })
  // Everybody knows that there is a root: its id is no word to search for.
  things.push(thing({ kind: 'spaces', id: 'root', spaceId: 'root', names: [], texts: [name, description] }))
  const spaces: SpaceNode[] = [{ id: 'root', parentId: null, inheritEntities: false }]
  for (let made = 0; made < count; made++) {
    const [slug, text, label, about] = [word(), word(), word(), word()]
    // Of every world's first two spaces the second lies in the first and does not inherit: its own see no parent.
    const parentId = made < 2 ? (spaces[made]?.id ?? 'root') : pick(spaces).id
    const inheritEntities = made < 2 ? made === 0 : random() < 0.6
    await root.call('createSpace', {
      body: { name: text, slug, parentId, inheritEntities, labels: [label], description: about },
    })
    spaces.push({ id: slug, parentId, inheritEntities })
    things.push(thing({ kind: 'spaces', id: slug, spaceId: slug, texts: [text, label, about] }))
  }
  return spaces
}

export async function makeIntegrations(
  { root, db, word, pick, things, neverShown }: Making,
  spaces: SpaceNode[],
  count: number,
) {
  for (let made = 0; made < count; made++) {
    const isDefault = made === 0
    const spaceId = isDefault ? 'root' : pick(spaces).id
    const [name, host, label, about, username, token] = [word(), word(), word(), word(), word(), word()]
    const { id } = await root.call('createIntegration', {
      body: {
        name,
        isDefault,
        spaceId,
        apiHost: `https://${host}.example.com`,
        accessToken: token,
        labels: [label],
        description: about,
        username,
        // Rules name spaces, also to those who see the integration and not the space.
        repositoryAccess: isDefault ? spaces.map((space) => ({ spaceId: space.id, repositories: ['**'] })) : null,
      },
    })
    neverShown.push(token)
    const { secret } = await root.call('readWebhookCredentials', { params: { id } })
    const integration = { ...thing({ kind: 'integrations', id }), spaceId, isDefault }
    const texts = [host, label, about, username]
    things.push({ ...integration, texts, secrets: [secret], integration: { ...integration, texts } })
    await makeRegistration(db, things, { ...integration, texts })
  }
}

async function makeRegistration(db: Database, things: Thing[], integration: Thing) {
  const id = uuidv7(Date.now())
  const row = await db
    .selectFrom('integration')
    .select('id')
    .where('slug', '=', integration.id)
    .executeTakeFirstOrThrow()
  await db
    .insertInto('registration')
    .values({
      id,
      integration_id: row.id,
      project_key: 'PROJECT',
      repository_slug: 'repository',
      repository_id: 7,
      webhook_id: 9,
      secret_version: 1,
      observed: 'in_sync',
      drift: '[]',
      managed_by: 'service',
      reported_at: Date.now(),
    })
    .execute()
  things.push(thing({ kind: 'registrations', id, spaceId: integration.spaceId, integration }))
}

/** Stacks, or modules, which are stored as stacks are; each attached, with a run that came of a delivery. */
export async function makeStacks(making: Making, spaces: SpaceNode[], count: number, kind: 'stacks' | 'modules') {
  const { root, db, word, pick, things } = making
  const integrations = things.filter(({ kind }) => kind === 'integrations')
  for (let made = 0; made < count; made++) {
    const spaceId = pick(spaces).id
    const [name, label, about, branch, folder] = [word(), word(), word(), word(), word()]
    const { id } = await root.call(kind === 'stacks' ? 'createStack' : 'createModule', {
      query: {},
      body: { name, spaceId, branch, projectRoot: folder, labels: [label], description: about },
    })
    const usable = integrations.filter(({ isDefault, spaceId: at }) => isDefault || at === spaceId)
    const integration = pick(usable)
    const stack = thing({
      kind,
      id,
      spaceId,
      integration: integration.integration,
      texts: [label, about, branch, folder],
    })
    things.push(stack)
    const row = await db
      .selectFrom('integration')
      .select('id')
      .where('slug', '=', integration.id)
      .executeTakeFirstOrThrow()
    const attached = {
      integration_id: row.id,
      project_key: 'PROJECT',
      repository_slug: `${kind}-${made}`,
      repository_key: `PROJECT/${kind}-${made}`,
      repository_id: (kind === 'stacks' ? 100 : 200) + made,
      managed_by: 'attachment' as const,
      attached_at: Date.now(),
    }
    await db.updateTable('stack').set(attached).where('slug', '=', id).execute()
    await makeTraffic(making, stack, row.id)
  }
}

/** A delivery, and the run that came of it. */
async function makeTraffic({ db, word, things }: Making, stack: Thing, integrationRowId: string) {
  const now = Date.now()
  const [deliveryId, runId, requestId, about] = [uuidv7(now), uuidv7(now), word(), word()]
  const { id } = await db.selectFrom('stack').select('id').where('slug', '=', stack.id).executeTakeFirstOrThrow()
  await db
    .insertInto('delivery')
    .values({
      id: deliveryId,
      integration_id: integrationRowId,
      request_id: requestId,
      event_key: 'repo:refs_changed',
      headers: '{}',
      received_at: now,
      size: 2,
      secret_version: 1,
      body_digest: 'a',
      body: Buffer.from('{}'),
      state: 'processed',
      lease_until: null,
      not_before: now,
      attempts: 1,
      verdict: 'accepted',
      reason: null,
      detail: about,
      processed_at: now,
    })
    .execute()
  await db
    .insertInto('run')
    .values({
      id: runId,
      integration_id: integrationRowId,
      stack_id: id,
      type: 'PROPOSED',
      state: 'QUEUED',
      state_reason: null,
      commit_sha: 'a'.repeat(40),
      branch: 'main',
      run_key: null,
      delivery_id: deliveryId,
      created_at: now,
      updated_at: now,
    })
    .execute()
  const place = { spaceId: stack.spaceId, integration: stack.integration, stacks: [stack] }
  things.push(thing({ kind: 'runs', id: runId, ...place }))
  things.push(thing({ kind: 'deliveries', id: deliveryId, ...place, texts: [requestId, about] }))
}

export async function makePools({ root, word, pick, things }: Making, spaces: SpaceNode[]) {
  for (let made = 0; made < 2; made++) {
    const [name, label, about] = [word(), word(), word()]
    const spaceId = pick(spaces).id
    await root.call('createVcsAgentPool', { body: { name, spaceId, labels: [label], description: about } })
    things.push(thing({ kind: 'vcs-agent-pools', id: name, spaceId, texts: [label, about] }))
  }
}

/** Users with one or two roles, services of each role, one that is narrowed, and one who is nobody. */
export async function makeCallers(making: Making, spaces: SpaceNode[], count: number): Promise<WorldCaller[]> {
  const { pick, things } = making
  const integrations = things.filter(({ kind }) => kind === 'integrations')
  const callers: WorldCaller[] = [{ who: 'nobody', caller: anonymous, key: undefined }]
  callers.push(await makeUser(making, []))
  for (let made = 0; made < count; made++) {
    const role = roles[made % roles.length] ?? 'reader'
    const grant = { role, spaceId: (role === 'admin' && made < roles.length ? spaces[2] : pick(spaces))?.id ?? 'root' }
    if (role === 'worker' || role === 'webhook-registrar') {
      const isNarrowed = role === 'webhook-registrar' && made >= roles.length
      callers.push(await makeService(making, grant, isNarrowed ? [pick(integrations).id] : null))
    } else {
      const more: Grant[] = made >= roles.length ? [{ role: pick(['reader', 'writer']), spaceId: pick(spaces).id }] : []
      callers.push(await makeUser(making, [grant, ...more.filter((other) => !isSame(other, grant))]))
    }
  }
  return callers
}

async function makeUser({ root, word, pick, things }: Making, grants: readonly Grant[]): Promise<WorldCaller> {
  const [name, keyName] = [word(), word()]
  const given = grants.map(({ role, spaceId }) => ({ role: role as 'reader', spaceId }))
  // Linked with the Bitbucket of an integration that he may not see.
  const integrationId = pick(things.filter(({ kind }) => kind === 'integrations')).id
  const bitbucketIdentities = [{ integrationId, bitbucketUserId: things.length }]
  const { id } = await root.call('createUser', { body: { name, roles: given, bitbucketIdentities } })
  const key = await root.call('createApiKey', { body: { name: keyName, userId: id } })
  things.push(thing({ kind: 'users', id, userId: id, texts: [name] }))
  things.push(thing({ kind: 'api-keys', id: key.id, userId: id, texts: [keyName] }))
  const caller = { kind: 'account' as const, keyId: key.id, userId: id, grants, integrations: null }
  return { who: `user: ${inWords(grants)}`, caller, key: { keyId: key.id, keySecret: key.secret } }
}

async function makeService(
  { root, word, things }: Making,
  grant: Grant,
  integrationIds: string[] | null,
): Promise<WorldCaller> {
  const name = word()
  const key = await root.call('createApiKey', { body: { name, ...grant, integrationIds } })
  things.push(thing({ kind: 'api-keys', id: key.id, spaceId: grant.spaceId, texts: [name] }))
  const integrations = integrationIds && new Set(integrationIds)
  const caller = { kind: 'account' as const, keyId: key.id, userId: null, grants: [grant], integrations }
  const alone = integrationIds ? ` (${integrationIds} alone)` : ''
  return { who: `service: ${inWords([grant])}${alone}`, caller, key: { keyId: key.id, keySecret: key.secret } }
}

export function asRoot(key: { readonly keyId: string; readonly keySecret: string }): WorldCaller {
  const grants: Grant[] = [{ role: 'admin', spaceId: 'root' }]
  return {
    who: 'root admin',
    caller: { kind: 'account', keyId: key.keyId, userId: null, grants, integrations: null },
    key,
  }
}

function isSame(a: Grant, b: Grant): boolean {
  return a.role === b.role && a.spaceId === b.spaceId
}

function inWords(grants: readonly { readonly role: Role; readonly spaceId: string }[]): string {
  return grants.map(({ role, spaceId }) => `${role} of ${spaceId}`).join(', ') || 'no role'
}
