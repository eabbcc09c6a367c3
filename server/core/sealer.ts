import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** The place of a sealed value; a value that was moved to another place does not open (S41). */
export interface SealedIdentity {
  readonly table: string
  readonly id: string
  readonly column: string
  readonly version?: number
}

/** The keys that may open sealed values, each of 32 bytes; `current` is the one that seals. */
export interface SealerKeys {
  readonly current: Uint8Array
  readonly old: readonly Uint8Array[]
}

export interface Sealer {
  /** Names the key that seals, and tells nothing about it. */
  readonly keyId: string
  seal(identity: SealedIdentity, plaintext: string): string
  /** Gives the plaintext back, or throws an `UnsealError`; never part of it. */
  open(identity: SealedIdentity, sealed: string): string
}

/** A sealed value that cannot be opened. The message names the place and the key that is wanted, never a value. */
export class UnsealError extends Error {
  readonly identity: SealedIdentity
  /** The key that sealed the value, where the value says so. */
  readonly keyId: string | undefined
  constructor(identity: SealedIdentity, keyId: string | undefined, reason: string) {
    super(`The sealed value of ${identity.table}.${identity.column}, row ${identity.id}, ${reason}`)
    this.name = 'UnsealError'
    this.identity = identity
    this.keyId = keyId
  }
}

const format = 'v1'
const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

/**
 * Makes the sealer of secrets at rest (R10, S41): AES-256-GCM, a random 96-bit nonce, the row's identity as
 * additional data. A sealed value reads `v1.<key id>.<nonce, ciphertext and tag in base64url>`.
 */
export function createSealer({ current, old }: SealerKeys): Sealer {
  const keys = new Map([current, ...old].map((key) => [sealingKeyId(key), key]))
  const keyId = sealingKeyId(current)
  return {
    keyId,
    seal: (identity, plaintext) => {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', current, nonce, { authTagLength: tagBytes })
      cipher.setAAD(additionalData(identity))
      const sealed = Buffer.concat([nonce, cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return [format, keyId, sealed.toString('base64url')].join('.')
    },
    open: (identity, sealed) => {
      const parts = /^v1\.([0-9a-f]{16})\.([A-Za-z0-9_-]+)$/.exec(sealed)
      if (!parts) throw new UnsealError(identity, undefined, 'is not in the form of a sealed value.')
      const [, sealedWith = '', text = ''] = parts
      const key = keys.get(sealedWith)
      if (!key)
        throw new UnsealError(identity, sealedWith, `was sealed with the key ${sealedWith}, which is not given.`)
      return decrypt(key, identity, sealedWith, text)
    },
  }
}

/** The id by which a sealing key is known: derived with a label of its own, so that it helps nobody to guess the key. */
export function sealingKeyId(key: Uint8Array): string {
  if (key.byteLength !== keyBytes) throw new Error(`A sealing key has ${keyBytes} bytes, not ${key.byteLength}.`)
  return Buffer.from(hkdfSync('sha256', key, '', 'mooring sealing key id', 8)).toString('hex')
}

function decrypt(key: Uint8Array, identity: SealedIdentity, keyId: string, text: string): string {
  const bytes = Buffer.from(text, 'base64url')
  // Several texts decode to the same bytes where the last character has unused bits; one form alone is ours.
  if (bytes.byteLength < nonceBytes + tagBytes || bytes.toString('base64url') !== text) {
    throw new UnsealError(identity, keyId, 'was cut or changed.')
  }
  // Without authTagLength Node accepts a tag that was cut to 4 bytes (measured on Node 20).
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
  decipher.setAAD(additionalData(identity))
  decipher.setAuthTag(bytes.subarray(-tagBytes))
  try {
    const plaintext = decipher.update(bytes.subarray(nonceBytes, -tagBytes))
    return Buffer.concat([plaintext, decipher.final()]).toString('utf8')
  } catch {
    throw new UnsealError(identity, keyId, 'does not belong to this row, or was changed.')
  }
}

/** JSON keeps the parts apart whatever characters they hold. */
function additionalData({ table, id, column, version }: SealedIdentity): Buffer {
  return Buffer.from(JSON.stringify([table, id, column, version ?? null]))
}
