import type { Attribute, Block, NestedBlock } from '../../provider/framework/schema.ts'
import { isDynamic, isUnknown, type Value, type ValueObject } from '../../provider/framework/value.ts'

/**
 * Judges plans and states by the rules that Terraform holds providers to, so that a mistake is caught where it is made
 * (R139c). It shares nothing with the framework but the form of schemas and values: even equality is its own.
 */

/** Fails unless the plan is one that Terraform accepts for this configuration and prior state. */
export function assertPlanValid(
  schema: Block,
  change: {
    readonly prior: ValueObject | null
    readonly config: ValueObject | null
    readonly planned: ValueObject | null
  },
): void {
  const { prior, config, planned } = change
  const problems: string[] = []
  if (config === null) {
    if (planned !== null) problems.push('a destroy was planned as something else')
  } else if (planned === null) problems.push('a create or update was planned as a destroy')
  else judgePlannedBlock(schema, { prior, config, planned }, '', problems)
  if (problems.length > 0) throw new Error(`Terraform would refuse this plan:\n${problems.join('\n')}`)
}

/** Fails unless the state after apply keeps every promise of the plan. */
export function assertObjectCompatible(schema: Block, planned: ValueObject | null, actual: ValueObject | null): void {
  const problems: string[] = []
  if (planned === null || actual === null) {
    if (planned !== actual) problems.push(planned ? 'the object is absent' : 'the object is still there')
  } else judgeActualBlock(schema, planned, actual, '', problems)
  if (problems.length > 0) throw new Error(`Terraform would refuse this state:\n${problems.join('\n')}`)
}

interface Change {
  readonly prior: ValueObject | null
  readonly config: ValueObject
  readonly planned: ValueObject
}

function judgePlannedBlock(block: Block, { prior, config, planned }: Change, path: string, problems: string[]): void {
  for (const [name, attribute] of Object.entries(block.attributes)) {
    const values = { prior: prior?.[name] ?? null, config: config[name] ?? null, planned: planned[name] ?? null }
    judgePlannedAttribute(attribute, values, `${path}.${name}`, problems)
  }
  for (const [name, nested] of Object.entries(block.blocks ?? {})) {
    const values = { prior: prior?.[name] ?? null, config: config[name] ?? null, planned: planned[name] ?? null }
    judgePlannedNested(nested.nesting, nested.block, values, `${path}.${name}`, problems)
    if (nested.nesting !== 'single' && values.planned === null) {
      problems.push(`${path}.${name}: absent blocks are an empty list, not null`)
    }
  }
}

interface Values {
  readonly prior: Value
  readonly config: Value
  readonly planned: Value
}

function judgePlannedAttribute(attribute: Attribute, values: Values, path: string, problems: string[]): void {
  const { prior, config, planned } = values
  const { computed, writeOnly } = attribute.marks
  if (writeOnly) {
    if (planned !== null) problems.push(`${path}: a write-only attribute is planned`)
    return
  }
  if (same(planned, config)) return
  if (config === null) {
    if (!computed) problems.push(`${path}: planned, though neither configured nor computed`)
    return
  }
  if (same(planned, prior)) return // the provider sees no change in another spelling
  if (attribute.nested) {
    judgePlannedNested(attribute.nested.nesting, { attributes: attribute.nested.attributes }, values, path, problems)
  } else problems.push(`${path}: planned value is neither the configured one nor the prior one`)
}

