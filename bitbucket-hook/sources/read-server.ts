import type { ServerClient } from '../../clients/server/client.ts'
import type { Integration } from '../../schemas/integration.ts'
import type { Page } from '../../schemas/page.ts'
import type { Registration, WebhookTarget } from '../../schemas/webhook-target.ts'

/** What the server knows and wants, as far as the API key sees it. */
export interface ServerState {
  readonly instanceId: string
  readonly registrations: readonly Registration[]
  readonly targets: readonly WebhookTarget[]
  readonly integrations: readonly Integration[]
}

/**
 * Reads the whole state, every page of every list (B20). Registrations come before targets: a repository that is
 * attached meanwhile is then a target, and never a registration without one (B33). The server's feed of changes is
 * not used yet: a full list each time.
 */
export async function readServerState(server: ServerClient, pageSize: number): Promise<ServerState> {
  const { instanceId } = await server.call('getMeta', {})
  const page = (cursor: string | undefined) => ({
    query: { limit: pageSize, ...(cursor === undefined ? {} : { cursor }) },
  })
  const registrations = await allPages((cursor) => server.call('listRegistrations', page(cursor)))
  const targets = await allPages((cursor) => server.call('listWebhookTargets', page(cursor)))
  const integrations = await allPages((cursor) => server.call('listIntegrations', page(cursor)))
  return { instanceId, registrations, targets, integrations }
}

async function allPages<Item>(read: (cursor: string | undefined) => Promise<Page<Item>>): Promise<Item[]> {
  const all: Item[] = []
  let cursor: string | undefined
  do {
    const { items, nextCursor } = await read(cursor)
    all.push(...items)
    if (nextCursor === cursor) throw new Error('The server answered a page that does not advance.')
    cursor = nextCursor ?? undefined
  } while (cursor !== undefined)
  return all
}
