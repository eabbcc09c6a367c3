import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SpaceNode } from '../../schemas/rules/usable-spaces.ts'
import type { Database } from './tables.ts'

export type SpaceTree = ReadonlyMap<string, SpaceNode>

interface Held {
  readonly token: string
  readonly tree: SpaceTree
}

/** By what a database, its transactions and its watched forms have in common. Ends with the connection. */
const held = new WeakMap<object, Held>()

/** So many rows take a few milliseconds; between the slices others have their turn (F17). */
const sliceSize = 2_000
const mostReadings = 5

/**
 * Reads how all spaces hang together. The tree is kept, and read again only when the token says that it has changed:
 * reading 100,000 spaces for each request took 140 ms (F20). Inside a transaction it is the tree as that one sees it.
 */
export async function readSpaceTree(db: Database): Promise<SpaceTree> {
  const { adapter } = db.getExecutor()
  for (let reading = 1; ; reading += 1) {
    const token = await readToken(db)
    const known = held.get(adapter)
    if (known?.token === token) return known.tree
    const tree = await readAll(db)
    // Read in several statements: if the tree changed meanwhile, none of its states may be what was read.
    if ((await readToken(db)) !== token) {
      if (reading === mostReadings) throw new Error('The spaces changed each time that they were read.')
      continue
    }
    held.set(adapter, { token, tree })
    return tree
  }
}

async function readToken(db: Database): Promise<string> {
  const row = await db.selectFrom('space_revision').select('token').executeTakeFirstOrThrow()
  return row.token
}

async function readAll(db: Database): Promise<SpaceTree> {
  const tree = new Map<string, SpaceNode>()
  for (let after = ''; ; ) {
    const rows = await db
      .selectFrom('space')
      .select(['id', 'parent_id', 'inherit_entities'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(sliceSize)
      .execute()
    for (const { id, parent_id, inherit_entities } of rows) {
      tree.set(id, { id, parentId: parent_id, inheritEntities: inherit_entities === 1 })
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < sliceSize) return tree
    after = last.id
    await nextTurn()
  }
}
