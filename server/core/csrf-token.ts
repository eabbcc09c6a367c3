import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { TokenKeys } from './jwt.ts'

/** The CSRF tokens of sessions (S19): a page of ours reads it and sends it back; another site can do neither. */
export interface CsrfTokens {
  tokenOf(sessionId: string): string
  matches(sessionId: string, token: string): boolean
}

/** Makes each session's token from its id, so that there is nothing to store, and compares in constant time. */
export function createCsrfTokens({ current, old }: TokenKeys): CsrfTokens {
  const keys = [current, ...old].map((key) => Buffer.from(hkdfSync('sha256', key, '', 'mooring csrf token', 32)))
  const digests = (sessionId: string) => keys.map((key) => createHmac('sha256', key).update(sessionId).digest())
  return {
    tokenOf: (sessionId) => (digests(sessionId)[0] ?? Buffer.alloc(0)).toString('base64url'),
    matches: (sessionId, token) => {
      const actual = Buffer.from(token, 'base64url')
      return digests(sessionId).some(
        (expected) => expected.length === actual.length && timingSafeEqual(expected, actual),
      )
    },
  }
}
