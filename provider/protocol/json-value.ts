import type { Json } from '../framework/json.ts'
import { parseDecimal } from '../framework/numeric.ts'
import type { Type } from '../framework/type.ts'
import { dynamic, objectFrom, type Value } from '../framework/value.ts'
import { toType } from './type-text.ts'

const stringOrNumber = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const suspicious = /\d{16}|\d\.\d|\d[eE]/

/** Parses JSON without losing a digit: a number that JavaScript would change becomes its decimal text (trap 5). */
export function parseLossless(text: string): Json {
  if (!suspicious.test(text)) return JSON.parse(text)
  return JSON.parse(
    text.replace(stringOrNumber, (token) =>
      token.startsWith('"') || String(Number(token)) === token ? token : `"${token}"`,
    ),
  )
}

/**
 * Reads a value of a type from state JSON. Attributes that the type does not have are dropped, those that are missing are
 * null: state outlives schemas.
 */
export function decodeJson(json: Json | undefined, type: Type): Value {
  if (json === null || json === undefined) return null
  if (typeof type === 'string') return decodeScalar(json, type)
  if (type[0] === 'object') {
    const object = asObject(json, type)
    return Object.fromEntries(Object.entries(type[1]).map(([name, field]) => [name, decodeJson(object[name], field)]))
  }
  if (type[0] === 'map') {
    const element = type[1]
    return objectFrom(Object.entries(asObject(json, type)).map(([key, item]) => [key, decodeJson(item, element)]))
  }
  if (!Array.isArray(json)) throw mismatch(json, type)
  const elements: readonly Json[] = json
  if (type[0] === 'tuple') return type[1].map((element, index) => decodeJson(elements[index], element))
  return elements.map((item) => decodeJson(item, type[1]))
}

function decodeScalar(json: Json, type: 'string' | 'number' | 'bool' | 'dynamic'): Value {
  if (type === 'dynamic') {
    const { type: inner, value } = asObject(json, type)
    const innerType = toType(inner)
    return dynamic(innerType, decodeJson(value, innerType))
  }
  if (type === 'number' && (typeof json === 'number' || typeof json === 'string')) return parseDecimal(String(json))
  if (type === 'string' && typeof json === 'string') return json
  if (type === 'bool' && typeof json === 'boolean') return json
  // Terraform converts primitives when it reads old state, so a changed attribute type needs no upgrader here either.
  if (type === 'string' && typeof json !== 'object') return String(json)
  if (type === 'bool' && (json === 'true' || json === 'false')) return json === 'true'
  throw mismatch(json, type)
}

function asObject(json: Json, type: Type): { readonly [name: string]: Json } {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw mismatch(json, type)
  return json as { readonly [name: string]: Json }
}

function mismatch(json: Json, type: Type): TypeError {
  const kind = Array.isArray(json) ? 'an array' : `a ${typeof json}`
  return new TypeError(`The state has ${kind} where the type is ${typeof type === 'string' ? type : type[0]}`)
}
