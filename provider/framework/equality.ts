import { decimalText } from './numeric.ts'
import { equalTypes, type Type } from './type.ts'
import { isDynamic, isObject, isUnknown, type Value } from './value.ts'

/** Whether two values of the type are the same to Terraform: sets have no order, numbers no spelling. */
export function equalValues(a: Value, b: Value, type: Type): boolean {
  if (a === b) return true
  if (isUnknown(a) || isUnknown(b)) return isUnknown(a) && isUnknown(b)
  if (a === null || b === null) return false
  if (typeof type === 'string') return equalScalars(a, b, type)
  if (type[0] === 'set') return equalSets(a, b, type[1])
  if (Array.isArray(a) && Array.isArray(b)) {
    const items: readonly Value[] = b
    return (
      a.length === b.length &&
      a.every((item: Value, index) =>
        equalValues(item, items[index] ?? null, type[0] === 'tuple' ? itemType(type[1], index) : elementType(type)),
      )
    )
  }
  if (!isObject(a) || !isObject(b)) return false
  if (type[0] === 'object') {
    return Object.entries(type[1]).every(([name, field]) => equalValues(a[name] ?? null, b[name] ?? null, field))
  }
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && equalValues(a[key] ?? null, b[key] ?? null, elementType(type)))
  )
}

function equalScalars(a: Value, b: Value, type: 'string' | 'number' | 'bool' | 'dynamic'): boolean {
  if (type === 'number') return isNumeric(a) && isNumeric(b) && decimalText(a) === decimalText(b)
  if (type !== 'dynamic') return a === b
  return isDynamic(a) && isDynamic(b) && equalTypes(a.type, b.type) && equalValues(a.value, b.value, a.type)
}

function isNumeric(value: Value): value is number | bigint | string {
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string'
}

function equalSets(a: Value, b: Value, element: Type): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return false
  const [left, right] = [setKeys(a, element), setKeys(b, element)]
  return left.size === right.size && [...left].every((key) => right.has(key))
}

function setKeys(items: readonly Value[], element: Type): Set<string> {
  return new Set(items.map((item) => canonicalKey(item, element)))
}

/** A text that is the same for two values exactly when `equalValues` says that they are the same. */
export function canonicalKey(value: Value, type: Type): string {
  if (value === null) return 'null'
  if (isUnknown(value)) return '?'
  if (type === 'number' && isNumeric(value)) return decimalText(value)
  if (isDynamic(value)) return `${canonicalType(value.type)}:${canonicalKey(value.value, value.type)}`
  if (typeof type === 'string' || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) {
    const keys = value.map((item: Value, index) =>
      canonicalKey(item, type[0] === 'tuple' ? itemType(type[1], index) : elementType(type)),
    )
    return `[${(type[0] === 'set' ? [...new Set(keys)].sort() : keys).join()}]`
  }
  const fields = Object.entries(value).map(([key, item]: [string, Value]) => {
    const field = type[0] === 'object' ? (type[1][key] ?? 'dynamic') : elementType(type)
    return `${JSON.stringify(key)}:${canonicalKey(item, field)}`
  })
  return `{${fields.sort().join()}}`
}

function canonicalType(type: Type): string {
  if (typeof type === 'string') return type
  if (type[0] === 'tuple') return `(${type[1].map(canonicalType).join()})`
  if (type[0] !== 'object') return `${type[0]}(${canonicalType(type[1])})`
  const fields = Object.entries(type[1]).map(([name, field]) => `${JSON.stringify(name)}=${canonicalType(field)}`)
  return `{${fields.sort().join()}}`
}

/** The element type of a list, set or map. */
export function elementType(type: Type): Type {
  return typeof type !== 'string' && type[0] !== 'object' && type[0] !== 'tuple' ? type[1] : 'dynamic'
}

function itemType(items: readonly Type[], index: number): Type {
  return items[index] ?? 'dynamic'
}
