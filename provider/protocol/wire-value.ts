import { Buffer } from 'node:buffer'
import type { Type } from '../framework/type.ts'
import {
  dynamic,
  isDynamic,
  isObject,
  isUnknown,
  objectFrom,
  refinedUnknown,
  unknown,
  type Value,
} from '../framework/value.ts'
import { type MsgpackReader, newMsgpackReader, type Token } from './msgpack-reader.ts'
import { type MsgpackWriter, newMsgpackWriter } from './msgpack-writer.ts'
import { readRefinements, refinedCode, writeRefinements } from './refinements.ts'
import { parseType, typeText } from './type-text.ts'
import { readNumber, writeNumber } from './wire-number.ts'

/** Reads a value of a type from MessagePack, as Terraform's wire format for objects says. */
export function decodeMsgpack(bytes: Uint8Array, type: Type): Value {
  return readValue(newMsgpackReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)), type)
}

/** Writes a value, which must conform to the type; null where it does not say anything. */
export function encodeMsgpack(value: Value, type: Type): Buffer {
  const writer = newMsgpackWriter()
  writeValue(writer, value, type)
  return writer.finish()
}

function readValue(reader: MsgpackReader, type: Type): Value {
  const token = reader.next()
  if (token.kind === 'nil') return null
  if (token.kind === 'extension') {
    return token.code === refinedCode ? refinedUnknown(readRefinements(token.value)) : unknown
  }
  if (typeof type === 'string') return readScalar(reader, token, type)
  if (type[0] === 'object' || type[0] === 'map') {
    if (token.kind !== 'map') throw mismatch(token, type)
    const fields = type[0] === 'object' ? type[1] : undefined
    const every = type[0] === 'map' ? type[1] : undefined
    return objectFrom(
      items(token.count, () => {
        const key = reader.next()
        if (key.kind !== 'string') throw mismatch(key, type)
        const element = every ?? fields?.[key.value]
        if (element === undefined) throw new TypeError(`The schema has no attribute ${JSON.stringify(key.value)}`)
        return [key.value, readValue(reader, element)] as const
      }),
    )
  }
  if (token.kind !== 'array') throw mismatch(token, type)
  if (type[0] === 'tuple') return type[1].map((element) => readValue(reader, element))
  return items(token.count, () => readValue(reader, type[1]))
}

function readScalar(reader: MsgpackReader, token: Token, type: 'string' | 'number' | 'bool' | 'dynamic'): Value {
  if (type === 'string' && token.kind === 'string') return token.value
  if (type === 'bool' && token.kind === 'bool') return token.value
  const number = type === 'number' ? readNumber(token) : undefined
  if (number !== undefined) return number
  if (type === 'dynamic' && token.kind === 'array') {
    const inner = reader.next()
    if (inner.kind !== 'binary' && inner.kind !== 'string') throw mismatch(inner, type)
    const innerType = parseType(inner.value.toString())
    return dynamic(innerType, readValue(reader, innerType))
  }
  throw mismatch(token, type)
}

function items<T>(count: number, read: () => T): T[] {
  const found: T[] = []
  for (let left = count; left > 0; left--) found.push(read())
  return found
}

function mismatch(token: Token, type: Type): TypeError {
  return new TypeError(`Terraform sent ${token.kind} where the type is ${typeText(type)}`)
}

function writeValue(writer: MsgpackWriter, value: Value, type: Type): void {
  if (value === null) writer.nil()
  else if (isUnknown(value)) writeUnknown(writer, value)
  else if (typeof type === 'string') writeScalar(writer, value, type)
  else if (Array.isArray(value)) {
    const elements: readonly Value[] = value
    writer.array(elements.length)
    elements.forEach((element, index) => {
      writeValue(writer, element, type[0] === 'tuple' ? (type[1][index] ?? 'dynamic') : innerType(type))
    })
  } else if (!isObject(value)) throw new TypeError(`A value does not fit the type ${typeText(type)}`)
  else if (type[0] === 'object') {
    const fields = Object.entries(type[1]) // every attribute of the type is there, null or not (trap 7)
    writer.map(fields.length)
    for (const [name, field] of fields) {
      writer.string(name)
      writeValue(writer, value[name] ?? null, field)
    }
  } else {
    const entries = Object.entries(value)
    writer.map(entries.length)
    for (const [key, element] of entries) {
      writer.string(key)
      writeValue(writer, element, innerType(type))
    }
  }
}

function innerType(type: Exclude<Type, string>): Type {
  return type[0] === 'object' || type[0] === 'tuple' ? 'dynamic' : type[1]
}

function writeUnknown(writer: MsgpackWriter, value: Value): void {
  if (isUnknown(value) && value.refinements) writeRefinements(writer, value.refinements)
  else writer.extension(0, Buffer.from([0]))
}

function writeScalar(writer: MsgpackWriter, value: Value, type: 'string' | 'number' | 'bool' | 'dynamic'): void {
  if (type === 'string' && typeof value === 'string') writer.string(value)
  else if (type === 'bool' && typeof value === 'boolean') writer.bool(value)
  else if (type === 'number' && (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string')) {
    writeNumber(writer, value)
  } else if (type === 'dynamic' && isDynamic(value)) {
    writer.array(2)
    writer.binary(Buffer.from(typeText(value.type)))
    writeValue(writer, value.value, value.type)
  } else throw new TypeError(`A value does not fit the type ${type}`)
}
