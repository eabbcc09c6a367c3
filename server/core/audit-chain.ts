import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

/** What of an audit row its place in the chain seals: all of it. */
export interface ChainedRow {
  readonly sequence: number
  readonly id: string
  readonly at: number
  readonly actor: string
  readonly action: string
  readonly object: string
  readonly details: string
  readonly once_key: string | null
}

/** The key of the audit's chain, and the id by which rows name it. */
export interface AuditKey {
  readonly id: string
  readonly key: KeyObject
}

/** The last row of a chain; of an empty one number 0 and `firstMac`. */
export interface AuditHead {
  readonly sequence: number
  readonly mac: string
}

/** What the first row follows. */
export const firstMac = '0'.repeat(64)

/** Makes the chain's key from the random secret of the installation, with labels of its own. */
export function createAuditKey(secret: Uint8Array): AuditKey {
  const derive = (label: string, bytes: number) => Buffer.from(hkdfSync('sha256', secret, '', label, bytes))
  return {
    id: derive('mooring audit key id', 8).toString('hex'),
    key: createSecretKey(derive('mooring audit chain', 32)),
  }
}

/**
 * The row's seal (S71): HMAC-SHA256 over the seal of the row before it and the whole row, in hex. JSON keeps the
 * fields apart whatever they hold.
 */
export function auditMac({ id, key }: AuditKey, previous: string, row: ChainedRow): string {
  const { sequence, at, actor, action, object, details, once_key } = row
  const canonical = JSON.stringify([previous, id, sequence, row.id, at, actor, action, object, details, once_key])
  return createHmac('sha256', key).update(canonical).digest('hex')
}
