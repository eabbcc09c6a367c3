import { type OperationId, operations } from '../../../schemas/api.ts'
import type { Operation } from '../../../schemas/operation.ts'
import { authorise, authoriseIn, authoriseIntegration, isRootAdmin } from '../../../server/core/authorise.ts'
import { decideOperation } from './oracle.ts'
import { type Asked, bodyOf, compare, conditions, isOnSurface, judge, type Prober, startProber } from './prober.ts'
import { type Kind, kinds } from './things.ts'
import { absentTwin, type World } from './world.ts'

export interface ProbeReport {
  readonly requests: number
  readonly violations: readonly string[]
}

/**
 * Calls every operation with every caller's key on every object, and searches each answer for what the pure module
 * hides from the caller (R26); what is hidden must be answered like what is absent (S21). Whatever is allowed and
 * would change something is left out. Ends at `mostViolations`.
 */
export async function probe(url: string, world: World, mostViolations: number): Promise<ProbeReport> {
  const violations: string[] = []
  let requests = 0
  for (const asker of world.callers) {
    const prober = await startProber(url, world, asker, (violation) =>
      violations.push(`${asker.who}: ${violation}`.slice(0, 700)),
    )
    for (const id of Object.keys(operations) as OperationId[]) {
      await probeOperation(prober, id)
      if (violations.length >= mostViolations) break
    }
    requests += prober.requests()
    if (violations.length >= mostViolations) break
  }
  return { requests, violations }
}

async function probeOperation(prober: Prober, id: OperationId): Promise<void> {
  const operation: Operation = operations[id]
  if (operation.permission === 'sign-in' || operation.permission === 'session') return
  if (lookUps.has(id)) return probeLookUps(prober, id, operation)
  if (id in references) await probeReferences(prober, id, operation)
  if (id in moves) await probeMoves(prober, id, operation)
  if (operation.path.includes('{id}')) await probeObjects(prober, id, operation)
  else if (operation.method === 'GET') await probeList(prober, id, operation)
  else await probeCreation(prober, id, operation)
}

/** An operation on one object: on each object of its kind, and on one that is absent. */
async function probeObjects(prober: Prober, id: OperationId, operation: Operation): Promise<void> {
  const { world, caller, report } = prober
  const kind = operation.path.split('/')[3] as Kind
  if (!kinds.includes(kind)) return report(`${id} has objects that this world lacks: ${kind}`)
  const objects = world.things.filter((other) => other.kind === kind)
  // Whoever names nobody is asked about one of each, before what strangers may cost is used up.
  for (const object of caller.kind === 'anonymous' ? objects.slice(0, 1) : objects) {
    const expected = isOnSurface(prober, operation) ? decideOperation(world, caller, operation, object) : 'forbidden'
    const mayAsk = operation.method === 'GET' || expected !== 'allowed'
    if (!mayAsk) continue
    const answer = await askAbout(prober, id, operation, object.id)
    judge(answer, caller.kind === 'anonymous' ? 'unauthenticated' : expected, report)
    if (expected === 'hidden') {
      const twin = absentTwin(object.id, world.random)
      compare(answer, object.id, await askAbout(prober, id, operation, twin), twin, report)
      if (operation.method === 'GET') continue
      const again = await askAbout(prober, id, operation, object.id, conditions(id))
      judge(again, expected, report)
      compare(again, object.id, await askAbout(prober, id, operation, twin, conditions(id)), twin, report)
    }
  }
}

