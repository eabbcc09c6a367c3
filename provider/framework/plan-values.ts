import type { Path } from './diagnostics.ts'
import { canonicalKey, equalValues } from './equality.ts'
import { correlates, type ElementKey, findCounterpart, isOpen, mapElements, nestedParts } from './nested.ts'
import { type Attribute, type Block, blockType, type Nested } from './schema.ts'
import { isObject, isUnknown, unknown, type Value, type ValueObject } from './value.ts'

/** Fills in defaults where the configuration is null, and empties write-only attributes: plan and state never hold them. */
export function withDefaults(block: Block, config: ValueObject, planned: ValueObject): ValueObject {
  const result: { [name: string]: Value } = { ...planned }
  for (const [name, { marks }] of Object.entries(block.attributes)) {
    if (marks.writeOnly) result[name] = null
    else if (marks.default !== undefined && (config[name] ?? null) === null) result[name] = marks.default as Value
  }
  for (const [name, nested] of nestedParts(block)) {
    if ((config[name] ?? null) === null) continue
    result[name] = mapElements(nested.nesting, result[name] ?? null, (element, key) => {
      const configured = configuredElement(nested, config[name], element, key)
      return withDefaults(nested.block, configured, element)
    })
  }
  return result
}

function configuredElement(
  { nesting, block }: Nested,
  config: Value | undefined,
  element: ValueObject,
  key: ElementKey,
) {
  return findCounterpart(nesting, config, key, (other) => correlates(block, other, element)) ?? element
}

/** Keeps the previous spelling of whatever the schema calls equal to it. */
export function keepSpelling(block: Block, previous: ValueObject | null, next: ValueObject): ValueObject {
  if (previous === null) return next
  const result: { [name: string]: Value } = { ...next }
  for (const [name, attribute] of Object.entries(block.attributes)) {
    if (meansTheSame(attribute, previous[name] ?? null, next[name] ?? null)) result[name] = previous[name] ?? null
  }
  for (const [name, nested] of nestedParts(block)) {
    result[name] = mapElements(nested.nesting, result[name] ?? null, (element, key) => {
      const other = findCounterpart(nested.nesting, previous[name], key, (candidate) =>
        equalValues(keepSpelling(nested.block, candidate, element), candidate, blockType(nested.block)),
      )
      return keepSpelling(nested.block, other, element)
    })
  }
  return result
}

function meansTheSame(attribute: Attribute, previous: Value, next: Value): boolean {
  if (!attribute.equal || previous === null || next === null || isUnknown(previous) || isUnknown(next)) return false
  return attribute.equal(previous as never, next as never)
}

/**
 * Settles what the configuration leaves to the provider, once it is clear that something changes: the value of the state
 * stays, unless there is none or the attribute changes with another one that does; then it is unknown.
 */
export function settleComputed(
  block: Block,
  config: ValueObject,
  prior: ValueObject | null,
  planned: ValueObject,
): ValueObject {
  const result: { [name: string]: Value } = { ...planned }
  for (const [name, nested] of nestedParts(block)) {
    const attribute = block.attributes[name]
    if (attribute && isOpen(attribute, config[name])) continue
    result[name] = mapElements(nested.nesting, result[name] ?? null, (element, key) => {
      const configured = configuredElement(nested, config[name], element, key)
      const before = priorElement(nested, prior?.[name], configured, element, key)
      return settleComputed(nested.block, configured, before, element)
    })
  }
  const isStable = (name: string, asked: readonly string[]): boolean => {
    const attribute = block.attributes[name]
    if (prior === null || asked.includes(name)) return prior !== null
    if (!attribute || !isOpen(attribute, config[name])) return isUnchanged(block, name, prior, result)
    const { changesWith } = attribute.marks
    return changesWith !== 'any' && (changesWith ?? []).every((other) => isStable(other, [...asked, name]))
  }
  for (const [name, attribute] of Object.entries(block.attributes)) {
    if (isOpen(attribute, config[name])) result[name] = isStable(name, []) ? (prior?.[name] ?? null) : unknown
  }
  return result
}

function isUnchanged(block: Block, name: string, prior: ValueObject, planned: ValueObject): boolean {
  const type = blockType(block)
  const field = typeof type !== 'string' && type[0] === 'object' ? type[1][name] : undefined
  return field === undefined || equalValues(prior[name] ?? null, planned[name] ?? null, field)
}

/** In lists and sets only an element whose configured part is unchanged is the one that was there before. */
function priorElement(
  nested: Nested,
  prior: Value | undefined,
  config: ValueObject,
  element: ValueObject,
  key: ElementKey,
) {
  const isSame = (other: ValueObject) => sameConfigured(nested.block, config, element, other)
  const found = findCounterpart(nested.nesting, prior, key, isSame)
  return nested.nesting === 'list' && found && !isSame(found) ? null : found
}

function sameConfigured(block: Block, config: ValueObject, planned: ValueObject, prior: ValueObject): boolean {
  const presets = Object.entries(block.attributes).filter(([, { marks }]) => marks.default !== undefined)
  return (
    correlates(block, config, prior) &&
    presets.every(([name, { type }]) => equalValues(planned[name] ?? null, prior[name] ?? null, type))
  )
}

/** The paths whose change replaces the resource. A set's elements have no path: the set itself stands for them. */
export function findReplacements(block: Block, config: ValueObject, prior: ValueObject, planned: ValueObject): Path[] {
  const paths: Path[] = []
  for (const [name, { marks, type }] of Object.entries(block.attributes)) {
    if (!marks.replace || equalValues(prior[name] ?? null, planned[name] ?? null, type)) continue
    if (marks.replace === 'if-configured' && (config[name] ?? null) === null) continue
    paths.push([{ attribute: name }])
  }
  for (const [name, nested] of nestedParts(block)) {
    const inner = findNestedReplacements(nested, config[name] ?? null, prior[name] ?? null, planned[name] ?? null)
    paths.push(...inner.map((path) => [{ attribute: name }, ...path]))
  }
  return paths
}

/** What comes or leaves with its whole element replaces nothing: for that, the collection itself is marked. */
function findNestedReplacements({ nesting, block }: Nested, config: Value, prior: Value, planned: Value): Path[] {
  if (nesting === 'set') return replacesSet(block, prior, planned) ? [[]] : []
  const paths: Path[] = []
  mapElements(nesting, planned, (element, key) => {
    const configured = findCounterpart(nesting, config, key, () => false) ?? element
    const before = findCounterpart(nesting, prior, key, () => false)
    const step = typeof key === 'number' ? [{ index: key }] : key === null ? [] : [{ key }]
    const inner = before ? findReplacements(block, configured, before, element) : []
    paths.push(...inner.map((path) => [...step, ...path]))
    return element
  })
  return paths
}

/** Whether the replacing attributes of a set's elements, taken together, are other ones than before. */
function replacesSet(block: Block, prior: Value, planned: Value): boolean {
  if (prior === null || planned === null) return false
  const names = Object.entries(block.attributes).filter(([, { marks }]) => marks.replace)
  const summary = (value: Value) =>
    (Array.isArray(value) ? value : [])
      .map((item: Value) =>
        names.map(([name, { type }]) => (isObject(item) ? canonicalKey(item[name] ?? null, type) : '')),
      )
      .map((keys) => keys.join())
      .sort()
      .join('\n')
  return names.length > 0 && summary(prior) !== summary(planned)
}
