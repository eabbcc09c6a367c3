import { randomBytes, randomUUID } from 'node:crypto'
import type { ServerClient } from '../../../clients/server/client.ts'
import type { OperationId } from '../../../schemas/api.ts'
import { operations } from '../../../schemas/api.ts'
import type { Role } from '../../../schemas/api-key.ts'
import type { Session } from '../../../schemas/session.ts'
import { hashApiKeySecret } from '../../../server/core/api-key-secret.ts'
import { type FuzzServer, pageOrigin } from './server.ts'

export interface Key {
  readonly keyId: string
  readonly keySecret: string
}

export interface FuzzCallers {
  readonly names: readonly string[]
  /** The key of a caller who has one. */
  keyOf(caller: string): Key | undefined
  /** The headers by which the server knows the caller. */
  headersOf(caller: string): Promise<Record<string, string>>
  /** A caller who may do it; `luck` from 0 to 1 chooses among several. */
  entitledTo(operation: OperationId, luck: number): string
  /** What the server knew the callers by is of no more use: they sign in anew. */
  signInAnew(): void
}

const signInEveryMs = 300_000

/** Makes a caller of each kind: people with roles here and there, services, a browser, the bootstrap key, nobody. */
export async function makeCallers(server: FuzzServer, rootKey: Key, random: () => number): Promise<FuzzCallers> {
  const root = server.client(rootKey)
  const keys = new Map<string, Key>([
    ['root admin', rootKey],
    ['root person', await person(root, 'root', { admin: 'root' })],
    ['admin', await person(root, 'admin', { admin: 'pillar-team' })],
    ['writer', await person(root, 'writer', { writer: 'pillar-team' })],
    ['reader', await person(root, 'reader', { reader: 'pillar-team' })],
    ['of two roles', await person(root, 'two', { reader: 'root', writer: 'pillar-apart' })],
    ['without a role', await person(root, 'none', {})],
    ['registrar', await service(root, 'webhook-registrar', 'root', null)],
    ['narrowed registrar', await service(root, 'webhook-registrar', 'root', ['pillar-team-vcs'])],
    ['worker', await service(root, 'worker', 'root', null)],
    ['bootstrap', await bootstrap(server)],
  ])
  const tokens = new Map<string, { readonly token: string; readonly at: number }>()
  const tokenOf = async (key: Key): Promise<string> => {
    const known = tokens.get(key.keyId)
    if (known && server.now() - known.at < signInEveryMs) return known.token
    const { token } = await server.client(key).call('createToken', { body: key })
    tokens.set(key.keyId, { token, at: server.now() })
    return token
  }
  const gone = await service(root, 'reader', 'root', null)
  const goneToken = await tokenOf(gone)
  await root.call('revokeApiKey', { params: { id: gone.keyId } })
  let browser: Record<string, string> | undefined

  /** From another address each time, so that what a stranger may cost is not shared. */
  const from = () => ({
    'x-forwarded-for': `198.51.${Math.floor(random() * 256)}.${Math.floor(random() * 256)}`,
  })
  return {
    names: [...keys.keys(), 'browser', 'page', 'revoked', 'nobody'],
    keyOf: (caller) => keys.get(caller),
    headersOf: async (caller) => {
      if (caller === 'nobody') return from()
      if (caller === 'page') return { ...from(), origin: pageOrigin, 'content-type': 'application/json' }
      if (caller === 'revoked') return { ...from(), authorization: `Bearer ${goneToken}` }
      if (caller === 'browser') {
        browser ??= await signIn(server.url, keys.get('root person') as Key)
        return { ...from(), ...browser }
      }
      const key = keys.get(caller)
      if (!key) throw new Error(`There is no caller "${caller}".`)
      return { ...from(), authorization: `Bearer ${await tokenOf(key)}` }
    },
    entitledTo: (operation, luck) => {
      const { permission } = operations[operation]
      if (permission === 'session') return 'browser'
      if (permission === 'sign-in') return 'page'
      if (permission === 'webhooks' && luck < 0.4) return 'registrar'
      return luck < 0.7 ? 'root admin' : luck < 0.85 ? 'root person' : 'browser'
    },
    signInAnew: () => {
      browser = undefined
      tokens.clear()
    },
  }
}

async function person(
  root: ServerClient,
  name: string,
  roles: Readonly<Partial<Record<'admin' | 'writer' | 'reader', string>>>,
): Promise<Key> {
  const given = Object.entries(roles).map(([role, spaceId]) => ({ role: role as 'reader', spaceId }))
  const { id } = await root.call('createUser', { body: { name: `pillar ${name}`, roles: given } })
  const key = await root.call('createApiKey', { body: { name: `pillar ${name}`, userId: id } })
  return { keyId: key.id, keySecret: key.secret }
}

async function service(root: ServerClient, role: Role, spaceId: string, integrationIds: string[] | null): Promise<Key> {
  const body = { name: `pillar ${role}`, role, spaceId, integrationIds }
  const key = await root.call('createApiKey', { body })
  return { keyId: key.id, keySecret: key.secret }
}

/** One that is still alive beside a root admin, as between two starts. */
async function bootstrap({ db, now }: FuzzServer): Promise<Key> {
  const key = { keyId: randomUUID(), keySecret: `mrg_${randomBytes(32).toString('base64url')}` }
  await db
    .insertInto('api_key')
    .values({
      id: key.keyId,
      name: 'pillar bootstrap',
      role: 'bootstrap',
      space_id: 'root',
      secret_sha256: hashApiKeySecret(key.keySecret),
      created_at: now(),
      expires_at: null,
      last_used_at: null,
      revoked_at: null,
      user_id: null,
      integrations: null,
    })
    .execute()
  return key
}

/** The headers with which a page of ours writes. */
async function signIn(url: string, key: Key): Promise<Record<string, string>> {
  const answer = await fetch(`${url}/api/v1/session`, {
    method: 'POST',
    headers: { origin: pageOrigin, 'content-type': 'application/json' },
    body: JSON.stringify(key),
  })
  if (answer.status !== 201) throw new Error(`Signing in was answered ${answer.status}: ${await answer.text()}`)
  const { csrfToken } = (await answer.json()) as Session
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  return { cookie, origin: pageOrigin, 'content-type': 'application/json', 'x-csrf-token': csrfToken }
}
