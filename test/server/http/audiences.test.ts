import { hkdfSync, randomUUID } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import { expect, test } from 'vitest'
import { type OperationId, operations } from '../../../schemas/api.ts'
import type { Operation, Permission } from '../../../schemas/operation.ts'
import { ProblemDocument } from '../../../schemas/problem.ts'
import { createTokenSigner } from '../../../server/core/jwt.ts'
import { createService } from '../../support/accounts.ts'
import { pageOrigin, signIn } from '../../support/browser-session.ts'
import { databases } from '../../support/databases.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

type Kind = 'api' | 'ui' | 'worker' | 'registrar' | 'agent'

/** Which tokens reach an operation, by its permission: written down apart from the code that decides it. */
const reach: Readonly<Record<Permission, string>> = {
  anyone: 'api ui worker registrar agent',
  'sign-in': 'api ui worker registrar agent',
  self: 'api ui worker registrar',
  session: 'ui',
  account: 'api ui',
  'api-keys:create': 'api ui',
  read: 'api ui',
  write: 'api ui',
  administer: 'api ui',
  'see-integrations': 'api ui registrar',
  webhooks: 'api ui registrar',
  work: 'worker',
}

const encryptionKey = Buffer.alloc(32, 'audiences')

for (const database of databases) {
  test(`S15 every kind of token reaches its own operations and no other (${database.name})`, async () => {
    const server = await startTestServer(database, { encryptionKey })
    const tokens = await tokensOf(server)
    const wrong: string[] = []

    for (const [id, operation] of Object.entries(operations) as [OperationId, Operation][]) {
      for (const kind of ['api', 'ui', 'worker', 'registrar', 'agent'] as const) {
        const { status, code } = await ask(server, operation, kind, tokens)
        const isReached = reach[operation.permission].split(' ').includes(kind)
        const isRefused = status === 401 || code === 'forbidden'
        if (isReached === isRefused) wrong.push(`${id} with ${kind}: ${status} ${code}`)
        // The agents' kind of token does not exist yet: it is not even a token.
        if (kind === 'agent' && !isReached) expect(status, id).toBe(401)
      }
    }

    expect(wrong).toEqual([])
  })
}

test('S15 a token made for another audience than its key’s is no token, whatever the key may do', async () => {
  const server = await startTestServer(databases[0] ?? never(), { encryptionKey })
  const { instanceId } = await server.root.call('getMeta', {})
  const signer = createTokenSigner({ current: encryptionKey, old: [] }, instanceId)
  const ask = async (audience: 'api' | 'worker' | 'registrar') => {
    const subject = { keyId: server.rootKey.keyId, audience, generation: 1, sessionId: null }
    const { token } = signer.sign(subject, Date.now())
    return (await server.request('GET', '/api/v1/me', { token })).status
  }

  expect(await ask('api')).toBe(200)
  expect(await ask('worker')).toBe(401)
  expect(await ask('registrar')).toBe(401)
})

async function ask(server: TestServer, operation: Operation, kind: Kind, tokens: Readonly<Record<string, string>>) {
  const path = operation.path.replace(
    '{id}',
    operation.path.match(/keys|users|runs|deliv|regis/) ? randomUUID() : 'nothing',
  )
  // A session ends with the test of its end, so each request has its own.
  const session = kind === 'ui' ? await signIn(server, server.rootKey) : undefined
  const answer = await server.request(operation.method, path, {
    token: session ? null : (tokens[kind] ?? ''),
    headers: session?.headers ?? { origin: pageOrigin, 'content-type': 'application/json' },
    ...(operation.body ? { text: '{}' } : {}),
  })
  const text = await answer.text()
  const code = answer.ok ? undefined : ProblemDocument.parse(JSON.parse(text)).code
  return { status: answer.status, code }
}

async function tokensOf(server: TestServer): Promise<Readonly<Record<string, string>>> {
  const { instanceId } = await server.root.call('getMeta', {})
  const now = Math.floor(Date.now() / 1000)
  const signingKey = Buffer.from(hkdfSync('sha256', encryptionKey, '', 'mooring api token', 32))
  const kid = Buffer.from(hkdfSync('sha256', encryptionKey, '', 'mooring api token key id', 8)).toString('hex')
  const claims = { sub: server.rootKey.keyId, jti: randomUUID(), iat: now, exp: now + 600, gen: 1 }
  const agent = jsonwebtoken.sign({ ...claims, iss: `mooring:${instanceId}`, aud: 'agent' }, signingKey, {
    algorithm: 'HS256',
    keyid: kid,
  })
  return {
    api: await server.token(),
    worker: await server.token(await createService(server, 'worker', 'root')),
    registrar: await server.token(await createService(server, 'webhook-registrar', 'root')),
    agent,
  }
}

function never(): never {
  throw new Error('There is no database.')
}
