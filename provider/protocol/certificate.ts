import { Buffer } from 'node:buffer'
import { createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { bits, integer, objectId, octets, sequence, setOf, tagged, text, time, yes } from './der.ts'

export interface Certificate {
  readonly der: Buffer
  readonly pem: string
  readonly privateKeyPem: string
}

/** Makes the certificate of one process: self-signed, P-256, for `localhost`, which is the name that Terraform expects. */
export function newCertificate(now: Date): Certificate {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const signed = certificateBody(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }), now)
  const der = sequence(signed, ecdsaWithSha256(), bits(sign('sha256', signed, privateKey), 0))
  const pem = toPem(der)
  return { der, pem, privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

/** RFC 5280, 4.1. Terraform takes the certificate both as the server's own and as the authority that vouches for it. */
function certificateBody(publicKey: Buffer, now: Date): Buffer {
  const version3 = tagged(0xa0, integer(Buffer.from([2])))
  const name = sequence(attribute('2.5.4.3', 'localhost'), attribute('2.5.4.10', 'terraform-provider'))
  const validity = sequence(time(new Date(now.getTime() - minute)), time(new Date(now.getTime() + year)))
  const extensions = sequence(
    extension('2.5.29.19', true, sequence(yes)), // basic constraints: a certificate authority
    extension('2.5.29.15', true, bits(Buffer.from([0b10101100]), 2)), // sign, encipher, agree on keys, sign certificates
    extension('2.5.29.37', false, sequence(objectId('1.3.6.1.5.5.7.3.1'), objectId('1.3.6.1.5.5.7.3.2'))),
    extension('2.5.29.17', false, sequence(tagged(0x82, Buffer.from('localhost')))),
  )
  return sequence(version3, serial(), ecdsaWithSha256(), name, validity, name, publicKey, tagged(0xa3, extensions))
}

const minute = 60_000
const year = 365 * 24 * 60 * minute

/** Positive, and without a leading zero byte, which DER forbids. */
function serial(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return integer(bytes)
}

function ecdsaWithSha256(): Buffer {
  return sequence(objectId('1.2.840.10045.4.3.2'))
}

function attribute(id: string, value: string): Buffer {
  return setOf(sequence(objectId(id), text(value)))
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return critical ? sequence(objectId(id), yes, octets(value)) : sequence(objectId(id), octets(value))
}

export function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
