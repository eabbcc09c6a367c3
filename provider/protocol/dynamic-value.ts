import { Buffer } from 'node:buffer'
import type { Json } from '../framework/json.ts'
import type { Type } from '../framework/type.ts'
import { isObject, type Value, type ValueObject } from '../framework/value.ts'
import type { DynamicValue } from './generated/tfplugin6.ts'
import { decodeJson, parseLossless } from './json-value.ts'
import { decodeMsgpack, encodeMsgpack } from './wire-value.ts'

const none = new Uint8Array()

export function decodeDynamicValue(message: DynamicValue | undefined, type: Type): Value {
  if (message && message.msgpack.length > 0) return decodeMsgpack(message.msgpack, type)
  if (message && message.json.length > 0) return decodeJson(parseLossless(Buffer.from(message.json).toString()), type)
  return null
}

/** The same for a whole block, which is an object or null. */
export function decodeBlockValue(message: DynamicValue | undefined, type: Type): ValueObject | null {
  const value = decodeDynamicValue(message, type)
  return isObject(value) ? value : null
}

export function encodeDynamicValue(value: Value, type: Type): DynamicValue {
  return { msgpack: encodeMsgpack(value, type), json: none }
}

/** Private data is ours alone; what cannot be read, of another version perhaps, counts as none. */
export function decodePrivate(bytes: Uint8Array | undefined): { readonly [key: string]: Json } {
  if (!bytes || bytes.length === 0) return {}
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString())
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as { [key: string]: Json }) : {}
  } catch {
    return {}
  }
}

export function encodePrivate(data: { readonly [key: string]: Json }): Uint8Array {
  return Object.keys(data).length === 0 ? none : Buffer.from(JSON.stringify(data))
}
