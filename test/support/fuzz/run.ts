import { type OperationId, operations } from '../../../schemas/api.ts'
import { seededRandom } from '../../../scripts/faults/random.ts'
import { abstractRequest, concreteRequest } from './corpus.ts'
import type { Memory } from './disturb.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { makeAny, makeSteady } from './make.ts'
import { createProvoker, provokeEverywhere } from './provoke.ts'
import { provokeAttaching, provokeBrowsing } from './provoke-bitbucket.ts'
import { provokeElsewhere, provokeUnavailable } from './provoke-elsewhere.ts'
import { provokeIdempotency, provokeThrottling } from './provoke-limits.ts'
import { provokeObjects } from './provoke-objects.ts'
import { openWire, type Wire, type WireRequest } from './requests.ts'
import { restock } from './stock.ts'
import { type FuzzWorld, openFuzzWorld } from './world.ts'

export interface FuzzOptions {
  /** Makes an empty database, whenever one is needed. */
  readonly openDatabase: () => Promise<string>
  readonly requests: number
  readonly seed: number
  /** Requests that once found something: they are sent again before the others. */
  readonly corpus: readonly WireRequest[]
  /** Every operation's own provocations, or those of some and of stacks alone: a sixth of the time. */
  readonly provoke: 'all' | 'some'
}

export interface FuzzRun {
  /** The made-up requests. */
  readonly random: Ledger
  /** Those that were to be answered with a certain code. */
  readonly provoked: Ledger
  /** Those whose answer was wrong, in the form of the corpus. */
  readonly failing: readonly WireRequest[]
  readonly secondsOfRandom: number
}

const all = Object.keys(operations) as OperationId[]
/** Their look-ups count (S26): after so many the clock goes on by more than a minute. */
const lookUps = /^(listBitbucket|test)/
const lookUpsBeforeMinute = 50
/** They call Bitbucket, whose users have only so many calls a second (L20). */
const calling = /^(listBitbucket|test|createStack|createModule|updateStack|updateModule|attach|replace)/
const callsBeforeRefresh = 12

/**
 * Sends so many made-up requests to a server of its own: half of them to whatever operation has succeeded least, as
 * they should be and by somebody who may; the others to any, by anybody, many of them spoilt. Then it provokes what
 * chance seldom meets.
 */
export async function fuzzApi({ openDatabase, requests, seed, corpus, provoke }: FuzzOptions): Promise<FuzzRun> {
  const random = seededRandom(seed)
  const world = await openFuzzWorld(await openDatabase(), random)
  const wire = openWire(world.server.url)
  const run = { random: createLedger(), provoked: createLedger() }
  try {
    await replay(world, wire, run.provoked, corpus)
    const startedAt = performance.now()
    const failing = await sendMadeUp(world, wire, run.random, requests)
    const secondsOfRandom = Math.round((performance.now() - startedAt) / 1_000)
    const provoker = createProvoker(world, wire, run.provoked, provoke)
    await provokeEverywhere(provoker)
    await provokeObjects(provoker)
    await provokeAttaching(provoker)
    await provokeBrowsing(provoker)
    await provokeIdempotency(provoker)
    await provokeThrottling(provoker)
    await provokeUnavailable(provoker)
    await provokeElsewhere(await openDatabase(), run.provoked)
    return { ...run, failing, secondsOfRandom }
  } finally {
    wire.close()
    await world.close()
  }
}

async function replay(world: FuzzWorld, wire: Wire, ledger: Ledger, corpus: readonly WireRequest[]): Promise<void> {
  for (const kept of corpus) {
    const request = concreteRequest(kept, await restock(world), world.emulator.url)
    const answer = await wire.send(request, await world.callers.headersOf(request.caller))
    ledger.note(request, answer, world.server.complaints())
  }
}

/** Gives those whose answer was wrong. */
async function sendMadeUp(world: FuzzWorld, wire: Wire, ledger: Ledger, requests: number): Promise<WireRequest[]> {
  const { random, server, callers, emulator } = world
  const failing: WireRequest[] = []
  const memory: Memory = { cursors: [], etags: [], idempotencyKeys: [] }
  let stock = await restock(world)
  let counted = 0
  let called = 0
  for (let sent = 0; sent < requests; sent++) {
    const isSteady = random() < 0.5
    const id = isSteady ? ledger.leastSuccessful(all) : (all[Math.floor(random() * all.length)] as OperationId)
    if (lookUps.test(id) && ++counted % lookUpsBeforeMinute === 0) server.clock.aheadMs += 121_000
    if (calling.test(id) && ++called % callsBeforeRefresh === 0) await world.refreshCalls()
    const request = isSteady ? makeSteady(id, stock, world) : makeAny(id, stock, world, memory)
    const answer = await wire.send(request, await callers.headersOf(request.caller))
    const found = ledger.findings.length
    ledger.note(request, answer, server.complaints())
    if (ledger.findings.length > found) failing.push(abstractRequest(request, stock, emulator.url))
    remember(memory, request, answer)
    if (/Session$/.test(id)) callers.signInAnew()
    if (request.method === 'DELETE' || sent % 10 === 9) stock = await restock(world)
  }
  return failing
}

function remember(
  { cursors, etags }: Memory,
  { path, method }: WireRequest,
  { headers, text }: { readonly headers: { readonly etag?: string | undefined }; readonly text: string },
): void {
  const keep = <Item>(list: Item[], item: Item) => {
    list.push(item)
    if (list.length > 30) list.shift()
  }
  if (method !== 'GET') return
  if (headers.etag !== undefined) keep(etags, { etag: headers.etag, path: path.split('?')[0] ?? '' })
  const cursor = /"nextCursor":"([^"]+)"/.exec(text)?.[1]
  if (cursor !== undefined) keep(cursors, { cursor, path: path.replace(/([?&])cursor=[^&]*&?/, '$1') })
}
