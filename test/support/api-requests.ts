import * as fc from 'fast-check'
import * as z from 'zod'
import { type OperationId, operations } from '../../schemas/api.ts'
import type { Operation } from '../../schemas/operation.ts'

/** A request as it is sent: parameters of the path, query as written, and a body that is any JSON. */
export interface ArbitraryRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string | readonly string[]>>
  readonly body: unknown
}

/**
 * Ids of objects that exist, by the field that names them: `spaceId`, `integrationId`; `id:/api/v1/stacks/{id}` for the
 * parameter of a path. A field that is not here gets made-up values of its form.
 */
export type ExistingIds = Readonly<Record<string, readonly string[]>>

type JsonSchema = Readonly<Record<string, unknown>>

interface Known {
  readonly ids: ReadonlyMap<string, readonly string[]>
  /** How often, against nine times an existing object, one is named that does not exist. */
  readonly absentWeight: number
}

/**
 * Makes requests of an operation from its schemas, about existing objects where there are any. Of a hundred
 * `spoiltShare` are wrong in one place, the others as the schemas want them; with none wrong, none names an object that
 * does not exist, either.
 */
export function arbitraryRequest(
  id: OperationId,
  existing: ExistingIds,
  spoiltShare: number,
): fc.Arbitrary<ArbitraryRequest> {
  const operation: Operation = operations[id]
  const ids = new Map(Object.entries(existing))
  const pathIds = ids.get(`id:${operation.path}`)
  if (pathIds) ids.set('id', pathIds)
  else ids.delete('id')
  const known: Known = { ids, absentWeight: spoiltShare === 0 ? 0 : 1 }
  const right = fc.record({
    params: objectOf(operation.params, known) as fc.Arbitrary<Record<string, string>>,
    query: objectOf(operation.query, known).map(asQuery),
    body: operation.body
      ? madeFrom(schemaOf(operation.body), '', known).map((body) => (id === 'createApiKey' ? ofOneKind(body) : body))
      : fc.constant(undefined),
  })
  return fc
    .tuple(right, fc.noBias(fc.nat(99)), hostileValue, fc.nat(1_000))
    .map(([request, luck, value, place]) => (luck < spoiltShare ? spoil(request, value, place) : request))
}

const hostileText = fc.oneof(
  fc.constantFrom('', ' ', '\0', '..', '%00', '__proto__', 'constructor', "' or 1=1", '\u202e', '-1', '1e400', 'null'),
  fc.constantFrom('a'.repeat(5_000), '0190a0a0-0000-7000-8000-000000000001', '2024-01-01T00:00:00Z'),
  fc.string({ unit: 'binary', maxLength: 20 }),
)
const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom(0, -1, 1.5, 2 ** 31, 2 ** 53, 1e308, true, null, [], {}, [[]], { a: { b: [] } }),
)

function spoil(request: ArbitraryRequest, value: unknown, place: number): ArbitraryRequest {
  const { body, query } = request
  const fields = typeof body === 'object' && body !== null ? [...Object.keys(body), 'unknownField'] : []
  const parameters = [...Object.keys(query), 'unknown']
  if (fields.length > 0 && place % 2 === 0) {
    return { ...request, body: { ...(body as object), [fields[place % fields.length] ?? '']: value } }
  }
  const text = String(value).replace(/\p{Cs}/gu, '')
  return { ...request, query: { ...query, [parameters[place % parameters.length] ?? '']: text } }
}

/** A key is a user's or a service's, and only a registrar's is narrowed. */
function ofOneKind(body: unknown): unknown {
  const { userId, integrationIds, ...rest } = body as Record<string, unknown>
  if (typeof userId === 'string') return { ...rest, userId, role: null }
  const role = rest.role ?? 'reader'
  return { ...rest, role, ...(role === 'webhook-registrar' && integrationIds ? { integrationIds } : {}) }
}

/** Text, a list, or a choice of them and null: what has a special value by its name. */
function isPlain({ type, anyOf }: JsonSchema): boolean {
  if (Array.isArray(anyOf)) return anyOf.every((choice: JsonSchema) => choice.type === 'null' || isPlain(choice))
  return type === 'string' || type === 'array'
}

function schemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
}

function objectOf(schema: z.ZodObject | undefined, known: Known): fc.Arbitrary<Record<string, unknown>> {
  if (!schema) return fc.constant({})
  return madeFrom(schemaOf(schema), '', known) as fc.Arbitrary<Record<string, unknown>>
}

function asQuery(query: Readonly<Record<string, unknown>>): Record<string, string | readonly string[]> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, Array.isArray(value) ? value.map(String) : String(value)]),
  )
}

