import { hkdfSync } from 'node:crypto'

/** Derives a key of 32 bytes for one purpose from the encryption key; no purpose's key tells anything about another. */
export function deriveKey(encryptionKey: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', encryptionKey, '', `mooring ${purpose}`, 32))
}
