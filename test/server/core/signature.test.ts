import { createHmac, createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matchesSignature, readSignature } from '../../../server/core/signature.ts'

const hex = 'a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90'

/** Forty values of `X-Hub-Signature` that are no signature. */
const malformed = [
  '',
  ' ',
  'sha256',
  'sha256=',
  '=',
  hex,
  `sha256:${hex}`,
  `sha256 ${hex}`,
  `sha256= ${hex}`,
  `sha256 =${hex}`,
  `sha256==${hex}`,
  ` sha256=${hex}`,
  `sha256=${hex} `,
  `sha256=${hex}\n`,
  `\nsha256=${hex}`,
  `sha256=${hex}\r\n`,
  `sha256=${hex}\0`,
  `sha256=${hex.slice(1)}`,
  `sha256=${hex.slice(2)}`,
  `sha256=${hex}0`,
  `sha256=${hex}00`,
  `sha256=${hex}${hex}`,
  `sha256=${hex.slice(0, 63)}g`,
  `sha256=g${hex.slice(1)}`,
  `sha256=0x${hex.slice(2)}`,
  `sha256=-${hex.slice(1)}`,
  `sha256=${hex.slice(0, 32)} ${hex.slice(33)}`,
  `sha256=${hex.replaceAll('a', '\uff41')}`, // full-width letters
  `sha256=${Buffer.from(hex, 'hex').toString('base64')}`,
  `sha256="${hex}"`,
  `"sha256=${hex}"`,
  `sha256=${hex}, sha256=${hex}`,
  `sha256=${hex},sha256=${hex}`,
  `sha256=${hex};v=1`,
  `sha1=${hex.slice(0, 40)}`,
  `sha1=${hex}`,
  `sha512=${hex}${hex}`,
  `sha-256=${hex}`,
  `hmac-sha256=${hex}`,
  `sha256=%61${hex.slice(3)}`,
]

describe('readSignature', () => {
  test('the table has forty values', () => {
    expect(new Set(malformed).size).toBe(40)
  })

  test.for(malformed.map((value) => ({ name: `S6 refuses ${JSON.stringify(value)}`, value })))('$name', ({ value }) => {
    expect(readSignature(value)).toBeUndefined()
  })

  test('R31 S6 accepts exactly sha256= and 64 hex digits, in either case', () => {
    expect(readSignature(`sha256=${hex}`)).toBe(hex)
    expect(readSignature(`sha256=${hex.toUpperCase()}`)).toBe(hex)
    expect(readSignature(`SHA256=${hex}`)).toBeUndefined()
  })
})

describe('matchesSignature', () => {
  test('R33 S6 holds for the bytes and the secret that it was made of, and for no others', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: 'binary' }),
        fc.uint8Array({ minLength: 1, maxLength: 500 }),
        fc.nat(),
        (secret, body, position) => {
          const key = createSecretKey(Buffer.from(secret, 'utf8'))
          const signature = createHmac('sha256', secret).update(body).digest('hex')
          const changed = Uint8Array.from(body)
          changed[position % body.length] = (changed[position % body.length] ?? 0) ^ 1

          expect(matchesSignature(key, body, signature)).toBe(true)
          expect(matchesSignature(key, changed, signature)).toBe(false)
          expect(matchesSignature(createSecretKey(Buffer.from(`${secret}x`)), body, signature)).toBe(false)
        },
      ),
    )
  })

  test('S6 each single differing digit is noticed', () => {
    const key = createSecretKey(Buffer.from('secret'))
    const signature = createHmac('sha256', 'secret').update('body').digest('hex')

    for (let index = 0; index < signature.length; index += 1) {
      const digit = signature[index] === '0' ? '1' : '0'
      const other = signature.slice(0, index) + digit + signature.slice(index + 1)
      expect(matchesSignature(key, Buffer.from('body'), other)).toBe(false)
    }
  })

  test('S6 a cut signature does not match', () => {
    const key = createSecretKey(Buffer.from('secret'))
    const signature = createHmac('sha256', 'secret').update('body').digest('hex')

    expect(matchesSignature(key, Buffer.from('body'), signature.slice(0, 62))).toBe(false)
    expect(matchesSignature(key, Buffer.from('body'), '')).toBe(false)
  })
})
