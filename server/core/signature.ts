import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'

const signatureForm = /^sha256=([0-9a-fA-F]{64})$/
const signatureBytes = 32

/**
 * Reads the value of `X-Hub-Signature`: the 64 hex digits in lower case, or `undefined` for anything that is not
 * exactly `sha256=` and 64 hex digits, upper case accepted: other algorithms, lists, blanks (R31, S6).
 */
export function readSignature(header: string): string | undefined {
  return signatureForm.exec(header)?.[1]?.toLowerCase()
}

/** Whether `signature`, as `readSignature` gives it, is that of these very bytes under the secret (R33). */
export function matchesSignature(secret: KeyObject, body: Uint8Array, signature: string): boolean {
  const expected = createHmac('sha256', secret).update(body).digest()
  const actual = Buffer.from(signature, 'hex')
  // The length of a SHA-256 is no secret, and timingSafeEqual throws on unequal ones.
  return actual.length === signatureBytes && timingSafeEqual(expected, actual)
}
