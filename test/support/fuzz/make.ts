import * as fc from 'fast-check'
import type { OperationId } from '../../../schemas/api.ts'
import { type ArbitraryRequest, arbitraryRequest } from '../api-requests.ts'
import { disturb, type Memory } from './disturb.ts'
import { toWire, type WireRequest } from './requests.ts'
import { steady } from './steady.ts'
import { idsFor, type Stock } from './stock.ts'
import type { FuzzWorld } from './world.ts'

/** A request that most likely succeeds, by somebody who may make it. */
export function makeSteady(id: OperationId, stock: Stock, world: FuzzWorld): WireRequest {
  return toWire(id, world.callers.entitledTo(id, world.random()), steady(id, sample(id, stock, world, 0), world))
}

/** Any request, by anybody; some are spoilt once, some again and again. */
export function makeAny(id: OperationId, stock: Stock, world: FuzzWorld, memory: Memory): WireRequest {
  const { callers, random } = world
  const anybody = callers.names[Math.floor(random() * callers.names.length)] ?? 'nobody'
  const caller = random() < 0.5 ? callers.entitledTo(id, random()) : anybody
  let request = toWire(id, caller, sample(id, stock, world, 25))
  while (random() < 0.55) request = disturb(request, random, memory)
  return request
}

function sample(id: OperationId, stock: Stock, { random, emulator }: FuzzWorld, spoiltShare: number): ArbitraryRequest {
  const hosts = [emulator.url, emulator.url, 'https://bitbucket.invalid', 'http://127.0.0.1:1', 'private://pillar-pool']
  const made = arbitraryRequest(id, idsFor(id, stock, hosts), spoiltShare)
  return fc.sample(made, { numRuns: 1, seed: Math.floor(random() * 2 ** 31) })[0] as ArbitraryRequest
}
