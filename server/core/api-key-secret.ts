import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** In front of every secret that we make, so that secret scanners know it (S17). */
const prefix = 'mrg_'

const digestOfNothing = Buffer.alloc(32)

/** Makes the secret of an API key: 256 random bits. */
export function createApiKeySecret(): string {
  return prefix + randomBytes(32).toString('base64url')
}

/** The form in which the secret is stored: SHA-256 in hex. A slow hash would add nothing to 256 random bits. */
export function hashApiKeySecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/**
 * Whether the secret is the stored one, in constant time. For an unknown key, `storedHash` undefined, the same work
 * is done, so that the time tells nothing about which keys exist.
 */
export function matchesApiKeySecret(secret: string, storedHash: string | undefined): boolean {
  const expected = storedHash === undefined ? digestOfNothing : Buffer.from(storedHash, 'hex')
  const actual = createHash('sha256').update(secret).digest()
  const isEqual = expected.length === actual.length && timingSafeEqual(expected, actual)
  return isEqual && storedHash !== undefined
}
