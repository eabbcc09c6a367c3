import { randomUUID } from 'node:crypto'
import { createServerClient } from '../../../clients/server/client.ts'
import type { Transport } from '../../../clients/transport.ts'
import type { SpaceNode } from '../../../schemas/rules/usable-spaces.ts'
import type { Database } from '../../../server/store/tables.ts'
import type { Thing, WorldCaller } from './things.ts'
import {
  asRoot,
  type Making,
  makeCallers,
  makeIntegrations,
  makePools,
  makeSpaces,
  makeStacks,
} from './world-objects.ts'

export interface World {
  readonly tree: ReadonlyMap<string, SpaceNode>
  readonly things: readonly Thing[]
  readonly callers: readonly WorldCaller[]
  /** What no answer shows to anybody. */
  readonly neverShown: readonly string[]
  readonly random: () => number
}

export interface WorldSize {
  readonly spaces: number
  readonly integrations: number
  readonly stacks: number
  readonly callers: number
}

/** Numbers from 0 to 1 that a seed repeats. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Fills a fresh server with a random tree of spaces, and objects and roles in them. Each object has words of its own
 * that occur nowhere else, so that an answer can be searched for them.
 */
export async function buildWorld(
  transport: Transport,
  url: string,
  rootKey: { readonly keyId: string; readonly keySecret: string },
  db: Database,
  seed: number,
  size: WorldSize,
): Promise<World> {
  const random = randomFrom(seed)
  const root = createServerClient(transport, { endpoint: url, credentials: rootKey, now: Date.now })
  const word = () => `w${Array.from({ length: 12 }, () => 'bcdfghjklmnpqrstvwxz'[Math.floor(random() * 20)]).join('')}`
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(random() * items.length)]
    if (item === undefined) throw new Error('There is nothing to pick from.')
    return item
  }
  const making: Making = { root, db, word, pick, random, things: [], neverShown: [] }

  const spaces = await makeSpaces(making, size.spaces)
  await makeIntegrations(making, spaces, size.integrations)
  await makeStacks(making, spaces, size.stacks, 'stacks')
  await makeStacks(making, spaces, 2, 'modules')
  await makePools(making, spaces)
  const callers = await makeCallers(making, spaces, size.callers)
  const tree = new Map(spaces.map((space) => [space.id, space]))
  return { tree, things: making.things, neverShown: making.neverShown, random, callers: [asRoot(rootKey), ...callers] }
}

/** An id of the same form and length that names nothing. */
export function absentTwin(id: string, random: () => number): string {
  if (/^[0-9a-f-]{36}$/.test(id)) return id.slice(0, 14) + randomUUID().slice(14)
  return Array.from(id, () => 'bcdfghjklmnpqrstvwxz'[Math.floor(random() * 20)]).join('')
}
