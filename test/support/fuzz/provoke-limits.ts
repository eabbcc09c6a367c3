import { randomUUID } from 'node:crypto'
import { type OperationId, operations } from '../../../schemas/api.ts'
import { makeSteady } from './make.ts'
import { allFacts, type Provoker } from './provoke.ts'
import { toWire, type WireRequest } from './requests.ts'
import { restock } from './stock.ts'

/** Idempotency keys that mean something else, by everything that takes one (R202, S22). */
export async function provokeIdempotency({ world, chosen, ask, send }: Provoker): Promise<void> {
  const { server, callers, root } = world
  const caller = 'root person'
  const keyId = callers.keyOf(caller)?.keyId ?? ''
  const keyed = chosen.filter(([, { takesIdempotencyKey }]) => takesIdempotencyKey).map(([id]) => id)
  const make = async (id: OperationId, key: string): Promise<WireRequest> => {
    const request = makeSteady(id, await restock(world), world)
    return { ...request, caller, headers: { 'idempotency-key': key } }
  }

  const used = randomUUID()
  await send(await make('createSpace', used))
  for (const id of keyed) await ask(await make(id, used), 'idempotency_key_reused')

  const begun: WireRequest[] = []
  for (const id of keyed) {
    const request = await make(id, randomUUID())
    await send(request)
    begun.push(request)
  }
  // As if the processes that work on them had not come to an end yet.
  await server.db
    .updateTable('idempotency_key')
    .set({ status: null, answer: null, lease: randomUUID(), lease_until: server.now() + 60_000 })
    .where('api_key_id', '=', keyId)
    .execute()
  for (const request of begun) await ask(request, 'request_in_progress')

  const { id: userId } = await server.db
    .selectFrom('user_account')
    .select('id')
    .where('name', '=', 'pillar root')
    .executeTakeFirstOrThrow()
  const setRoles = async (...spaces: readonly string[]) => {
    const roles = spaces.map((spaceId) => ({ role: 'admin' as const, spaceId }))
    await root.call('updateUser', { params: { id: userId }, body: { roles } })
    callers.signInAnew()
  }
  await setRoles('root', 'pillar-apart')
  for (const request of begun) await ask(request, 'idempotency_roles_changed')
  await setRoles('root')

  const row = { api_key_id: keyId, request_digest: '', grants_digest: '', lease: null, lease_until: null }
  const rest = { status: 200, answer: '{}', expires_at: server.now() + 3_600_000 }
  await server.db
    .insertInto('idempotency_key')
    .values(Array.from({ length: 1_000 }, (_, index) => ({ ...row, ...rest, key: `one of many ${index}` })))
    .execute()
  for (const id of keyed) await ask(await make(id, randomUUID()), 'too_many_idempotency_keys')
  await server.db.deleteFrom('idempotency_key').where('api_key_id', '=', keyId).execute()
}

/** Too many requests: of strangers at one address, of wrong keys, and of looks at Bitbucket (S13, S17, S26). */
export async function provokeThrottling({ world, chosen, ask, send }: Provoker): Promise<void> {
  const stock = await restock(world)
  const address = { 'x-forwarded-for': '203.0.113.7' }
  const stranger = (id: OperationId): WireRequest => ({
    ...makeSteady(id, stock, world),
    caller: /ession$/.test(id) ? 'page' : 'nobody',
    headers: address,
  })
  await Promise.all(Array.from({ length: 130 }, () => send(stranger('getMeta'))))
  for (const [id] of chosen.filter(([id]) => operations[id].permission !== 'sign-in')) {
    // What was spent comes back meanwhile, twenty a second: of several at once some find nothing left.
    const codes = await Promise.all(Array.from({ length: 12 }, () => send(stranger(id))))
    if (!codes.includes('too_many_requests')) await ask(stranger(id), 'too_many_requests')
  }
  for (const id of ['createToken', 'createSession'] as const) {
    const body = { keyId: randomUUID(), keySecret: 'wrong' }
    const attempt = toWire(id, 'page', { body })
    for (let count = 0; count < 10; count++) await send(attempt)
    await ask(attempt, 'too_many_requests')
  }
  // A place where no agent is connected: it costs Bitbucket nothing.
  const look = toWire('testIntegration', 'root person', { params: { id: 'pillar-private' }, body: {} })
  for (let count = 0; count < 61; count++) await send(look)
  for (const [id] of allFacts.filter(([id]) => /^(listBitbucket|test)/.test(id))) {
    await ask({ ...makeSteady(id, stock, world), caller: 'root person' }, 'too_many_requests')
  }
  world.server.clock.aheadMs += 121_000
}
