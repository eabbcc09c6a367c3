import { createSecretKey, hkdfSync, type KeyObject, randomUUID } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import * as z from 'zod'
import { type Audience, audiences } from './audiences.ts'

const algorithm = 'HS256'
const maximumLength = 4096

/** How long a token lives (R205). */
export const tokenLifetimeSeconds = 600
/** How long a browser may rest before its session ends, and so how long its cookie lives (S19). */
export const sessionIdleSeconds = 1_800

/** What a token says: whose it is, and what it is good for. */
export interface TokenSubject {
  readonly keyId: string
  readonly audience: Audience
  /** The key's generation when the token was made; a higher one of the key ends it (R205). */
  readonly generation: number
  /** The session of a browser; null for every other token. */
  readonly sessionId: string | null
}

export interface TokenKeys {
  /** The encryption key of the installation; the signing key is derived from it with a label of its own. */
  readonly current: Uint8Array
  /** Encryption keys being rotated out, whose tokens still hold. */
  readonly old: readonly Uint8Array[]
}

export interface TokenSigner {
  sign(subject: TokenSubject, now: number): { readonly token: string; readonly expiresAt: number }
  /**
   * Gives what the token says; undefined for whatever is not, in every point, a token that this installation signed
   * for one of these audiences.
   */
  verify(token: string, accepted: readonly Audience[], now: number): TokenSubject | undefined
}

const Claims = z
  .object({
    sub: z.uuid(),
    jti: z.uuid(),
    iat: z.int(),
    exp: z.int(),
    aud: z.enum(audiences),
    gen: z.int().min(1),
    sid: z.uuid().optional(),
  })
  .refine(({ aud, sid, iat, exp }) => (aud === 'ui') === (sid !== undefined) && exp - iat === lifetimeOf(aud))
const Header = z.strictObject({ alg: z.literal(algorithm), typ: z.literal('JWT'), kid: z.string() })

/**
 * Signs and verifies tokens (S14): HS256 alone, issued by this installation for one audience, with key id, token id
 * and expiry. The library's defaults let pass another HMAC, a token without expiry or audience, an unknown
 * `crit` header and a text as payload, so each is demanded here. Times are epoch milliseconds.
 */
export function createTokenSigner({ current, old }: TokenKeys, instanceId: string): TokenSigner {
  const keys = new Map([current, ...old].map((key) => [keyIdOf(key), signingKey(key)]))
  const kid = keyIdOf(current)
  const signing = signingKey(current)
  const issuer = `mooring:${instanceId}`
  return {
    sign: ({ keyId, audience, generation, sessionId }, now) => {
      const iat = Math.floor(now / 1000)
      const exp = iat + lifetimeOf(audience)
      const claims = { sub: keyId, jti: randomUUID(), iat, exp, iss: issuer, aud: audience, gen: generation }
      const token = jsonwebtoken.sign({ ...claims, ...(sessionId === null ? {} : { sid: sessionId }) }, signing, {
        algorithm,
        keyid: kid,
      })
      return { token, expiresAt: exp * 1000 }
    },
    verify: (token, accepted, now) => {
      const [first, ...others] = accepted
      if (token.length > maximumLength || first === undefined) return undefined
      const key = keys.get(unverifiedKeyId(token) ?? '')
      if (!key) return undefined
      try {
        const { header, payload } = jsonwebtoken.verify(token, key, {
          algorithms: [algorithm],
          issuer,
          audience: [first, ...others],
          maxAge: Math.max(...accepted.map(lifetimeOf)),
          clockTimestamp: Math.floor(now / 1000),
          complete: true,
        })
        Header.parse(header)
        const { sub, aud, gen, sid } = Claims.parse(payload)
        return { keyId: sub, audience: aud, generation: gen, sessionId: sid ?? null }
      } catch {
        return undefined
      }
    },
  }
}

function lifetimeOf(audience: Audience): number {
  return audience === 'ui' ? sessionIdleSeconds : tokenLifetimeSeconds
}

/** Says which of our keys to try; believed only after that key has verified the whole token. */
function unverifiedKeyId(token: string): string | undefined {
  try {
    return jsonwebtoken.decode(token, { complete: true })?.header.kid
  } catch {
    return undefined
  }
}

function signingKey(encryptionKey: Uint8Array): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', encryptionKey, '', 'mooring api token', 32)))
}

function keyIdOf(encryptionKey: Uint8Array): string {
  return Buffer.from(hkdfSync('sha256', encryptionKey, '', 'mooring api token key id', 8)).toString('hex')
}
