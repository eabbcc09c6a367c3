import { equalValues } from './equality.ts'
import { type Attribute, type Block, type Nested, nestedOf } from './schema.ts'
import { isObject, objectFrom, type Value, type ValueObject } from './value.ts'

/** Where an element is in its collection: nowhere for a single object, and in a set no more than where it happens to stand. */
export type ElementKey = number | string | null

/** Rebuilds every known element of a nested value; null and unknown stay as they are. */
export function mapElements(
  nesting: Nested['nesting'],
  value: Value,
  change: (element: ValueObject, key: ElementKey) => Value,
): Value {
  if (Array.isArray(value)) return value.map((item: Value, index) => (isObject(item) ? change(item, index) : item))
  if (!isObject(value)) return value
  if (nesting === 'single') return change(value, null)
  return objectFrom(Object.entries(value).map(([key, item]) => [key, isObject(item) ? change(item, key) : item]))
}

/** The element of `others` at the same place; for a set the caller says what makes two elements the same one. */
export function findCounterpart(
  nesting: Nested['nesting'],
  others: Value | undefined,
  key: ElementKey,
  matches: (other: ValueObject) => boolean,
): ValueObject | null {
  if (Array.isArray(others)) {
    const items: readonly Value[] = others
    const found = nesting === 'set' ? items.find((item) => isObject(item) && matches(item)) : items[Number(key)]
    return isObject(found) ? found : null
  }
  if (!isObject(others)) return null
  if (nesting === 'single') return others
  const found = typeof key === 'string' && Object.hasOwn(others, key) ? others[key] : null
  return isObject(found) ? found : null
}

/** Everything with attributes of its own inside a block, by name. */
export function nestedParts(block: Block): readonly (readonly [string, Nested])[] {
  const parts = Object.entries(block.attributes).flatMap(([name, attribute]) => {
    const nested = nestedOf(attribute)
    return nested ? [[name, nested] as const] : []
  })
  return [...parts, ...Object.entries(block.blocks ?? {})]
}

/** Whether an element comes from this configured one: they agree on all that the provider does not fill in. */
export function correlates(block: Block, config: ValueObject, planned: ValueObject): boolean {
  const nested = new Map(nestedParts(block))
  return Object.entries(config).every(([name, wanted]) => {
    const attribute = block.attributes[name]
    if (wanted === null) return attribute?.marks.computed || (planned[name] ?? null) === null
    const part = nested.get(name)
    if (part) return nestedCorrelates(part, wanted, planned[name] ?? null)
    return (
      attribute === undefined || attribute.marks.writeOnly || equalValues(wanted, planned[name] ?? null, attribute.type)
    )
  })
}

function nestedCorrelates({ nesting, block }: Nested, config: Value, planned: Value): boolean {
  if (isObject(config) && nesting === 'single') return isObject(planned) && correlates(block, config, planned)
  if (Array.isArray(config)) {
    if (!Array.isArray(planned) || planned.length !== config.length) return false
    return config.every((item: Value, index) => {
      if (!isObject(item)) return true
      return findCounterpart(nesting, planned, index, (other) => correlates(block, item, other)) !== null
    })
  }
  if (!isObject(config)) return !isObject(planned)
  if (!isObject(planned)) return false
  return Object.entries(config).every(([key, item]) => {
    const other = planned[key]
    return !isObject(item) || (isObject(other) && correlates(block, item, other))
  })
}

/** Whether the configuration leaves this attribute to the provider. */
export function isOpen(attribute: Attribute, configured: Value | undefined): boolean {
  const { computed, default: preset } = attribute.marks
  return computed === true && preset === undefined && (configured ?? null) === null
}
