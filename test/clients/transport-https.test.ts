import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type HttpsTransportOptions, openHttpsTransport } from '../../clients/transport-https.ts'
import { listenTls } from './listening.ts'
import { makeSelfSigned } from './self-signed.ts'
import { expectFailure, transportCases } from './transport-cases.ts'

function open(options: HttpsTransportOptions) {
  const transport = openHttpsTransport(options)
  onTestFinished(() => transport.close())
  return transport.send
}

const get = { method: 'GET', headers: {} } as const

describe('like every transport', () => transportCases(open))

/** A proxy that tunnels, or refuses, and remembers what it was asked. */
async function startProxy(refusal?: number) {
  const tunnels: { readonly authority: string | undefined; readonly credentials: string | undefined }[] = []
  const sockets: Socket[] = []
  const server = createServer()
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    tunnels.push({ authority: request.url, credentials: request.headers['proxy-authorization'] })
    sockets.push(client)
    client.on('error', () => {})
    if (refusal) {
      client.end(`HTTP/1.1 ${refusal} No\r\n\r\n`)
      return
    }
    const upstream = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(upstream).pipe(client)
    })
    sockets.push(upstream)
    upstream.on('error', () => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, tunnels }
}

describe('through a proxy', () => {
  test('reaches an https host through one tunnel, with the credentials of the proxy', async () => {
    const identity = makeSelfSigned()
    const port = await listenTls(identity, (request, response) =>
      response.end(`${request.headers['proxy-authorization']}`),
    )
    const proxy = await startProxy()
    const send = open({
      certificateAuthorities: identity.cert,
      proxy: { url: `http://jdoe:p%40ss@127.0.0.1:${proxy.port}` },
    })

    const first = await send({ ...get, url: `https://localhost:${port}/` })
    const second = await send({ ...get, url: `https://localhost:${port}/` })

    const credentials = `Basic ${Buffer.from('jdoe:p@ss').toString('base64')}`
    expect([first.status, second.status]).toEqual([200, 200])
    expect(Buffer.from(first.body).toString()).toBe('undefined')
    expect(proxy.tunnels).toEqual([{ authority: `localhost:${port}`, credentials }])
  })

  test('S38 verifies the host behind the proxy', async () => {
    const port = await listenTls(makeSelfSigned(), (_, response) => response.end())
    const proxy = await startProxy()

    const sending = open({ proxy: { url: `http://127.0.0.1:${proxy.port}` } })({
      ...get,
      url: `https://localhost:${port}/`,
    })

    await expectFailure(sending, 'tls', true)
  })

  test('names a proxy that refuses', async () => {
    const proxy = await startProxy(407)
    const send = open({ proxy: { url: `http://127.0.0.1:${proxy.port}` } })

    await expectFailure(send({ ...get, url: 'https://localhost:1/' }), 'refused', true)
  })

  test('dials an excepted host directly', async () => {
    const identity = makeSelfSigned()
    const port = await listenTls(identity, (_, response) => response.end())
    const proxy = await startProxy()
    const send = open({
      certificateAuthorities: identity.cert,
      proxy: { url: `http://127.0.0.1:${proxy.port}`, noProxy: 'example.com,127.0.0.1' },
    })

    const response = await send({ ...get, url: `https://127.0.0.1:${port}/` })

    expect([response.status, proxy.tunnels]).toEqual([200, []])
  })
})
