import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { maximumResponseBytes, type Transport, TransportError } from '../../clients/transport.ts'
import { listen, listenTls } from './listening.ts'
import { makeSelfSigned } from './self-signed.ts'

export interface TransportUnderTest {
  readonly certificateAuthorities?: string
  readonly silenceTimeoutMs?: number
}

/** Opens the transport and closes it when the test ends. */
export type OpenTransport = (options: TransportUnderTest) => Transport

/** What both transports must do alike. */
export function transportCases(open: OpenTransport): void {
  const get = { method: 'GET', headers: {} } as const

  test('gives status, headers in lower case and the bytes of the body', async () => {
    const port = await listen((_, response) => {
      response.writeHead(418, { 'X-Thing': 'a', 'Set-Cookie': ['b=1', 'c=2'] }).end(Buffer.from([0, 255, 10]))
    })

    const response = await open({})({ ...get, url: `http://127.0.0.1:${port}/x` })

    expect(response.status).toBe(418)
    expect(response.headers).toMatchObject({ 'x-thing': 'a', 'set-cookie': 'b=1, c=2' })
    expect([...response.body]).toEqual([0, 255, 10])
  })

  test.for([
    { name: 'text', body: 'größe' },
    { name: 'bytes', body: new Uint8Array(Buffer.from('größe')) },
  ])('sends method, headers, query and a body of $name with its length', async ({ body }) => {
    let seen: unknown
    const port = await listen((request, response) => {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('end', () => {
        const { method, url, headers } = request
        seen = [
          method,
          url,
          headers['x-mine'],
          headers['content-length'],
          headers['transfer-encoding'],
          Buffer.concat(pieces).toString(),
        ]
        response.writeHead(204).end()
      })
    })

    const response = await open({})({
      method: 'PUT',
      url: `http://127.0.0.1:${port}/a%2Fb?c=d%20e`,
      headers: { 'x-mine': 'yes' },
      body,
    })

    expect(seen).toEqual(['PUT', '/a%2Fb?c=d%20e', 'yes', '7', undefined, 'größe'])
    expect([response.status, response.body.byteLength]).toEqual([204, 0])
  })

  test('S34 follows no redirect', async () => {
    const seen: (string | undefined)[] = []
    const port = await listen((request, response) => {
      seen.push(request.url)
      response.writeHead(307, { location: '/elsewhere' }).end()
    })

    const response = await open({})({ ...get, url: `http://127.0.0.1:${port}/here` })

    expect([response.status, seen]).toEqual([307, ['/here']])
  })

  test('S35 asks for no content encoding', async () => {
    let seen: string | undefined = 'nothing yet'
    const port = await listen((request, response) => {
      seen = request.headers['accept-encoding']
      response.end()
    })

    await open({})({ ...get, url: `http://127.0.0.1:${port}/` })

    expect(seen).toBeUndefined()
  })

  test('S35 reads an answer of exactly the limit, and refuses one more byte', async () => {
    const port = await listen((request, response) => {
      response.end(Buffer.alloc(maximumResponseBytes + (request.url === '/more' ? 1 : 0)))
    })
    const send = open({})

    const atLimit = await send({ ...get, url: `http://127.0.0.1:${port}/` })
    expect(atLimit.body.byteLength).toBe(maximumResponseBytes)
    await expectFailure(send({ ...get, url: `http://127.0.0.1:${port}/more` }), 'too_large', false)
  })

  test('S35 refuses an answer that never ends', async () => {
    const port = await listen((_, response) => {
      const piece = Buffer.alloc(1024 * 1024)
      const pour = () => {
        while (!response.destroyed && response.write(piece)) {}
      }
      response.on('drain', pour)
      pour()
    })

    await expectFailure(open({})({ ...get, url: `http://127.0.0.1:${port}/` }), 'too_large', false)
  })

  test('S35 gives up on a host that accepts and stays silent', async () => {
    const port = await listen(() => {})

    await expectFailure(open({ silenceTimeoutMs: 200 })({ ...get, url: `http://127.0.0.1:${port}/` }), 'timeout', false)
  })

  test('S35 gives up on a host that stops in the middle of its body', async () => {
    const port = await listen((_, response) => {
      response.write('{')
    })

    await expectFailure(open({ silenceTimeoutMs: 200 })({ ...get, url: `http://127.0.0.1:${port}/` }), 'timeout', false)
  })

  test('S35 ends at the deadline although the host keeps sending', async () => {
    const port = await listen((_, response) => {
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
    })
    const started = Date.now()

    await expectFailure(open({})({ ...get, url: `http://127.0.0.1:${port}/`, timeoutMs: 300 }), 'timeout', false)
    expect(Date.now() - started).toBeLessThan(3_000)
  })

  test('rejects with the reason of the signal when the caller gives up', async () => {
    const port = await listen(() => {})
    const controller = new AbortController()
    const reason = new Error('enough')
    setTimeout(() => controller.abort(reason), 50)

    const sending = open({})({ ...get, url: `http://127.0.0.1:${port}/`, signal: controller.signal })

    await expect(sending).rejects.toBe(reason)
  })

  test('sends nothing when the caller has given up before', async () => {
    let requests = 0
    const port = await listen((_, response) => {
      requests++
      response.end()
    })
    const reason = new Error('enough')

    const sending = open({})({ ...get, url: `http://127.0.0.1:${port}/`, signal: AbortSignal.abort(reason) })

    await expect(sending).rejects.toBe(reason)
    expect(requests).toBe(0)
  })

  test('S37 names a refused connection and no address', async () => {
    const port = await freePort()

    const failure = await expectFailure(
      open({})({ ...get, url: `http://127.0.0.1:${port}/secret-path` }),
      'refused',
      true,
    )

    expect(`${failure.message} ${JSON.stringify(failure)} ${String(failure.cause)}`).not.toMatch(/127\.0|secret-path/)
    expect(failure.message).not.toContain(String(port))
  })

  test('S37 names a host name that does not exist', async () => {
    await expectFailure(open({})({ ...get, url: 'http://no-such-host.invalid/' }), 'dns', true)
  })

  test('a connection that breaks may have delivered the request', async () => {
    const port = await listen((request) => {
      request.socket.destroy()
    })

    await expectFailure(
      open({})({ ...get, method: 'POST', url: `http://127.0.0.1:${port}/`, body: '{}' }),
      'reset',
      false,
    )
  })

  test('an answer that breaks off in its body is no answer', async () => {
    const port = await listen((request, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{"values":[]', () => request.socket.destroy())
    })

    await expectFailure(open({})({ ...get, url: `http://127.0.0.1:${port}/` }), 'reset', false)
  })

  test('S38 trusts a self-signed certificate only where it is added', async () => {
    const identity = makeSelfSigned()
    const port = await listenTls(identity, (_, response) => response.end('hello'))
    const url = `https://127.0.0.1:${port}/`

    await expectFailure(open({})({ ...get, url }), 'tls', true)
    await expectFailure(open({ certificateAuthorities: makeSelfSigned().cert })({ ...get, url }), 'tls', true)
    const response = await open({ certificateAuthorities: identity.cert })({ ...get, url })
    expect(Buffer.from(response.body).toString()).toBe('hello')
  })

  test('S38 does not trust a known certificate under another name', async () => {
    const identity = makeSelfSigned()
    const port = await listenTls(identity, (_, response) => response.end('hello'))

    const sending = open({ certificateAuthorities: identity.cert })({ ...get, url: `https://127.0.0.2:${port}/` })

    await expect(sending).rejects.toBeInstanceOf(TransportError)
  })

  test('keeps its connections for the next requests', async () => {
    const ports = new Set<number | undefined>()
    const port = await listen((request, response) => {
      ports.add(request.socket.remotePort)
      response.end('x')
    })
    const send = open({})

    for (let count = 0; count < 20; count++) await send({ ...get, url: `http://127.0.0.1:${port}/` })

    // A request right behind another may find its connection not yet free.
    expect(ports.size).toBeLessThanOrEqual(2)
  })

  test('goes on after a failure', async () => {
    const port = await listen((request, response) => {
      if (request.url === '/break') request.socket.destroy()
      else response.end('fine')
    })
    const send = open({})

    await expectFailure(send({ ...get, url: `http://127.0.0.1:${port}/break` }), 'reset', false)
    const response = await send({ ...get, url: `http://127.0.0.1:${port}/` })

    expect(response.status).toBe(200)
  })
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return typeof address === 'object' && address ? address.port : 0
}

export async function expectFailure(
  sending: Promise<unknown>,
  code: TransportError['code'],
  nothingSent: boolean,
): Promise<TransportError> {
  const failure = await sending.then(
    () => new Error('expected a failure'),
    (error: unknown) => error,
  )
  expect(failure).toBeInstanceOf(TransportError)
  expect(failure).toMatchObject({ code, nothingSent })
  return failure as TransportError
}