/** What a schema's refinements want beyond its form, by the name of the field. */
const byName: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  name: fc.nat(1e9).map((number) => `name-${number}`),
  slug: fc.nat(1e9).map((number) => `slug-${number}`),
  apiHost: fc.constantFrom('https://bitbucket.invalid', 'https://bitbucket.invalid/context'),
  userFacingHost: fc.constantFrom('https://bitbucket.invalid', 'https://people.invalid'),
  caCertPem: fc.constant(null),
  accessToken: fc.constant('an-http-access-token'),
  administrationToken: fc.constant('an-http-access-token'),
  bitbucketToken: fc.constant('an-http-access-token'),
  repositoryAccess: fc.constantFrom(null, [], [{ spaceId: 'root', repositories: ['INFRA/*'] }]),
  projectKey: fc.constantFrom('INFRA', '~ada'),
  project: fc.constantFrom('INFRA', '~ada'),
  repositorySlug: fc.constantFrom('network', 'dns'),
  repository: fc.constantFrom('INFRA/network', 'INFRA/dns'),
  repositories: fc.constantFrom(['INFRA/*'], ['INFRA/network', '**']),
  branch: fc.constantFrom('main', 'topic/one'),
  projectRoot: fc.constantFrom('', 'live', 'live/network'),
  path: fc.constantFrom('', 'live'),
  labels: fc.uniqueArray(fc.constantFrom('a', 'b:c', '__proto__', 'ä'), { maxLength: 3 }),
  secret: fc.constant(undefined),
  cursor: fc.constant(undefined),
  ids: fc.constantFrom('a', 'a,b', 'root'),
  expiresAt: fc.constantFrom(null, '2999-01-01T00:00:00Z'),
  since: fc.constant('2024-01-01T00:00:00Z'),
}

function madeFrom(schema: JsonSchema, name: string, known: Known, root: JsonSchema = schema): fc.Arbitrary<unknown> {
  const ids = known.ids.get(name)
  const fits = schema.type === 'string' || Array.isArray(schema.anyOf)
  if (ids && ids.length > 0 && fits) {
    return fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...ids) },
      { weight: known.absentWeight, arbitrary: fallback() },
    )
  }
  const special = byName[name]
  if (special && isPlain(schema)) return special
  return fallback()

  function fallback(): fc.Arbitrary<unknown> {
    if (typeof schema.$ref === 'string') {
      const definition = (root.$defs as Record<string, JsonSchema> | undefined)?.[schema.$ref.replace('#/$defs/', '')]
      return madeFrom(definition ?? {}, name, known, root)
    }
    const choices = (schema.anyOf ?? schema.oneOf) as readonly JsonSchema[] | undefined
    if (choices) return fc.oneof(...choices.map((choice) => madeFrom(choice, `${name}?`, known, root)))
    if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]))
    if (schema.const !== undefined) return fc.constant(schema.const)
    switch (schema.type) {
      case 'object':
        return objectFrom(schema, known, root)
      case 'array': {
        const [minLength, most] = [Number(schema.minItems ?? 0), Number(schema.maxItems ?? 3)]
        const item = madeFrom((schema.items ?? {}) as JsonSchema, name, known, root)
        return fc.uniqueArray(item, {
          minLength,
          maxLength: Math.max(minLength, Math.min(most, 2)),
          selector: (one) => JSON.stringify(one),
        })
      }
      case 'integer':
      case 'number':
        return fc.integer({
          min: Math.max(Number(schema.minimum ?? 0), -(2 ** 31)),
          max: Math.min(Number(schema.maximum ?? 1_000), 2 ** 31 - 1),
        })
      case 'boolean':
        return fc.boolean()
      case 'null':
        return fc.constant(null)
      default:
        return textFrom(schema)
    }
  }
}

function objectFrom(schema: JsonSchema, known: Known, root: JsonSchema): fc.Arbitrary<unknown> {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>)
  const required = (schema.required ?? []) as string[]
  const parts = Object.fromEntries(properties.map(([name, part]) => [name, madeFrom(part, name, known, root)]))
  return fc
    .record(parts, { requiredKeys: required })
    .map((value) => Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)))
}

function textFrom({ format, pattern, minLength, maxLength }: JsonSchema): fc.Arbitrary<unknown> {
  if (format === 'uuid') return fc.uuid({ version: 7 })
  if (format === 'date-time') return fc.constantFrom('2024-01-01T00:00:00Z', '2999-01-01T00:00:00Z')
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern), { size: 'small' })
  const least = Number(minLength ?? 0)
  return fc
    .string({ minLength: least, maxLength: Math.max(least, Math.min(Number(maxLength ?? 20), 20)) })
    .map((text) => text.trim().padEnd(least, 'x'))
}
