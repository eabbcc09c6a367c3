import type { Token } from '../../schemas/api-key.ts'
import { Problem } from '../../schemas/problem.ts'
import { hashApiKeySecret, matchesApiKeySecret } from '../core/api-key-secret.ts'
import { anonymous, type Caller } from '../core/authorise.ts'
import type { Clock } from '../core/clock.ts'
import type { FailureLimiter } from '../core/failure-limiter.ts'
import type { TokenSigner } from '../core/jwt.ts'
import { findLiveApiKey, markApiKeyUsed } from '../store/api-keys.ts'
import type { Database } from '../store/tables.ts'

export interface TokenDependencies {
  readonly db: Database
  readonly clock: Clock
  readonly signer: TokenSigner
  readonly perKey: FailureLimiter
  readonly perAddress: FailureLimiter
}

const anyUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Exchanges an API key for a token (R205). Failures are limited per key and per address (S17); a right secret always
 * passes, so that nobody is locked out by somebody else's guesses.
 */
export async function createToken(
  { db, clock, signer, perKey, perAddress }: TokenDependencies,
  remoteAddress: string,
  { keyId, keySecret }: { readonly keyId: string; readonly keySecret: string },
): Promise<Token> {
  const now = clock.now()
  const key = anyUuid.test(keyId) ? await findLiveApiKey(db, keyId, now) : undefined
  if (!matchesApiKeySecret(keySecret, key?.secret_sha256) || !key) {
    const isKeyOver = perKey.countFailure(hashApiKeySecret(keyId), now)
    const isAddressOver = perAddress.countFailure(remoteAddress, now)
    if (isKeyOver || isAddressOver) {
      throw new Problem('too_many_requests', 'Too many wrong API keys; wait a minute and check id and secret.')
    }
    throw new Problem('invalid_api_key', 'The API key is unknown, revoked or expired, or its secret is another.')
  }
  await markApiKeyUsed(db, key.id, now)
  const { token, expiresAt } = signer.sign(key.id, now)
  return { token, expiresAt: new Date(expiresAt).toISOString() }
}

/** Says whom a token stands for; revocation and role are read from the key, at most five seconds old (S16). */
export interface CallerCache {
  findCaller(keyId: string): Promise<Caller | undefined>
  forget(keyId: string): void
}

const maximumAgeMs = 4_000
const maximumEntries = 10_000

export function createCallerCache(db: Database, clock: Clock): CallerCache {
  const known = new Map<string, { readonly caller: Caller | undefined; readonly until: number }>()
  return {
    findCaller: async (keyId) => {
      const now = clock.now()
      const entry = known.get(keyId)
      if (entry && entry.until > now) return entry.caller
      const key = await findLiveApiKey(db, keyId, now)
      const caller = key && { role: key.role, keyId: key.id, spaceId: key.space_id }
      if (known.size >= maximumEntries) known.clear()
      known.set(keyId, { caller, until: Math.min(now + maximumAgeMs, key?.expires_at ?? Number.POSITIVE_INFINITY) })
      return caller
    },
    forget: (keyId) => {
      known.delete(keyId)
    },
  }
}

/** Gives the caller of an Authorization header; anonymous where there is none, undefined where it names nobody. */
export async function callerOf(
  signer: TokenSigner,
  cache: CallerCache,
  clock: Clock,
  authorization: string | undefined,
): Promise<Caller | undefined> {
  if (authorization === undefined) return anonymous
  const token = /^Bearer ([^\s]+)$/i.exec(authorization)?.[1]
  const verified = token === undefined ? undefined : signer.verify(token, clock.now())
  return verified && cache.findCaller(verified.keyId)
}
