import { createHash } from 'node:crypto'

/** The longest key that Bitbucket takes. */
const longestKey = 255

/**
 * The key under which a stack's runs of one type report to a commit (R91): `mooring/<stack>/<type>`, a module's
 * `mooring/module/<module>/<type>`, since a stack may have the same slug. One that would be too long for Bitbucket
 * keeps its first 200 characters and 16 digits of its SHA-256.
 */
export function buildStatusKey(slug: string, runType: string, kind: 'stack' | 'module' = 'stack'): string {
  const key = `mooring/${kind === 'module' ? 'module/' : ''}${slug}/${runType.toLowerCase()}`
  if (key.length <= longestKey) return key
  return `${key.slice(0, 200)}-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`
}
