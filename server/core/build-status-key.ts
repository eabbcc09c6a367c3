import { createHash } from 'node:crypto'

/** The longest key that Bitbucket takes. */
const longestKey = 255

/**
 * The key under which a stack's runs of one type report to a commit (R91): `mooring/<stack>/<type>`; one that would
 * be too long for Bitbucket keeps its first 200 characters and 16 digits of its SHA-256.
 */
export function buildStatusKey(stackSlug: string, runType: string): string {
  const key = `mooring/${stackSlug}/${runType.toLowerCase()}`
  if (key.length <= longestKey) return key
  return `${key.slice(0, 200)}-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`
}