function judgePlannedNested(
  nesting: NestedBlock['nesting'] | 'map',
  block: Block,
  { prior, config, planned }: Values,
  path: string,
  problems: string[],
): void {
  if (isUnknown(config) || isUnknown(planned)) {
    if (!(isUnknown(config) && isUnknown(planned))) problems.push(`${path}: unknown on one side only`)
    return
  }
  const [wanted, plans, before] = [elements(config), elements(planned), elements(prior)]
  if (wanted.size !== plans.size) {
    problems.push(`${path}: ${plans.size} elements are planned, ${wanted.size} configured`)
    return
  }
  for (const [key, plan] of plans) {
    const candidates = nesting === 'set' ? [...wanted.values()] : [wanted.get(key) ?? null]
    const priors = nesting === 'set' ? [null, ...before.values()] : [before.get(key) ?? null]
    const attempts = candidates.flatMap((candidate) =>
      priors.map((earlier) => {
        const found: string[] = []
        if (isRecord(candidate) && isRecord(plan)) {
          const change = { prior: isRecord(earlier) ? earlier : null, config: candidate, planned: plan }
          judgePlannedBlock(block, change, `${path}[${key}]`, found)
        } else if (!same(candidate, plan)) found.push(`${path}[${key}]: an element is not the configured one`)
        return found
      }),
    )
    const [best = []] = attempts.sort((a, b) => a.length - b.length)
    problems.push(...best)
  }
}

function judgeActualBlock(
  block: Block,
  planned: ValueObject,
  actual: ValueObject,
  path: string,
  problems: string[],
): void {
  for (const [name, attribute] of Object.entries(block.attributes)) {
    const [plan, found, here] = [planned[name] ?? null, actual[name] ?? null, `${path}.${name}`]
    if (attribute.marks.writeOnly) {
      if (found !== null) problems.push(`${here}: a write-only attribute is in the state`)
    } else judgeActual(plan, found, isSet(attribute), here, problems)
  }
  for (const [name, nested] of Object.entries(block.blocks ?? {})) {
    judgeActual(planned[name] ?? null, actual[name] ?? null, nested.nesting === 'set', `${path}.${name}`, problems)
  }
}

function isSet({ type, nested }: Attribute): boolean {
  return nested ? nested.nesting === 'set' : typeof type !== 'string' && type[0] === 'set'
}

function judgeActual(planned: Value, actual: Value, asSet: boolean, path: string, problems: string[]): void {
  if (isUnknown(planned)) {
    if (holdsUnknown(actual)) problems.push(`${path}: is still unknown`)
    return
  }
  if (planned === null || actual === null || typeof planned !== 'object') {
    if (!same(planned, actual)) problems.push(`${path}: was planned otherwise`)
    return
  }
  if (isDynamic(planned)) {
    judgeActual(planned.value, isDynamic(actual) ? actual.value : null, false, path, problems)
    return
  }
  const [plans, finds] = [elements(planned), elements(actual)]
  if (plans.size !== finds.size) problems.push(`${path}: ${finds.size} elements, ${plans.size} were planned`)
  for (const [key, found] of finds) {
    const candidates = asSet ? [...plans.values()] : [plans.get(key) ?? null]
    const attempts = candidates.map((candidate) => {
      const inner: string[] = []
      judgeActual(candidate, found, false, `${path}[${key}]`, inner)
      return inner
    })
    const [best = [`${path}[${key}]: was not planned`]] = attempts.sort((a, b) => a.length - b.length)
    problems.push(...best)
  }
}

function elements(value: Value): ReadonlyMap<string, Value> {
  if (value === null || typeof value !== 'object') return new Map()
  const isCollection = Array.isArray(value) || isRecord(value)
  return new Map(isCollection ? Object.entries(value) : [])
}

function isRecord(value: Value): value is ValueObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isUnknown(value) && !isDynamic(value)
}

function holdsUnknown(value: Value): boolean {
  return text(value).includes(unknownText)
}

const unknownText = '\u0000unknown'

/** Arrays are compared without order: whether they are sets is for the caller to mind, and lists are never reordered. */
function same(a: Value, b: Value): boolean {
  return text(a) === text(b)
}

function text(value: Value): string {
  if (isUnknown(value)) return unknownText
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number' || typeof value === 'bigint') return `"${value}"` // as decimal text of the same number
  if (typeof value === 'string') return JSON.stringify(value)
  if (isDynamic(value)) return `${JSON.stringify(value.type)}=${text(value.value)}`
  if (Array.isArray(value)) return `[${value.map(text).sort().join()}]`
  const fields = Object.entries(value).filter(([, item]) => item !== null)
  return `{${fields
    .map(([name, item]) => `${JSON.stringify(name)}:${text(item)}`)
    .sort()
    .join()}}`
}
