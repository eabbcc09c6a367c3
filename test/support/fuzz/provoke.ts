import { randomUUID } from 'node:crypto'
import { type OperationId, operations } from '../../../schemas/api.ts'
import type { Operation } from '../../../schemas/operation.ts'
import { type OperationFacts, operationFacts } from '../../../schemas/operation-facts.ts'
import type { ProblemCode } from '../../../schemas/problem.ts'
import type { Ledger } from './ledger.ts'
import { makeSteady } from './make.ts'
import type { Wire, WireRequest } from './requests.ts'
import { restock } from './stock.ts'
import type { FuzzWorld } from './world.ts'

/** Sends requests that must be answered with a certain code each; another answer is a finding. */
export interface Provoker {
  readonly world: FuzzWorld
  /** The operations that each general code is provoked of. */
  readonly chosen: readonly (readonly [OperationId, OperationFacts])[]
  /** The kinds of what is attached. */
  readonly kinds: readonly ('Stack' | 'Module')[]
  readonly isThorough: boolean
  readonly ask: (request: WireRequest, expected: ProblemCode) => Promise<void>
  /** Sends it, whatever the answer. */
  readonly send: (request: WireRequest) => Promise<ProblemCode | undefined>
}

export function createProvoker(world: FuzzWorld, wire: Wire, ledger: Ledger, thoroughness: 'all' | 'some'): Provoker {
  const isThorough = thoroughness === 'all'
  const send = async (request: WireRequest) => {
    const answer = await wire.send(request, await world.callers.headersOf(request.caller))
    return ledger.note(request, answer, world.server.complaints())
  }
  return {
    world,
    chosen: isThorough ? allFacts : allFacts.filter((_, index) => index % 5 === 1),
    kinds: isThorough ? ['Stack', 'Module'] : ['Stack'],
    isThorough,
    send,
    ask: async (request, expected) => {
      const code = await send(request)
      if (code !== expected) ledger.blame(request, `expected ${expected}, was answered ${code ?? 'without a problem'}`)
    },
  }
}

const factsOf = operationFacts(operations)
/** The operations with what follows from their rows. */
export const allFacts = [...factsOf] as [OperationId, OperationFacts][]
const notFound: Readonly<Record<string, ProblemCode>> = {
  'api-keys': 'api_key_not_found',
  deliveries: 'delivery_not_found',
  integrations: 'integration_not_found',
  modules: 'module_not_found',
  registrations: 'registration_not_found',
  runs: 'run_not_found',
  spaces: 'space_not_found',
  stacks: 'stack_not_found',
  users: 'user_not_found',
  'vcs-agent-pools': 'vcs_agent_pool_not_found',
}

/** Provokes, for every operation, what it can answer whatever it does. */
export async function provokeEverywhere({ world, chosen, ask }: Provoker): Promise<void> {
  for (const [id, facts] of chosen) {
    const operation: Operation = operations[id]
    const stock = await restock(world)
    const steady = () => makeSteady(id, stock, world)
    const as = (caller: string, headers: WireRequest['headers'] = {}) => ({ ...steady(), caller, headers })
    const owner = steady().caller
    const isKnown = (code: ProblemCode) => facts.problems.includes(code)

    await ask({ ...steady(), path: `${steady().path.split('?')[0]}?unknown=1` }, 'invalid_request')
    await ask({ ...steady(), path: `${steady().path.split('?')[0]}?limit=%ff` }, 'malformed_request')
    if (isKnown('unauthenticated')) await ask(as('revoked'), 'unauthenticated')
    if (isKnown('forbidden') && operation.permission !== 'sign-in' && operation.permission !== 'self') {
      await ask(as(operation.permission === 'session' ? 'root admin' : 'worker'), 'forbidden')
    }
    if (isKnown('csrf_token_wrong')) await ask(as('browser', { 'x-csrf-token': 'wrong' }), 'csrf_token_wrong')
    if (isKnown('foreign_origin')) await ask(as('browser', { origin: 'http://evil.test' }), 'foreign_origin')
    if (isKnown('json_required')) await ask(as('browser', { 'content-type': 'text/plain' }), 'json_required')
    if (isKnown('unsupported_media_type') && !isKnown('json_required')) {
      await ask(as(owner, { 'content-type': 'text/plain' }), 'unsupported_media_type')
    } else if (isKnown('unsupported_media_type') && operation.permission !== 'sign-in') {
      await ask(as('root admin', { 'content-type': 'text/plain' }), 'unsupported_media_type')
    }
    if (isKnown('too_large')) {
      await ask({ ...steady(), body: `{"name":"${'a'.repeat(1_100_000)}"}` }, 'too_large')
    }
    if (isKnown('precondition_failed')) await provokeStale(as(owner, { 'if-match': '"stale"' }), ask)
    if (!operation.params) continue
    const one = steady()
    const [path = '', query] = one.path.split('?')
    const parts = path.split('/')
    const instead = (text: string) => {
      const another = [...parts.slice(0, 4), text, ...parts.slice(5)].join('/')
      return { ...one, path: query === undefined ? another : `${another}?${query}` }
    }
    await ask(instead('-'), 'route_not_found')
    const isRow = /^[0-9a-f-]{36}$/.test(parts[4] ?? '')
    await ask(instead(isRow ? randomUUID() : 'absent'), notFound[parts[3] ?? ''] ?? 'route_not_found')
  }
}

/** What would be attached is asked for at Bitbucket first, and may be refused there: it is left out. */
async function provokeStale(request: WireRequest, ask: Provoker['ask']): Promise<void> {
  const isOfMany = /^update(Stack|Module)$/.test(request.operation)
  await ask(isOfMany ? { ...request, body: '{"description":"new"}' } : request, 'precondition_failed')
}
