import { createHmac, generateKeyPairSync, hkdfSync, randomBytes, randomUUID } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import { describe, expect, test } from 'vitest'
import {
  createTokenSigner,
  sessionIdleSeconds,
  type TokenSubject,
  tokenLifetimeSeconds,
} from '../../../server/core/jwt.ts'

const encryptionKey = randomBytes(32)
const instanceId = randomUUID()
const subject: TokenSubject = { keyId: randomUUID(), audience: 'api', generation: 1, sessionId: null }
const now = Date.now()
const signer = createTokenSigner({ current: encryptionKey, old: [] }, instanceId)
const signingKey = Buffer.from(hkdfSync('sha256', encryptionKey, '', 'mooring api token', 32))
const { token } = signer.sign(subject, now)
const header = part(token, 0)
const claims = part(token, 1)

test('S14 a token stands for its API key for ten minutes', () => {
  const { expiresAt } = signer.sign(subject, now)

  expect(expiresAt).toBe((Math.floor(now / 1000) + tokenLifetimeSeconds) * 1000)
  expect(signer.verify(token, ['api'], now)).toEqual(subject)
  expect(signer.verify(token, ['api'], now + 599_000)).toEqual(subject)
  expect(signer.verify(token, ['api'], now + 601_000)).toBeUndefined()
})

test('S15 a token is good for its own audience alone', () => {
  for (const audience of ['api', 'worker', 'registrar'] as const) {
    const own = signer.sign({ ...subject, audience }, now).token

    expect(signer.verify(own, ['api', 'worker', 'registrar'], now)).toEqual({ ...subject, audience })
    expect(signer.verify(own, [audience], now)).toEqual({ ...subject, audience })
    expect(signer.verify(own, ['ui'], now)).toBeUndefined()
    expect(signer.verify(own, [], now)).toBeUndefined()
  }
})

test('S15 S19 a browser’s token names its session, lives for half an hour, and is taken for nothing else', () => {
  const browser: TokenSubject = { ...subject, audience: 'ui', sessionId: randomUUID() }
  const own = signer.sign(browser, now).token
  const { sid: _sid, ...withoutSession } = part(own, 1)

  expect(signer.verify(own, ['ui'], now + 1_799_000)).toEqual(browser)
  expect(signer.verify(own, ['ui'], now + 1_801_000)).toBeUndefined()
  expect(signer.verify(own, ['api', 'worker', 'registrar'], now)).toBeUndefined()
  expect(signer.verify(forge(header, withoutSession), ['ui'], now)).toBeUndefined()
})

test('S14 a rightly made token passes, so that the refusals below are about what they change', () => {
  expect(signer.verify(forge(header, claims), ['api'], now)).toEqual(subject)
})

