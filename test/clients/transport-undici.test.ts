import { describe, expect, onTestFinished, test } from 'vitest'
import { TransportError } from '../../clients/transport.ts'
import { openUndiciTransport, type UndiciTransportOptions } from '../../clients/transport-undici.ts'
import { listen } from './listening.ts'
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
