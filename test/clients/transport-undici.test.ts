import { describe, expect, onTestFinished, test } from 'vitest'
import { TransportError } from '../../clients/transport.ts'
import {
  openTrustingTransports,
  openUndiciTransport,
  type UndiciTransportOptions,
} from '../../clients/transport-undici.ts'
import { listen, listenTls } from './listening.ts'
import { makeSelfSigned } from './self-signed.ts'
import { expectFailure, transportCases } from './transport-cases.ts'

function open(options: UndiciTransportOptions) {
  const transport = openUndiciTransport(options)
  onTestFinished(() => transport.close())
  return transport.send
}

const get = { method: 'GET', headers: {} } as const

describe('like every transport', () => transportCases(open))

describe('S31 checks addresses where they are dialled', () => {
  function checkingTransport(allow: (address: string) => boolean) {
    const checked: [string, number][] = []
    const send = open({
      checkAddress: (address, port) => {
        checked.push([address, port])
        if (!allow(address)) throw new TransportError('blocked', { nothingSent: true })
      },
    })
    return { send, checked }
  }

  test('S31 checks a literal address, which is never looked up', async () => {
    let requests = 0
    const port = await listen((_, response) => {
      requests++
      response.end()
    })
    const { send, checked } = checkingTransport(() => false)

    await expectFailure(send({ ...get, url: `http://127.0.0.1:${port}/` }), 'blocked', true)

    expect(checked).toEqual([['127.0.0.1', port]])
    expect(requests).toBe(0)
  })

  test('S31 checks a literal IPv6 address without its brackets', async () => {
    const { send, checked } = checkingTransport(() => false)

    await expectFailure(send({ ...get, url: 'https://[::ffff:169.254.169.254]/' }), 'blocked', true)

    expect(checked).toEqual([['::ffff:a9fe:a9fe', 443]])
  })

  test('S33 checks what a URL parser makes of an odd spelling', async () => {
    const { send, checked } = checkingTransport(() => false)

    for (const host of ['2852039166', '0xA9FEA9FE', '169.254.43518', '１６９。254.169.254']) {
      await expectFailure(send({ ...get, url: `http://${host}/` }), 'blocked', true)
    }

    expect(new Set(checked.map(String))).toEqual(new Set(['169.254.169.254,80']))
  })

  test('S31 checks the addresses of a name, with the port', async () => {
    let requests = 0
    const port = await listen((_, response) => {
      requests++
      response.end()
    })
    const { send, checked } = checkingTransport(() => false)

    await expectFailure(send({ ...get, url: `http://localhost:${port}/` }), 'blocked', true)

    expect(checked.length).toBeGreaterThan(0)
    expect(checked.every(([address, checkedPort]) => /^(127\.|::1$)/.test(address) && checkedPort === port)).toBe(true)
    expect(requests).toBe(0)
  })

  test('S31 lets a name through whose addresses are all allowed', async () => {
    const port = await listen((_, response) => response.end('ok'))
    const { send } = checkingTransport(() => true)

    const response = await send({ ...get, url: `http://localhost:${port}/` })

    expect(response.status).toBe(200)
  })

  test('S31 checks a literal also where a connection to it is open', async () => {
    const port = await listen((_, response) => response.end('ok'))
    let allowed = true
    const { send } = checkingTransport(() => allowed)
    await send({ ...get, url: `http://127.0.0.1:${port}/` })

    allowed = false

    await expectFailure(send({ ...get, url: `http://127.0.0.1:${port}/` }), 'blocked', true)
  })
})

describe('S38 several sets of certificates', () => {
  test('S38 each opens what it vouches for, also after others have pushed it out', async () => {
    const identities = [makeSelfSigned(), makeSelfSigned(), makeSelfSigned()]
    const ports = await Promise.all(identities.map((identity) => listenTls(identity, (_, response) => response.end())))
    const transports = openTrustingTransports({}, 2)
    onTestFinished(() => transports.close())
    const reach = async (which: number, trusted: string | null) => {
      const answer = transports.trusting(trusted)({ ...get, url: `https://127.0.0.1:${ports[which]}/` })
      return answer.then(
        ({ status }) => status,
        (error: TransportError) => error.code,
      )
    }

    for (let round = 0; round < 2; round++) {
      for (const [which, { cert }] of identities.entries()) {
        expect(await reach(which, cert)).toBe(200)
        expect(await reach((which + 1) % 3, cert)).toBe('tls')
        expect(await reach(which, null)).toBe('tls')
      }
    }
  })
})
