import type { Token } from '../../schemas/api-key.ts'
import { Problem } from '../../schemas/problem.ts'
import { hashApiKeySecret, matchesApiKeySecret } from '../core/api-key-secret.ts'
import { audienceOfKey } from '../core/audiences.ts'
import type { Clock } from '../core/clock.ts'
import type { FailureLimiter } from '../core/failure-limiter.ts'
import type { TokenSigner } from '../core/jwt.ts'
import { type ApiKeyRow, findLiveApiKey, markApiKeyUsed } from '../store/api-keys.ts'
import type { Database } from '../store/tables.ts'

export interface TokenDependencies {
  readonly db: Database
  readonly clock: Clock
  readonly signer: TokenSigner
  readonly perKey: FailureLimiter
  readonly perAddress: FailureLimiter
}

/** An API key as a caller sends it. */
export interface SentKey {
  readonly keyId: string
  readonly keySecret: string
}

const anyUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Exchanges an API key for a token, whose audience follows from the kind of the key (R205, S15). */
export async function createToken(
  dependencies: TokenDependencies,
  remoteAddress: string,
  sent: SentKey,
): Promise<Token> {
  const key = await verifyApiKey(dependencies, remoteAddress, sent)
  const subject = { keyId: key.id, audience: audienceOfKey(key.role), generation: key.generation, sessionId: null }
  const { token, expiresAt } = dependencies.signer.sign(subject, dependencies.clock.now())
  return { token, expiresAt: new Date(expiresAt).toISOString() }
}

/**
 * Gives the live key that was sent, and notes that it was used. Failures are limited per key and per address (S17); a
 * right secret always passes, so that nobody is locked out by somebody else's guesses.
 */
export async function verifyApiKey(
  { db, clock, perKey, perAddress }: TokenDependencies,
  remoteAddress: string,
  { keyId, keySecret }: SentKey,
): Promise<ApiKeyRow> {
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
  return key
}
