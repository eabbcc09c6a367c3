import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createServerClient } from '../../../clients/server/client.ts'
import { SecretAlreadyShown, ServerProblem, UnexpectedAnswer } from '../../../clients/server/problem.ts'
import { TransportError } from '../../../clients/transport.ts'
import { openUndiciTransport } from '../../../clients/transport-undici.ts'

interface Seen {
  readonly method: string
  readonly url: string
  readonly authorization: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface Answer {
  readonly status?: number
  readonly body?: unknown
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

const credentials = { keyId: 'a-key', keySecret: 'a-secret' }
const space = {
  id: 'a',
  name: 'A',
  parentId: 'root',
  inheritEntities: false,
  labels: [],
  description: '',
  createdAt: '2024-01-01T00:00:00.000Z',
}
const emptyPage = { body: { items: [], nextCursor: null } }

test('exchanges the API key once for all calls that wait, and sends the token with each', async () => {
  const server = await serve(({ url }) => (isToken(url) ? token('one') : emptyPage))

  await Promise.all(Array.from({ length: 5 }, () => server.client().call('listSpaces', { query: {} })))
  const shared = server.client()
  await Promise.all(Array.from({ length: 5 }, () => shared.call('listSpaces', { query: {} })))

  const exchanges = server.seen.filter(({ url }) => isToken(url))
  expect(exchanges).toHaveLength(6)
  expect(JSON.parse(exchanges[0]?.body ?? '')).toEqual(credentials)
  expect(exchanges[0]?.authorization).toBeUndefined()
  expect(server.seen.filter(({ authorization }) => authorization === 'Bearer one')).toHaveLength(10)
})

test('replaces a token before it ends', async () => {
  let now = Date.now()
  let exchanged = 0
  const server = await serve(({ url }) => (isToken(url) ? token(`t${++exchanged}`, now + 600_000) : emptyPage))
  const client = server.client(() => now)

  await client.call('listSpaces', { query: {} })
  now += 530_000
  await client.call('listSpaces', { query: {} })
  now += 20_000
  await client.call('listSpaces', { query: {} })

  expect(server.seen.filter(({ url }) => !isToken(url)).map(({ authorization }) => authorization)).toEqual([
    'Bearer t1',
    'Bearer t1',
    'Bearer t2',
  ])
})

test('tries once more with a new token after a 401, and no more than once', async () => {
  let exchanged = 0
  const revoked = new Set(['Bearer t1'])
  const server = await serve(({ url, authorization }) => {
    if (isToken(url)) return token(`t${++exchanged}`)
    return revoked.has(authorization ?? '') ? problem(401, 'unauthenticated') : emptyPage
  })
  const client = server.client()

  await Promise.all([client.call('listSpaces', { query: {} }), client.call('listSpaces', { query: {} })])
  const afterFirst = exchanged
  for (let number = 1; number < 20; number++) revoked.add(`Bearer t${number}`)
  const failure = await client.call('listSpaces', { query: {} }).catch((error: unknown) => error)

  expect(afterFirst).toBe(2)
  expect(failure).toBeInstanceOf(ServerProblem)
  expect(failure).toMatchObject({ code: 'unauthenticated' })
  expect(exchanged).toBe(3)
})

test('a failed exchange is the call’s failure, and the next call tries again', async () => {
  let isDown = true
  const server = await serve(({ url }) => {
    if (!isToken(url)) return emptyPage
    return isDown ? problem(401, 'invalid_api_key') : token('one')
  })
  const client = server.client()

  const failure = await client.call('listSpaces', { query: {} }).catch((error: unknown) => error)
  isDown = false
  const page = await client.call('listSpaces', { query: {} })

  expect(failure).toMatchObject({ name: 'ServerProblem', code: 'invalid_api_key', status: 401 })
  expect(String(failure)).not.toContain('a-secret')
  expect(page.items).toEqual([])
})

test('encodes path and query, and sends no parameter that is undefined', async () => {
  const server = await serve(({ url }) => (isToken(url) ? token('one') : emptyPage))

  await server.client().call('listStacks', { query: { limit: 2, cursor: 'a&b=c d', spaceId: undefined } })
  await server
    .client()
    .call('getSpace', { params: { id: 'a/b?c#d' } })
    .catch(() => undefined)

  const urls = server.seen.map(({ url }) => url).filter((url) => !isToken(url))
  expect(urls).toEqual(['/context/api/v1/stacks?limit=2&cursor=a%26b%3Dc+d', '/context/api/v1/spaces/a%2Fb%3Fc%23d'])
})

test('sends a version and an idempotency key as headers, repeats a parameter that has several values, and gives the ETag', async () => {
  const server = await serve(({ url, method }) => {
    if (isToken(url)) return token('one')
    return method === 'GET' ? emptyPage : { body: { space, detached: [] }, headers: { etag: '"v2"' } }
  })
  const request = { params: { id: 'a' }, query: {}, body: { name: 'A' } }

  const changed = await server.client().callWithEtag('updateSpace', request, { ifMatch: '"v1"', idempotencyKey: 'k' })
  await server.client().call('listSpaces', { query: { anyLabel: ['a', 'b'] } })

  const [write, list] = server.seen.filter(({ url }) => !isToken(url))
  expect(write?.headers).toMatchObject({ 'if-match': '"v1"', 'idempotency-key': 'k' })
  expect(list?.url).toBe('/context/api/v1/spaces?anyLabel=a&anyLabel=b')
  expect(list?.headers['if-match']).toBeUndefined()
  expect(changed.etag).toBe('"v2"')
  expect(changed.answer.space).toEqual(space)
})

test('R202 a secret that was shown before is an error of its own, with the rest of the answer', async () => {
  const server = await serve(({ url }) =>
    isToken(url) ? token('one') : { status: 201, body: { id: 'x', name: 'CI', secretShown: true } },
  )

  const failure = await server
    .client()
    .call('createApiKey', { body: { name: 'CI', role: 'reader' } }, { idempotencyKey: 'k' })
    .catch((error: unknown) => error)

  expect(failure).toBeInstanceOf(SecretAlreadyShown)
  expect(failure).toMatchObject({ answer: { id: 'x', name: 'CI' } })
})

test('never leaves the path of the operation', async () => {
  const server = await serve(() => token('one'))

  for (const id of ['..', '.', '']) {
    await expect(server.client().call('getSpace', { params: { id } })).rejects.toThrow('cannot be the id')
  }
  expect(server.seen.every(({ url }) => isToken(url))).toBe(true)
})

test('gives the problem with its code, fields and stacks', async () => {
  const server = await serve(({ url }) =>
    isToken(url)
      ? token('one')
      : problem(409, 'would_detach', { stacks: ['a', 'b'], errors: [{ pointer: '/spaceId', detail: 'd' }] }),
  )

  const call = server.client().call('updateIntegration', { params: { id: 'x' }, query: {}, body: { spaceId: 'y' } })

  await expect(call).rejects.toMatchObject({
    code: 'would_detach',
    status: 409,
    stacks: ['a', 'b'],
    errors: [{ pointer: '/spaceId', detail: 'd' }],
  })
})

test.for<{ name: string; answer: Answer }>([
  { name: 'a proxy’s page', answer: { status: 502, text: '<html>planted-words</html>' } },
  { name: 'a problem of a code that nobody knows', answer: problem(409, 'planted-words') },
  { name: 'an answer of another shape', answer: { body: { things: 'planted-words' } } },
  { name: 'an answer that is no JSON', answer: { text: 'planted-words' } },
])('$name is an unexpected answer, and its words are not passed on', async ({ answer }) => {
  const server = await serve(({ url }) => (isToken(url) ? token('one') : answer))

  const failure = await server
    .client()
    .call('listSpaces', { query: {} })
    .catch((error: unknown) => error)

  expect(failure).toBeInstanceOf(UnexpectedAnswer)
  expect(String(failure)).not.toContain('planted-words')
})

test('a server that is not there is the transport’s error', async () => {
  const transport = openUndiciTransport({})
  onTestFinished(() => transport.close())
  const client = createServerClient(transport.send, { endpoint: 'http://127.0.0.1:1', now: Date.now, credentials })

  await expect(client.call('listSpaces', { query: {} })).rejects.toBeInstanceOf(TransportError)
})

function isToken(url: string): boolean {
  return url.endsWith('/api/v1/token')
}

function token(text: string, expiresAt = Date.now() + 600_000): Answer {
  return { body: { token: text, expiresAt: new Date(expiresAt).toISOString() } }
}

function problem(status: number, code: string, fields: object = {}): Answer {
  return { status, body: { type: `urn:mooring:problem:${code}`, title: 't', status, code, detail: 'd', ...fields } }
}

async function serve(answer: (seen: Seen) => Answer) {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (piece: string) => {
      body += piece
    })
    request.on('end', () => {
      const one = {
        method: request.method ?? '',
        url: request.url ?? '',
        authorization: request.headers.authorization,
        headers: request.headers,
        body,
      }
      seen.push(one)
      const { status = 200, body: json, text = JSON.stringify(json), headers = {} } = answer(one)
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const transport = openUndiciTransport({})
  onTestFinished(async () => {
    await transport.close()
    server.closeAllConnections()
    server.close()
  })
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/context/`
  return { seen, client: (now = Date.now) => createServerClient(transport.send, { endpoint, now, credentials }) }
}
