import { Buffer } from 'node:buffer'
import type { Type } from '../framework/type.ts'

/** A type in Terraform's JSON notation, which is ours as well. */
export function typeText(type: Type): string {
  return JSON.stringify(type)
}

export function typeBytes(type: Type): Uint8Array {
  return Buffer.from(typeText(type))
}

/** Reads a type that came over the wire. Throws a TypeError for what is none. */
export function parseType(text: string): Type {
  return toType(JSON.parse(text))
}

/** The same for a type that is parsed already. */
export function toType(json: unknown): Type {
  if (json === 'string' || json === 'number' || json === 'bool' || json === 'dynamic') return json
  if (!Array.isArray(json)) throw new TypeError('Terraform sent an unknown type')
  const [kind, inner]: readonly unknown[] = json
  if (kind === 'list' || kind === 'set' || kind === 'map') return [kind, toType(inner)]
  if (kind === 'tuple' && Array.isArray(inner)) return ['tuple', inner.map(toType)]
  if (kind === 'object' && typeof inner === 'object' && inner !== null) {
    return ['object', Object.fromEntries(Object.entries(inner).map(([name, field]) => [name, toType(field)]))]
  }
  throw new TypeError('Terraform sent an unknown type')
}
