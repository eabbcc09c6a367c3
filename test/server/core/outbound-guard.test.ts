import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TransportError } from '../../../clients/transport.ts'
import { openUndiciTransport } from '../../../clients/transport-undici.ts'
import { createOutboundGuard, type OutboundPolicy } from '../../../server/core/outbound-guard.ts'

const nothingAllowed: OutboundPolicy = { allowedLoopback: [], allowedHosts: undefined, publicUrl: undefined }
const guard = createOutboundGuard(nothingAllowed)

describe('S33 the host is what new URL reads, never the text', () => {
  test.for([
    { written: '2852039166', read: '169.254.169.254' },
    { written: '0xA9FEA9FE', read: '169.254.169.254' },
    { written: '0251.0376.0251.0376', read: '169.254.169.254' },
    { written: '169.254.43518', read: '169.254.169.254' },
    { written: '１６９.254.169.254', read: '169.254.169.254' },
    { written: '169。254。169。254', read: '169.254.169.254' },
    { written: '169.254.169.254.', read: '169.254.169.254' },
    { written: '127.1', read: '127.0.0.1' },
    { written: '%31%32%37.0.0.1', read: '127.0.0.1' },
    { written: '0', read: '0.0.0.0' },
    { written: '[::ffff:169.254.169.254]', read: '[::ffff:a9fe:a9fe]' },
  ])('S33 $written is read as $read, and refused', ({ written, read }) => {
    expect(new URL(`http://${written}/`).hostname).toBe(read)
    expect(refusal(() => guard.checkUrl(`http://${written}/`))).toBe('blocked')
  })
})

test.for([
  'http://169.254.169.254/latest/meta-data',
  'http://[::ffff:a9fe:a9fe]/',
  'http://[64:ff9b::a9fe:a9fe]/',
  'http://[64:ff9b::169.254.169.254]/',
  'http://[64:ff9b:1::a9fe:a9fe]/',
  'http://[2002:a9fe:a9fe::1]/',
  'http://[2002:7f00:1::]/',
  'http://[::127.0.0.1]/',
  'http://[::7f00:1]/',
  'http://[2001:0:53aa:64c:0:0:5601:5601]/',
  'http://[fe80::1]/',
  'http://[febf::1]/',
  'http://[fd00:ec2::254]/',
  'http://[ff02::1]/',
  'http://127.0.0.1:80/',
  'http://127.255.255.254/',
  'http://0.0.0.0/',
  'http://[::1]/',
  'http://[::]/',
  'http://[0:0:0:0:0:0:0:1]/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'http://100.100.100.200/',
  'http://168.63.129.16/',
  'http://user@bitbucket.example.com/',
  'http://user:password@bitbucket.example.com/',
  'http://bitbucket.example.com\\@other.example.com/',
  'http://bitbucket.example.com/a\tb',
  'http://bitbucket.example.com/a\r\nb',
  'http://bitbucket.example.com/a b',
  'file:///etc/passwd',
  'ftp://bitbucket.example.com/',
  'not a url',
  '',
])('S32 S33 refuses %s', (url) => {
  expect(refusal(() => guard.checkUrl(url))).toBe('blocked')
})

test.for([
  'https://bitbucket.example.com/context',
  'http://10.1.2.3:7990/',
  'http://192.168.1.1/',
  'http://172.16.0.1/',
  'http://[fd12:3456::1]/',
  'http://[2606:4700::1111]/',
  'http://[64:ff9b::808:808]/',
  'http://[2002:808:808::1]/',
  'http://8.8.8.8/',
])('S32 allows %s: Bitbucket lives in private networks', (url) => {
  expect(refusal(() => guard.checkUrl(url))).toBeUndefined()
})

test.for([
  '127.0.0.1',
  '::1',
  '::ffff:127.0.0.1',
  '169.254.169.254',
  '64:ff9b::7f00:1',
  'fe80::1%eth0',
  'localhost',
  '',
])('S31 refuses to dial %s', (address) => {
  expect(refusal(() => guard.checkAddress(address, 80))).toBe('blocked')
})

test('R212 loopback is called only at the host and port that are named', () => {
  const some = createOutboundGuard({ ...nothingAllowed, allowedLoopback: ['127.0.0.1:7990', '[::1]:7991'] })

  expect(refusal(() => some.checkAddress('127.0.0.1', 7990))).toBeUndefined()
  expect(refusal(() => some.checkAddress('::ffff:127.0.0.1', 7990))).toBeUndefined()
  expect(refusal(() => some.checkAddress('::1', 7991))).toBeUndefined()
  expect(refusal(() => some.checkAddress('127.0.0.1', 7991))).toBe('blocked')
  expect(refusal(() => some.checkAddress('127.0.0.2', 7990))).toBe('blocked')
  expect(refusal(() => some.checkAddress('::1', 7990))).toBe('blocked')
})

test('R212 localhost stands for both loopback addresses, and opens nothing but loopback', () => {
  const some = createOutboundGuard({ ...nothingAllowed, allowedLoopback: ['localhost:7990', '169.254.169.254:80'] })

  expect(refusal(() => some.checkAddress('127.0.0.1', 7990))).toBeUndefined()
  expect(refusal(() => some.checkAddress('::1', 7990))).toBeUndefined()
  expect(refusal(() => some.checkAddress('169.254.169.254', 80))).toBe('blocked')
})

test('S32 the list of allowed hosts only narrows', () => {
  const some = createOutboundGuard({ ...nothingAllowed, allowedHosts: ['bitbucket.example.com', '127.0.0.1'] })

  expect(refusal(() => some.checkUrl('https://bitbucket.example.com/x'))).toBeUndefined()
  expect(refusal(() => some.checkUrl('https://BITBUCKET.example.com/x'))).toBeUndefined()
  expect(refusal(() => some.checkUrl('https://other.example.com/x'))).toBe('blocked')
  expect(refusal(() => some.checkUrl('http://127.0.0.1/x'))).toBe('blocked')
})

test('S32 the server never calls its own public address', () => {
  const some = createOutboundGuard({ ...nothingAllowed, publicUrl: 'https://mooring.example.com/context' })

  expect(refusal(() => some.checkUrl('https://mooring.example.com/rest'))).toBe('blocked')
  expect(refusal(() => some.checkUrl('https://mooring.example.com:8443/rest'))).toBeUndefined()
})

test('S31 a literal and a name of a refused address make no connection', async () => {
  let connections = 0
  const server = createServer((_request, response) => response.end('{}'))
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const transport = openUndiciTransport({ checkAddress: guard.checkAddress })
  onTestFinished(() => transport.close())
  const send = (host: string) => transport.send({ method: 'GET', url: `http://${host}:${port}/`, headers: {} })

  for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433']) {
    await expect(send(new URL(`http://${host}`).hostname), host).rejects.toMatchObject({ code: 'blocked' })
  }
  expect(connections).toBe(0)
})

function refusal(act: () => void): string | undefined {
  try {
    act()
  } catch (error) {
    return error instanceof TransportError ? error.code : String(error)
  }
  return undefined
}