function askAbout(
  prober: Prober,
  id: OperationId,
  operation: Operation,
  objectId: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Asked> {
  return prober.ask(id, operation.path.replace('{id}', objectId), bodyOf(id, operation), headers)
}

/** A list: whole, page by page, by ids, and by each filter with each object's id. */
async function probeList(prober: Prober, id: OperationId, operation: Operation): Promise<void> {
  const { world, caller, report } = prober
  const general = isOnSurface(prober, operation) ? authorise(caller, operation.permission) : 'forbidden'
  const first = await prober.ask(id, operation.path)
  const isRootOnly = id === 'listAudit' && !isRootAdmin(caller)
  judge(first, isRootOnly ? (general === 'allowed' ? 'forbidden' : general) : general, report)
  if (first.status !== 200) return
  if (id === 'getMe' && JSON.parse(first.text).isRootAdmin !== isRootAdmin(caller)) report('getMe is wrong about root')
  const shape = operation.query?.shape ?? {}
  if ('cursor' in shape) await followPages(prober, id, operation.path)
  if ('ids' in shape) {
    const ids = world.things.map((object) => object.id)
    for (let from = 0; from < ids.length; from += 100) {
      await prober.ask(id, `${operation.path}?ids=${ids.slice(from, from + 100).join(',')}`)
    }
  }
  for (const [filter, kind] of [
    ['spaceId', 'spaces'],
    ['integrationId', 'integrations'],
    ['stackId', 'stacks'],
    ['moduleId', 'modules'],
  ] as const) {
    if (filter in shape) await probeFilter(prober, id, operation.path, filter, kind)
  }
}

async function probeFilter(prober: Prober, id: OperationId, path: string, filter: string, kind: Kind): Promise<void> {
  const { world, hidden, report } = prober
  for (const object of world.things.filter((other) => other.kind === kind)) {
    const answer = await prober.ask(id, `${path}?${filter}=${object.id}`)
    if (hidden.has(object.id)) {
      const twin = absentTwin(object.id, world.random)
      compare(answer, object.id, await prober.ask(id, `${path}?${filter}=${twin}`), twin, report)
    }
  }
}

/** One object a page; what a cursor holds is searched, too. */
async function followPages(prober: Prober, id: OperationId, path: string): Promise<void> {
  let cursor: string | null = ''
  for (let page = 0; cursor !== null && page < 6; page++) {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const answer: Asked = await prober.ask(id, `${path}?limit=1${query}`)
    const { nextCursor } = JSON.parse(answer.text) as { nextCursor?: string | null }
    cursor = nextCursor ?? null
    if (cursor === null) return
    const opened = Buffer.from(cursor.split('.')[0] ?? '', 'base64url').toString('latin1')
    for (const [word, what] of prober.hidden) {
      if (opened.includes(word)) prober.report(`a cursor of ${id} holds ${what}`)
    }
  }
}

/** A creation: in each space, and with each integration and user, where the caller may not. */
async function probeCreation(prober: Prober, id: OperationId, operation: Operation): Promise<void> {
  const { world, caller, report } = prober
  if (authorise(caller, operation.permission) !== 'allowed' || !isOnSurface(prober, operation)) {
    const answer = await prober.ask(id, operation.path, bodyOf(id, operation))
    return judge(answer, caller.kind === 'anonymous' ? 'unauthenticated' : 'forbidden', report)
  }
  if (id === 'createUser') {
    if (!isRootAdmin(caller)) judge(await prober.ask(id, operation.path, bodyOf(id, operation)), 'forbidden', report)
    return
  }
  const field = id === 'createSpace' ? 'parentId' : id === 'reportRegistration' ? 'integrationId' : 'spaceId'
  const kind: Kind = field === 'integrationId' ? 'integrations' : 'spaces'
  for (const object of world.things.filter((other) => other.kind === kind)) {
    const decision =
      object.integration && kind === 'integrations'
        ? authoriseIntegration(
            caller,
            operation.permission,
            { ...object.integration, slug: object.id, spaceId: object.spaceId ?? '' },
            world.tree,
          )
        : authoriseIn(caller, 'administer', object.id, world.tree)
    const expected = id === 'createSpace' && decision === 'allowed' && !isRootAdmin(caller) ? 'forbidden' : decision
    if (expected === 'allowed') continue
    const send = (named: string) => prober.ask(id, operation.path, { ...bodyOf(id, operation), [field]: named })
    const answer = await send(object.id)
    judge(answer, expected, report)
    if (expected === 'hidden') {
      const twin = absentTwin(object.id, world.random)
      compare(answer, object.id, await send(twin), twin, report)
    }
  }
}

/** They ask Bitbucket, so that they are called on hidden integrations alone. */
const lookUps = new Set<OperationId>([
  'listBitbucketProjects',
  'listBitbucketRepositories',
  'listBitbucketBranches',
  'listBitbucketTree',
])

/**
 * A look-up through a hidden integration is answered like one through none, also for a space of the caller's own; one
 * for a hidden space like one for none, also through an integration that he sees.
 */
async function probeLookUps(prober: Prober, id: OperationId, operation: Operation): Promise<void> {
  const { world, caller, hidden, report } = prober
  const isAllowed = authorise(caller, operation.permission) === 'allowed' && isOnSurface(prober, operation)
  const all = (kind: Kind) => world.things.filter((other) => other.kind === kind)
  const own = all('spaces').find((space) => authoriseIn(caller, 'write', space.id, world.tree) === 'allowed')
  const seen = all('integrations').find((integration) => !hidden.has(integration.id))
  const send = (integrationId: string, spaceId: string) => {
    const names = Object.keys(operation.query?.shape ?? {})
    const parts = [`spaceId=${spaceId}`, 'project=P', 'repository=P/r', 'branch=main']
    const query = parts.filter((part) => names.includes(part.split('=')[0] ?? '')).join('&')
    return prober.ask(id, `${operation.path.replace('{id}', integrationId)}?${query}`)
  }
  const compareTwins = async (named: string, ask: (name: string) => Promise<Asked>) => {
    const twin = absentTwin(named, world.random)
    const answer = await ask(named)
    judge(answer, caller.kind === 'anonymous' ? 'unauthenticated' : isAllowed ? 'hidden' : 'forbidden', report)
    compare(answer, named, await ask(twin), twin, report)
  }
  const most = caller.kind === 'anonymous' ? 1 : 100
  for (const { id: slug } of all('integrations')
    .filter((other) => hidden.has(other.id))
    .slice(0, most)) {
    await compareTwins(slug, (name) => send(name, own?.id ?? 'root'))
  }
  if (!seen || caller.kind === 'anonymous') return
  for (const { id: slug } of all('spaces').filter((other) => hidden.has(other.id))) {
    await compareTwins(slug, (name) => send(seen.id, name))
  }
}

/** The field by which a change takes an object to another space. */
const moves: Partial<Record<OperationId, 'parentId' | 'spaceId'>> = {
  updateSpace: 'parentId',
  updateStack: 'spaceId',
  updateModule: 'spaceId',
  updateIntegration: 'spaceId',
  updateVcsAgentPool: 'spaceId',
}

/** Whoever may change an object may not therefore take it where he is no Admin (S30), nor open a space's parent (R28). */
async function probeMoves(prober: Prober, id: OperationId, operation: Operation): Promise<void> {
  const { world, caller, report } = prober
  const kind = operation.path.split('/')[3] as Kind
  if (isRootAdmin(caller) || !isOnSurface(prober, operation)) return
  for (const object of world.things.filter((other) => other.kind === kind && !other.isDefault)) {
    if (decideOperation(world, caller, operation, object) !== 'allowed') continue
    const path = operation.path.replace('{id}', object.id)
    if (id === 'updateSpace') {
      const inheritEntities = world.tree.get(object.id)?.inheritEntities !== true
      judge(await prober.ask(id, path, { inheritEntities }), 'forbidden', report)
    }
    for (const space of world.things.filter((other) => other.kind === 'spaces' && other.id !== object.spaceId)) {
      const expected = authoriseIn(caller, 'administer', space.id, world.tree)
      const isStaying = id === 'updateSpace' && world.tree.get(object.id)?.parentId === space.id
      if (isStaying ? expected !== 'hidden' : expected === 'allowed' && id !== 'updateSpace') continue
      const send = (named: string) => prober.ask(id, path, { [moves[id] ?? 'spaceId']: named })
      const answer = await send(space.id)
      judge(answer, expected === 'allowed' ? 'forbidden' : expected, report)
      if (expected === 'hidden') {
        const twin = absentTwin(space.id, world.random)
        compare(answer, space.id, await send(twin), twin, report)
      }
    }
  }
}

/** What a body may name beside the space: the integrations of an attachment and of a key, and the user of a key. */
const attachment = {
  kind: 'integrations' as const,
  body: (id: string) => ({ integrationId: id, projectKey: 'PROJECT', repositorySlug: 'other' }),
}
const references: Partial<Record<OperationId, { readonly kind: Kind; readonly body: (id: string) => object }[]>> = {
  replaceAttachment: [attachment],
  replaceModuleAttachment: [attachment],
  createApiKey: [
    { kind: 'users', body: (id) => ({ name: 'made', userId: id }) },
    {
      kind: 'integrations',
      body: (id) => ({ name: 'made', role: 'webhook-registrar', integrationIds: [id] }),
    },
  ],
}

/** A hidden object that a body names is answered like an absent one. */
async function probeReferences(prober: Prober, id: OperationId, operation: Operation): Promise<void> {
  const { world, caller, hidden, report } = prober
  if (authorise(caller, operation.permission) !== 'allowed' || !isOnSurface(prober, operation)) return
  const home = world.things.find(
    ({ kind, id: space }) => kind === 'spaces' && authoriseIn(caller, 'administer', space, world.tree) === 'allowed',
  )
  const stack = world.things.find(
    (other) =>
      other.kind === operation.path.split('/')[3] && decideOperation(world, caller, operation, other) === 'allowed',
  )
  for (const { kind, body } of references[id] ?? []) {
    const isKey = id === 'createApiKey'
    if (isKey ? kind === 'integrations' && !home : !stack) continue
    const extra = isKey && kind === 'integrations' ? { spaceId: home?.id } : {}
    const path = operation.path.replace('{id}', stack?.id ?? '')
    for (const object of world.things.filter((other) => other.kind === kind && hidden.has(other.id))) {
      const send = (named: string) => prober.ask(id, path, { ...body(named), ...extra })
      const answer = await send(object.id)
      judge(answer, 'hidden', report)
      const twin = absentTwin(object.id, world.random)
      compare(answer, object.id, await send(twin), twin, report)
    }
  }
}