describe('S14 refuses', () => {
  const { sub: _sub, ...withoutSubject } = claims
  const { jti: _jti, ...withoutId } = claims
  const { exp: _exp, ...withoutExpiry } = claims
  const { aud: _aud, ...withoutAudience } = claims
  const { iss: _iss, ...withoutIssuer } = claims
  const { iat: _iat, ...withoutTime } = claims
  const { kid: _kid, ...withoutKeyId } = header
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })

  test.for([
    { name: 'S14 no signature (alg none)', wrong: `${encode({ ...header, alg: 'none' })}.${encode(claims)}.` },
    {
      name: 'S14 alg none with the signature kept',
      wrong: `${encode({ ...header, alg: 'none' })}.${token.split('.').slice(1).join('.')}`,
    },
    { name: 'S14 another HMAC (HS512)', wrong: forge({ ...header, alg: 'HS512' }, claims, 'sha512') },
    { name: 'S14 another HMAC (HS384)', wrong: forge({ ...header, alg: 'HS384' }, claims, 'sha384') },
    {
      name: 'S14 an asymmetric signature',
      wrong: jsonwebtoken.sign(claims, pair.privateKey, { algorithm: 'RS256', keyid: String(header.kid) }),
    },
    { name: 'S14 no expiry', wrong: forge(header, withoutExpiry) },
    { name: 'S14 no subject', wrong: forge(header, withoutSubject) },
    { name: 'S14 a subject that is no key id', wrong: forge(header, { ...claims, sub: 'root' }) },
    { name: 'S14 no token id', wrong: forge(header, withoutId) },
    { name: 'S14 no time of issue', wrong: forge(header, withoutTime) },
    { name: 'S14 no audience', wrong: forge(header, withoutAudience) },
    { name: 'S14 another audience', wrong: forge(header, { ...claims, aud: 'worker' }) },
    { name: 'S14 no generation', wrong: forge(header, { ...claims, gen: undefined }) },
    { name: 'S14 a session in a token that is no browser’s', wrong: forge(header, { ...claims, sid: randomUUID() }) },
    {
      name: 'S14 a browser’s life in a token that is none',
      wrong: forge(header, { ...claims, exp: Number(claims.iat) + sessionIdleSeconds }),
    },
    { name: 'S14 no issuer', wrong: forge(header, withoutIssuer) },
    { name: 'S14 another installation’s token', wrong: forge(header, { ...claims, iss: `mooring:${randomUUID()}` }) },
    {
      name: 'S14 a life longer than ours',
      wrong: forge(header, { ...claims, iat: Number(claims.iat) - 700, exp: Number(claims.exp) + 9_999 }),
    },
    { name: 'S14 no key id', wrong: forge(withoutKeyId, claims) },
    { name: 'S14 an unknown key id', wrong: forge({ ...header, kid: '0011223344556677' }, claims) },
    { name: 'S14 an unknown crit header', wrong: forge({ ...header, crit: ['x'], x: 1 }, claims) },
    {
      name: 'S14 a text as payload',
      wrong: `${encode(header)}.${Buffer.from('text').toString('base64url')}.${sign(`${encode(header)}.${Buffer.from('text').toString('base64url')}`)}`,
    },
    { name: 'S14 a list as payload', wrong: forge(header, [claims]) },
    { name: 'S14 another key', wrong: forge(header, claims, 'sha256', randomBytes(32)) },
    { name: 'S14 the encryption key itself as key', wrong: forge(header, claims, 'sha256', encryptionKey) },
    { name: 'S14 a key of one byte', wrong: forge(header, claims, 'sha256', Buffer.from('a')) },
    { name: 'S14 a cut signature', wrong: token.slice(0, -4) },
    { name: 'S14 an empty signature', wrong: `${token.split('.').slice(0, 2).join('.')}.` },
    { name: 'S14 parts in another order', wrong: token.split('.').reverse().join('.') },
    {
      name: 'S14 a changed claim',
      wrong: [encode(header), encode({ ...claims, sub: randomUUID() }), token.split('.')[2]].join('.'),
    },
    { name: 'S14 more than 4 KiB', wrong: forge(header, { ...claims, padding: 'x'.repeat(4096) }) },
    { name: 'S14 nothing', wrong: '' },
    { name: 'S14 no token', wrong: 'abc' },
    { name: 'S14 four parts', wrong: `${token}.x` },
  ])('$name', ({ wrong }) => {
    expect(signer.verify(wrong, ['api'], now)).toBeUndefined()
  })
})

test('S14 a key that was rotated out still verifies while it is listed', () => {
  const rotated = createTokenSigner({ current: randomBytes(32), old: [encryptionKey] }, instanceId)
  const forgotten = createTokenSigner({ current: randomBytes(32), old: [] }, instanceId)

  expect(rotated.verify(token, ['api'], now)).toEqual(subject)
  expect(forgotten.verify(token, ['api'], now)).toBeUndefined()
})

function part(of: string, index: number): Record<string, unknown> {
  return JSON.parse(Buffer.from(of.split('.')[index] ?? '', 'base64url').toString('utf8'))
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function sign(text: string, hash = 'sha256', key: Buffer = signingKey): string {
  return createHmac(hash, key).update(text).digest('base64url')
}

/** Signed with the right key unless another is given: all but the named detail is right. */
function forge(head: unknown, body: unknown, hash = 'sha256', key: Buffer = signingKey): string {
  const text = `${encode(head)}.${encode(body)}`
  return `${text}.${sign(text, hash, key)}`
}
