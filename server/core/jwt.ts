import { createSecretKey, hkdfSync, type KeyObject, randomUUID } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import * as z from 'zod'

const algorithm = 'HS256'
const audience = 'api'
const maximumLength = 4096

/** How long a token lives (R205). */
export const tokenLifetimeSeconds = 600

export interface TokenKeys {
  /** The encryption key of the installation; the signing key is derived from it with a label of its own. */
  readonly current: Uint8Array
  /** Encryption keys being rotated out, whose tokens still hold. */
  readonly old: readonly Uint8Array[]
}

export interface TokenSigner {
  sign(keyId: string, now: number): { readonly token: string; readonly expiresAt: number }
  /** Gives the API key's id; undefined for whatever is not, in every point, a token that this installation signed. */
  verify(token: string, now: number): { readonly keyId: string } | undefined
}

const Claims = z.object({ sub: z.uuid(), jti: z.uuid(), iat: z.int(), exp: z.int() })
const Header = z.strictObject({ alg: z.literal(algorithm), typ: z.literal('JWT'), kid: z.string() })

/**
 * Signs and verifies the API's tokens (S14): HS256 alone, issued by this installation for the API, with key id,
 * token id and expiry. The library's defaults let pass another HMAC, a token without expiry or audience, an unknown
 * `crit` header and a text as payload, so each is demanded here. Times are epoch milliseconds.
 */
export function createTokenSigner({ current, old }: TokenKeys, instanceId: string): TokenSigner {
  const keys = new Map([current, ...old].map((key) => [keyIdOf(key), signingKey(key)]))
  const kid = keyIdOf(current)
  const issuer = `mooring:${instanceId}`
  return {
    sign: (keyId, now) => {
      const iat = Math.floor(now / 1000)
      const exp = iat + tokenLifetimeSeconds
      const claims = { sub: keyId, jti: randomUUID(), iat, exp, iss: issuer, aud: audience }
      const token = jsonwebtoken.sign(claims, signingKey(current), { algorithm, keyid: kid })
      return { token, expiresAt: exp * 1000 }
    },
    verify: (token, now) => {
      if (token.length > maximumLength) return undefined
      const key = keys.get(unverifiedKeyId(token) ?? '')
      if (!key) return undefined
      try {
        const { header, payload } = jsonwebtoken.verify(token, key, {
          algorithms: [algorithm],
          issuer,
          audience,
          maxAge: tokenLifetimeSeconds,
          clockTimestamp: Math.floor(now / 1000),
          complete: true,
        })
        Header.parse(header)
        return { keyId: Claims.parse(payload).sub }
      } catch {
        return undefined
      }
    },
  }
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
