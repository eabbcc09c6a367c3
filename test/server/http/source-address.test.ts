import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { isNetwork } from '../../../server/core/network.ts'
import { createSourceAddress } from '../../../server/http/source-address.ts'

test.for([
  {
    name: 'S13 without trusted proxies nobody is believed',
    trusted: [],
    direct: '10.0.0.9',
    said: '1.2.3.4',
    is: '10.0.0.9',
  },
  {
    name: 'S13 a proxy that is not listed is not believed',
    trusted: ['10.0.0.1'],
    direct: '10.0.0.9',
    said: '1.2.3.4',
    is: '10.0.0.9',
  },
  { name: 'S13 a listed proxy is believed', trusted: ['10.0.0.9'], direct: '10.0.0.9', said: '1.2.3.4', is: '1.2.3.4' },
  {
    name: 'S13 a proxy of a listed network is believed',
    trusted: ['10.0.0.0/8'],
    direct: '10.0.0.9',
    said: '1.2.3.4',
    is: '1.2.3.4',
  },
  {
    name: 'S13 what the sender wrote in front is not believed',
    trusted: ['10.0.0.0/8'],
    direct: '10.0.0.9',
    said: '6.6.6.6, 1.2.3.4',
    is: '1.2.3.4',
  },
  {
    name: 'S13 a chain of listed proxies is passed over',
    trusted: ['10.0.0.0/8'],
    direct: '10.0.0.9',
    said: '6.6.6.6, 1.2.3.4, 10.0.0.7',
    is: '1.2.3.4',
  },
  {
    name: 'S13 a chain of listed proxies alone gives the first',
    trusted: ['10.0.0.0/8'],
    direct: '10.0.0.9',
    said: '10.0.0.8, 10.0.0.7',
    is: '10.0.0.8',
  },
  {
    name: 'S13 a listed proxy that says nothing is the source',
    trusted: ['10.0.0.9'],
    direct: '10.0.0.9',
    said: undefined,
    is: '10.0.0.9',
  },
  {
    name: 'S13 what is no address ends the chain',
    trusted: ['10.0.0.0/8'],
    direct: '10.0.0.9',
    said: '1.2.3.4, unknown, 10.0.0.7',
    is: '10.0.0.7',
  },
  {
    name: 'S13 a proxy may add the port',
    trusted: ['10.0.0.9'],
    direct: '10.0.0.9',
    said: '1.2.3.4:5678',
    is: '1.2.3.4',
  },
  {
    name: 'S13 IPv6 is read with and without brackets',
    trusted: ['::1'],
    direct: '::1',
    said: '[2001:db8::7]:443',
    is: '2001:db8::7',
  },
  {
    name: 'S13 an IPv4 address on an IPv6 socket is itself',
    trusted: ['10.0.0.9'],
    direct: '::ffff:10.0.0.9',
    said: '::ffff:1.2.3.4',
    is: '1.2.3.4',
  },
  {
    name: 'S13 an IPv6 network is believed',
    trusted: ['fd00::/8'],
    direct: 'fd12::1',
    said: '2001:db8::1',
    is: '2001:db8::1',
  },
])('$name', ({ trusted, direct, said, is }) => {
  expect(createSourceAddress(trusted)(requestFrom(direct, said))).toBe(is)
})

test('S13 a long list of names costs no more than a short one, and names no stranger of the sender’s choice', () => {
  const said = `${'6.6.6.6, '.repeat(500)}1.2.3.4`

  expect(createSourceAddress(['10.0.0.9'])(requestFrom('10.0.0.9', said))).toBe('1.2.3.4')
})

test.for(['10.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '::1', 'fd00::/8', '2001:db8::/128'])(
  'S13 %s is a network',
  (text) => {
    expect(isNetwork(text)).toBe(true)
  },
)

test.for(['', 'proxy', '10.0.0', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/', '::1/129', '10.0.0.0/-1', '10.0.0.0/1e1'])(
  'S13 "%s" is no network',
  (text) => {
    expect(isNetwork(text)).toBe(false)
  },
)

function requestFrom(remoteAddress: string, forwarded: string | undefined): IncomingMessage {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage
}
