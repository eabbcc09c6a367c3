import { type Diagnostics, type Path, pathText } from './diagnostics.ts'
import { decimalText } from './numeric.ts'
import { type Block, type Nested, nestedOf } from './schema.ts'
import type { Type } from './type.ts'
import { isDynamic, isObject, isUnknown, type Value, type ValueObject } from './value.ts'

/** What the values of an object may be: a plan may hold unknown ones, a state may not. */
export type Holds = 'plan' | 'state'

/**
 * Makes what provider code returned into a whole object of the block: absent attributes are null, absent blocks empty,
 * write-only attributes null. What has the wrong type becomes null, and an error that says so.
 */
export function conformBlock(
  block: Block,
  object: unknown,
  holds: Holds,
  diagnostics: Diagnostics,
  path: Path,
): ValueObject {
  const given = isRecord(object) ? object : {}
  const result: { [name: string]: Value } = {}
  for (const [name, attribute] of Object.entries(block.attributes)) {
    const here = [...path, { attribute: name }]
    const nested = nestedOf(attribute)
    if (attribute.marks.writeOnly) result[name] = null
    else if (nested) result[name] = conformNested(nested, given[name], holds, diagnostics, here)
    else result[name] = conformValue(attribute.type, given[name], holds, diagnostics, here)
  }
  for (const [name, nested] of Object.entries(block.blocks ?? {})) {
    const value = conformNested(nested, given[name], holds, diagnostics, [...path, { attribute: name }])
    result[name] = value === null && nested.nesting !== 'single' ? [] : value // absent blocks are none, not null
  }
  return result
}

function conformNested(nested: Nested, value: unknown, holds: Holds, diagnostics: Diagnostics, path: Path): Value {
  const { nesting, block } = nested
  if (value === null || value === undefined) return null
  if (isUnknown(value)) return conformValue('dynamic', value, holds, diagnostics, path)
  if (nesting === 'single' && isRecord(value)) return conformBlock(block, value, holds, diagnostics, path)
  if (nesting === 'map' && isRecord(value)) {
    const entries = Object.entries(value)
    return Object.fromEntries(
      entries.map(([key, item]) => [key, conformBlock(block, item, holds, diagnostics, [...path, { key }])]),
    )
  }
  if (nesting !== 'single' && nesting !== 'map' && Array.isArray(value)) {
    return value.map((item: unknown, index) =>
      isUnknown(item)
        ? conformValue('dynamic', item, holds, diagnostics, path)
        : conformBlock(block, item, holds, diagnostics, nesting === 'set' ? path : [...path, { index }]),
    )
  }
  return refuse(nesting, value, diagnostics, path)
}

/** The same for one value of a type. */
export function conformValue(type: Type, value: unknown, holds: Holds, diagnostics: Diagnostics, path: Path): Value {
  if (value === null || value === undefined) return null
  if (isUnknown(value)) {
    if (holds === 'plan') return value
    return refuse('known value', value, diagnostics, path)
  }
  if (type === 'string' && typeof value === 'string') return value
  if (type === 'bool' && typeof value === 'boolean') return value
  if (type === 'number' && isNumber(value)) return value
  if (type === 'dynamic' && isDynamic(value)) return value
  if (typeof type === 'string') return refuse(type, value, diagnostics, path)
  if (type[0] === 'object' && isRecord(value)) {
    const fields = Object.entries(type[1])
    return Object.fromEntries(
      fields.map(([name, field]) => [
        name,
        conformValue(field, value[name], holds, diagnostics, [...path, { attribute: name }]),
      ]),
    )
  }
  if (type[0] === 'map' && isRecord(value)) {
    const entries = Object.entries(value)
    return Object.fromEntries(
      entries.map(([key, item]) => [key, conformValue(type[1], item, holds, diagnostics, [...path, { key }])]),
    )
  }
  if (type[0] !== 'object' && type[0] !== 'map' && Array.isArray(value)) {
    return value.map((item: unknown, index) => {
      const element = type[0] === 'tuple' ? (type[1][index] ?? 'dynamic') : type[1]
      return conformValue(element, item, holds, diagnostics, type[0] === 'set' ? path : [...path, { index }])
    })
  }
  return refuse(type[0], value, diagnostics, path)
}

function isNumber(value: unknown): value is number | bigint | string {
  if (typeof value === 'bigint') return true
  if (typeof value === 'number') return !Number.isNaN(value)
  return typeof value === 'string' && /^-?\d/.test(decimalText(value))
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return isObject(value)
}

/** Never shows the value: it may be a secret. */
function refuse(expected: string, value: unknown, diagnostics: Diagnostics, path: Path): null {
  const got = isUnknown(value) ? 'unknown value' : Array.isArray(value) ? 'array' : typeof value
  diagnostics.error(
    'Provider returned a wrong value',
    `For "${pathText(path)}" the provider returned ${got} where ${expected} is expected. This is a bug in the provider: please report it.`,
    path,
  )
  return null
}
