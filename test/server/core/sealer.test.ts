import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSealer, type SealedIdentity, sealingKeyId, UnsealError } from '../../../server/core/sealer.ts'

const current = randomBytes(32)
const token: SealedIdentity = { table: 'integration', id: '1', column: 'access_token' }

test('S41 gives back exactly what was sealed, whatever the text', async () => {
  const sealer = createSealer({ current, old: [] })

  await fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (plaintext) => {
      expect(sealer.open(token, sealer.seal(token, plaintext))).toBe(plaintext)
    }),
  )
})

test('S41 seals the same text to another value each time, and shows nothing of it', () => {
  const sealer = createSealer({ current, old: [] })

  const [one, two] = [sealer.seal(token, 'a secret'), sealer.seal(token, 'a secret')]

  expect(one).not.toBe(two)
  expect(one).toMatch(new RegExp(`^v1\\.${sealer.keyId}\\.`))
  expect(one).not.toContain(Buffer.from('a secret').toString('base64url'))
})

test.for<{ name: string; other: SealedIdentity }>([
  { name: 'S41 a value moved to another row does not open', other: { ...token, id: '2' } },
  { name: 'S41 a value moved to another table does not open', other: { ...token, table: 'webhook_secret' } },
  { name: 'S41 a value moved to another column does not open', other: { ...token, column: 'username' } },
  { name: 'S41 a value moved to another version does not open', other: { ...token, version: 1 } },
  {
    name: 'S41 parts of the identity that run into each other do not open',
    other: { table: 'integration","1', id: '', column: 'access_token' },
  },
])('$name', ({ other }) => {
  const sealer = createSealer({ current, old: [] })

  const sealed = sealer.seal(token, 'a secret')

  expect(() => sealer.open(other, sealed)).toThrow(UnsealError)
})

test('S41 a value with any byte flipped, cut or emptied does not open', () => {
  const sealer = createSealer({ current, old: [] })
  const [version, keyId, text = ''] = sealer.seal(token, 'a secret').split('.')
  const bytes = Buffer.from(text, 'base64url')
  const changed = [
    ...[...bytes.keys()].map((at) => Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)))),
    ...[...bytes.keys()].map((length) => bytes.subarray(0, length)),
    bytes.subarray(0, -12), // a tag of four bytes
  ]

  for (const one of changed) {
    const sealed = [version, keyId, one.toString('base64url')].join('.')
    expect(() => sealer.open(token, sealed), sealed).toThrow(UnsealError)
  }
})

test.for(['', 'v1', 'v1.0011223344556677.', 'v2.0011223344556677.AAAA', 'plain text', `v1.${'0'.repeat(16)}.====`])(
  'S41 "%s" is no sealed value',
  (sealed) => {
    expect(() => createSealer({ current, old: [] }).open(token, sealed)).toThrow(UnsealError)
  },
)

test('S41 opens what an old key sealed, and seals with the current one', () => {
  const old = randomBytes(32)
  const sealed = createSealer({ current: old, old: [] }).seal(token, 'a secret')

  const sealer = createSealer({ current, old: [old] })

  expect(sealer.open(token, sealed)).toBe('a secret')
  expect(sealer.seal(token, 'a secret')).toContain(sealingKeyId(current))
})

test('S42 names the key that is missing and the place, and shows no value', () => {
  const sealed = createSealer({ current: randomBytes(32), old: [] }).seal(token, 'a secret')
  const wanted = sealed.split('.')[1] ?? ''

  const error = thrownBy(() => createSealer({ current, old: [] }).open(token, sealed))

  expect(error).toBeInstanceOf(UnsealError)
  expect(String(error)).toContain(wanted)
  expect(String(error)).toContain('integration.access_token')
  expect(String(error)).not.toContain(sealed)
})

test('S41 refuses a key of another length', () => {
  expect(() => createSealer({ current: randomBytes(16), old: [] })).toThrow('32 bytes')
})

function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  return undefined
}
