import { randomBytes, randomUUID } from 'node:crypto'
import { createServerClient, type ServerClient } from '../../clients/server/client.ts'
import { openHttpsTransport } from '../../clients/transport-https.ts'
import type { Run } from '../../schemas/run.ts'

export interface ApiCredentials {
  readonly keyId: string
  readonly keySecret: string
}

/** A bootstrap key as the server takes it from its environment; it may create one API key. */
export function drawBootstrapKey(): ApiCredentials {
  return { keyId: randomUUID(), keySecret: randomBytes(32).toString('base64url') }
}

/** Connects to a server with an API key. */
export function connect(endpoint: string, credentials: ApiCredentials): ServerClient {
  return createServerClient(openHttpsTransport({}).send, { endpoint, credentials, now: () => Date.now() })
}

/** Makes an API key for one of the story's actors. */
export async function createKey(
  client: ServerClient,
  name: string,
  role: 'admin' | 'webhook-registrar',
): Promise<ApiCredentials> {
  const { id, secret } = await client.call('createApiKey', { body: { name, role } })
  return { keyId: id, keySecret: secret }
}

/** The run of a stack for a commit; undefined while there is none. */
export async function findRun(client: ServerClient, stackId: string, commit: string): Promise<Run | undefined> {
  const { items } = await client.call('listRuns', { query: { stackId } })
  return items.find((run) => run.commitSha === commit)
}

/** Asks every 200 ms until there is an answer; gives up after 30 s, saying what it waited for. */
export async function waitFor<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + 30_000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > end) throw new Error(`Waited 30 s in vain for ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
