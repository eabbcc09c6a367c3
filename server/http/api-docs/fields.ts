import type { Json, JsonObject } from './json-schema.ts'

/** One row of a table of fields. */
export interface Field {
  /** As a path below the body: `repository.projectKey`, `items[].id`. */
  readonly name: string
  readonly type: string
  readonly isRequired: boolean
  readonly description: string
  /** What a value must be like: limits, the words that are allowed, the default. */
  readonly rules: readonly string[]
}

const deepest = 4

/** Lists the fields of a schema and of what is in them, each once, in the order of the schema. */
export function fieldsOf(schema: JsonObject, schemas: JsonObject, prefix = '', depth = 0): Field[] {
  const { shape } = unwrap(schema, schemas)
  const required = (shape.required ?? []) as readonly string[]
  return Object.entries((shape.properties ?? {}) as JsonObject).flatMap(([name, property]) => {
    const path = `${prefix}${name}`
    const own = unwrap(property as JsonObject, schemas)
    const field = {
      name: path,
      type: own.isNullable ? `${own.type} or null` : own.type,
      isRequired: required.includes(name),
      description: own.description,
      rules: own.rules,
    }
    const below = depth < deepest ? fieldsOf(own.shape, schemas, `${path}${own.suffix}.`, depth + 1) : []
    return [field, ...below]
  })
}

/** The type and the rules of a single value. */
export function describeValue(schema: JsonObject, schemas: JsonObject): { type: string; rules: readonly string[] } {
  const { type, isNullable, rules } = unwrap(schema, schemas)
  return { type: isNullable ? `${type} or null` : type, rules }
}

interface Unwrapped {
  /** The object inside, beyond references, lists and null. */
  readonly shape: JsonObject
  readonly type: string
  readonly isNullable: boolean
  readonly suffix: '' | '[]'
  readonly description: string
  readonly rules: readonly string[]
}

function unwrap(given: JsonObject, schemas: JsonObject): Unwrapped {
  const schema = follow(given, schemas)
  const described = String(given.description ?? schema.description ?? '')
  const choices = (schema.anyOf ?? schema.oneOf) as readonly JsonObject[] | undefined
  if (choices) {
    const real = choices.filter(({ type }) => type !== 'null')
    const parts = real.map((choice) => unwrap(choice, schemas))
    const [first] = parts
    return {
      shape: first?.shape ?? {},
      type: [...new Set(parts.map(({ type }) => type))].join(' or '),
      isNullable: real.length < choices.length,
      suffix: first?.suffix ?? '',
      description: described || (first?.description ?? ''),
      rules: [...(first?.rules ?? []), ...rulesOf({ default: schema.default ?? given.default ?? undefinedJson })],
    }
  }
  if (schema.type === 'array') {
    const item = unwrap((schema.items ?? {}) as JsonObject, schemas)
    return {
      shape: item.shape,
      type: `list of ${item.type}`,
      isNullable: false,
      suffix: '[]',
      description: described,
      rules: [...rulesOf(schema), ...item.rules.map((rule) => `each ${rule}`)],
    }
  }
  return {
    shape: schema,
    type: typeOf(schema),
    isNullable: false,
    suffix: '',
    description: described,
    rules: rulesOf({ ...schema, default: given.default ?? schema.default ?? undefinedJson }),
  }
}

/** A key with this value is absent. */
const undefinedJson = null

function follow(schema: JsonObject, schemas: JsonObject): JsonObject {
  const reference = schema.$ref
  if (typeof reference !== 'string') return schema
  return (schemas[reference.slice(reference.lastIndexOf('/') + 1)] ?? {}) as JsonObject
}

function typeOf({ type, format, enum: words, const: only }: JsonObject): string {
  if (words !== undefined || only !== undefined) return 'word'
  if (format === 'date-time') return 'time'
  if (format === 'uuid') return 'UUID'
  if (format === 'uri') return 'URL'
  if (type === 'string') return 'text'
  return typeof type === 'string' ? type : 'any'
}

function rulesOf(schema: JsonObject): string[] {
  const { minLength, maxLength, minimum, maximum, minItems, maxItems, enum: words, const: only } = schema
  return [
    ...range('characters', minLength, maxLength),
    ...range('', minimum, maximum),
    ...range('entries', minItems, maxItems),
    ...(Array.isArray(words) ? [words.map((word: Json) => `\`${String(word)}\``).join(' ')] : []),
    ...(only === undefined || only === null ? [] : [`\`${String(only)}\``]),
    ...(schema.default === undefined || schema.default === null
      ? []
      : [`default \`${JSON.stringify(schema.default)}\``]),
  ]
}

/** zod writes the range of safe integers where there is no other. */
function range(unit: string, least: Json | undefined, most: Json | undefined): string[] {
  const from = typeof least === 'number' && least > Number.MIN_SAFE_INTEGER ? least : undefined
  const to = typeof most === 'number' && most < Number.MAX_SAFE_INTEGER ? most : undefined
  if (from === undefined && to === undefined) return []
  const numbers =
    from === undefined ? `up to ${to}` : to === undefined ? `from ${from}` : from === to ? `${from}` : `${from}–${to}`
  return [`${numbers} ${unit}`.trim()]
}
