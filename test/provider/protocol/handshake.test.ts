import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newCertificate } from '../../../provider/protocol/certificate.ts'
import { chooseAddress, handshakeLine } from '../../../provider/protocol/handshake.ts'
import { listen } from '../../../provider/protocol/listen.ts'

test('R139a trap 13: listens on TCP on Windows, on the ports that Terraform allows', () => {
  const address = chooseAddress({ PLUGIN_MIN_PORT: '10000', PLUGIN_MAX_PORT: '25000' }, 'win32')

  expect(address).toEqual({ network: 'tcp', host: '127.0.0.1', ports: { from: 10000, to: 25000 } })
})

test('R139a trap 13: takes the next port when one is taken, and keeps who comes early', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const from = (taken.address() as AddressInfo).port

  const door = await listen({ network: 'tcp', host: '127.0.0.1', ports: { from, to: from + 50 } })
  const early = connect(Number(door.address.split(':')[1]), '127.0.0.1')
  await once(early, 'connect')
  const received = new Promise<Socket>((resolve) => setTimeout(() => door.open(resolve), 50))

  expect(door.address).toMatch(/^127\.0\.0\.1:\d+$/)
  expect(door.address).not.toBe(`127.0.0.1:${from}`)
  expect((await received).remotePort).toBe(early.localPort)
  early.destroy()
  taken.close()
})

test('R139a trap 13: says what to do when the socket path would be too long', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'a'.repeat(90)))

  expect(() => chooseAddress({ PLUGIN_UNIX_SOCKET_DIR: parent }, 'linux')).toThrow('too long for a Unix socket')
  await rm(parent, { recursive: true })
})

test('puts the certificate into the handshake unpadded', () => {
  const der = Buffer.from([1, 2, 3, 4])

  expect(handshakeLine('unix', '/tmp/s', der)).toBe('1|6|unix|/tmp/s|grpc|AQIDBA\n')
  expect(handshakeLine('tcp', '127.0.0.1:1', undefined)).toBe('1|6|tcp|127.0.0.1:1|grpc|\n')
})

test('makes certificates that verify themselves, name localhost and are unlike one another', () => {
  const certificates = Array.from({ length: 50 }, () => new X509Certificate(newCertificate(new Date()).pem))

  for (const certificate of certificates) {
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.checkHost('localhost')).toBe('localhost')
    expect(certificate.ca).toBe(true)
    expect(certificate.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' })
  }
  expect(new Set(certificates.map(({ serialNumber }) => serialNumber)).size).toBe(50)
})

test('dates a certificate rightly beyond 2049', () => {
  const certificate = new X509Certificate(newCertificate(new Date('2049-06-01T00:00:00Z')).pem)

  expect([new Date(certificate.validFrom).getUTCFullYear(), new Date(certificate.validTo).getUTCFullYear()]).toEqual([
    2049, 2050,
  ])
})
