import { expect, test } from 'vitest'
import { createApiKeySecret, hashApiKeySecret, matchesApiKeySecret } from '../../../server/core/api-key-secret.ts'

test('S17 a secret has 256 random bits behind the prefix that scanners know', () => {
  const secrets = new Set(Array.from({ length: 100 }, createApiKeySecret))

  expect(secrets.size).toBe(100)
  for (const secret of secrets) expect(secret).toMatch(/^mrg_[A-Za-z0-9_-]{43}$/)
})

test('S17 a secret is stored as its SHA-256, which matches that secret alone', () => {
  const secret = createApiKeySecret()
  const stored = hashApiKeySecret(secret)

  expect(stored).toMatch(/^[0-9a-f]{64}$/)
  expect(matchesApiKeySecret(secret, stored)).toBe(true)
  expect(matchesApiKeySecret(`${secret}x`, stored)).toBe(false)
  expect(matchesApiKeySecret(stored, stored)).toBe(false)
  expect(matchesApiKeySecret('', stored)).toBe(false)
})

test('S17 nothing matches an unknown key, not even the secret whose hash stands in for it', () => {
  expect(matchesApiKeySecret(createApiKeySecret(), undefined)).toBe(false)
  expect(matchesApiKeySecret('', undefined)).toBe(false)
  expect(matchesApiKeySecret('anything', '')).toBe(false)
})
