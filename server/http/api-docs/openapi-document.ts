import type * as z from 'zod'
import { operations } from '../../../schemas/api.ts'
import { type ApiExample, apiExamples } from '../../../schemas/api-examples.ts'
import { apiRevision } from '../../../schemas/meta.ts'
import type { Operation } from '../../../schemas/operation.ts'
import { type OperationFacts, operationFacts } from '../../../schemas/operation-facts.ts'
import { type ProblemCode, ProblemDocument, problems } from '../../../schemas/problem.ts'
import { csrfHeaderName, sessionCookieName } from '../../../schemas/session.ts'
import { surfacesOf } from '../../core/audiences.ts'
import { createSchemaWriter, type Json, type JsonObject, type SchemaWriter } from './json-schema.ts'
import { permissionWords, tagOf, tagOrder, tags } from './words.ts'

/** Makes the OpenAPI 3.1 document of the API from the table of operations. */
export function openApiDocument(): JsonObject {
  const writer = createSchemaWriter()
  const facts = operationFacts(operations)
  const paths: Record<string, Record<string, Json>> = {}
  for (const [id, operation] of Object.entries(operations) as [string, Operation][]) {
    const factsOfIt = facts.get(id) as OperationFacts
    const described = describe(writer, id, operation, factsOfIt)
    paths[operation.path] = { ...paths[operation.path], [operation.method.toLowerCase()]: described }
  }
  const { document, components } = writer.finish({ paths })
  return {
    openapi: '3.1.0',
    info: {
      title: 'Mooring',
      version: `v1.${apiRevision}`,
      description:
        'Connects infrastructure stacks to Bitbucket Data Center. JSON over HTTP, described by this document; the guide is docs/api.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The server that serves this document.' }],
    tags: usedTags(),
    ...document,
    components: { schemas: components, securitySchemes, headers },
  }
}

const securitySchemes: JsonObject = {
  token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'From POST /api/v1/token.' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: sessionCookieName,
    description: `A browser’s session. A write needs the session’s CSRF token in ${csrfHeaderName} as well.`,
  },
}

const headers: JsonObject = {
  RequestId: {
    description: 'The id of this request, also in the server’s log.',
    schema: { type: 'string', format: 'uuid' },
  },
  ETag: {
    description: 'The version of the object: for If-Match of a change, and If-None-Match of a read.',
    schema: { type: 'string' },
  },
  IdempotencyReplayed: {
    description: 'Present where this is what an earlier request with the same Idempotency-Key was answered.',
    schema: { type: 'string', const: 'true' },
  },
  RetryAfter: { description: 'When to try again, in seconds.', schema: { type: 'integer' } },
}

function usedTags(): JsonObject[] {
  const used = new Set((Object.values(operations) as Operation[]).map(({ path }) => tagOf(path)))
  const known = tags.filter(({ description }) => description !== '')
  const names = [...new Set([...tagOrder, ...used])].filter((name) => used.has(name))
  return names.map((name) => ({ name, description: known.find((tag) => tag.name === name)?.description ?? `${name}.` }))
}

function describe(writer: SchemaWriter, id: string, operation: Operation, facts: OperationFacts): JsonObject {
  const example = apiExamples.find(({ operation: name }) => name === id)
  const parameters = parametersOf(writer, operation, facts, example)
  const audiences = surfacesOf(operation.permission)
  return {
    operationId: id,
    tags: [tagOf(operation.path)],
    summary: operation.summary,
    description: [permissionWords[operation.permission], operation.description].filter(Boolean).join('\n\n'),
    security: [
      ...(audiences.some((audience) => audience !== 'ui') ? [{ token: [] }] : []),
      ...(audiences.includes('ui') ? [{ session: [] }] : []),
    ],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(operation.body
      ? {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: writer.write(operation.body, 'input'),
                ...(example?.body === undefined ? {} : { example: example.body as Json }),
              },
            },
          },
        }
      : {}),
    responses: {
      [`${operation.status}`]: success(writer, operation, facts, example),
      ...(facts.objectField === '' && !facts.isWrite
        ? { '304': { description: 'If-None-Match names this version.' } }
        : {}),
      ...Object.fromEntries(failuresOf(facts).map(([status, codes]) => [`${status}`, failure(writer, codes)])),
    },
  }
}

function parametersOf(
  writer: SchemaWriter,
  { params, query }: Operation,
  facts: OperationFacts,
  example: ApiExample | undefined,
): JsonObject[] {
  const header = (name: string, description: string, schema: JsonObject = { type: 'string' }): JsonObject => ({
    name,
    in: 'header',
    required: false,
    description,
    schema,
  })
  return [
    ...(params ? fields(writer, params, 'path', example?.params) : []),
    ...(query ? fields(writer, query, 'query', example?.query) : []),
    ...(facts.takesIdempotencyKey
      ? [
          header(
            'Idempotency-Key',
            'Drawn anew for each request: repeated with the same key within 24 hours it happens once, and is answered as the first time.',
            { type: 'string', minLength: 1, maxLength: 64 },
          ),
        ]
      : []),
    ...(facts.takesIfMatch
      ? [
          header(
            'If-Match',
            'The ETag of the version that you have read: another one is not changed, but answered 412.',
          ),
        ]
      : []),
    ...(facts.objectField === '' && !facts.isWrite
      ? [
          header(
            'If-None-Match',
            'The ETag of the version that you hold: the same one is answered 304, without a body.',
          ),
        ]
      : []),
  ]
}

function fields(
  writer: SchemaWriter,
  object: z.ZodObject,
  place: 'path' | 'query',
  examples: Readonly<Record<string, unknown>> = {},
): JsonObject[] {
  const written = writer.write(object, 'input')
  const required = (written.required ?? []) as readonly string[]
  return Object.entries((written.properties ?? {}) as JsonObject).map(([name, property]) => {
    const { description, ...schema } = property as JsonObject
    const given = examples[name]
    const example = schema.type === 'integer' && given !== undefined ? Number(given) : given
    return {
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema,
      ...(example === undefined ? {} : { example: example as Json }),
    }
  })
}

function success(
  writer: SchemaWriter,
  { status, response, secretFields }: Operation,
  facts: OperationFacts,
  example: ApiExample | undefined,
): JsonObject {
  const reference = (name: string): JsonObject => ({ $ref: `#/components/headers/${name}` })
  const schema = response && writer.write(response, 'output')
  const shown = schema && secretFields && facts.takesIdempotencyKey ? { anyOf: [schema, withoutSecret] } : schema
  return {
    description: status === 204 ? 'Done.' : status === 201 ? 'Created.' : 'The answer.',
    headers: {
      'X-Request-Id': reference('RequestId'),
      ...(facts.objectField === undefined ? {} : { ETag: reference('ETag') }),
      ...(facts.takesIdempotencyKey ? { 'Idempotency-Replayed': reference('IdempotencyReplayed') } : {}),
    },
    ...(shown
      ? {
          content: {
            'application/json': {
              schema: shown,
              ...(example?.answer === undefined ? {} : { example: example.answer as Json }),
            },
          },
        }
      : {}),
  }
}

const withoutSecret: JsonObject = {
  type: 'object',
  description:
    'A repeated request with the same Idempotency-Key: the same answer without the secret, which was shown once.',
  properties: { secretShown: { type: 'boolean', const: true } },
  required: ['secretShown'],
}

function failure(writer: SchemaWriter, codes: readonly ProblemCode[]): JsonObject {
  const waits = codes.some((code) => code === 'request_in_progress' || problems[code].status === 429)
  return {
    description: codes.map((code) => `\`${code}\`: ${problems[code].title}.`).join(' '),
    ...(waits ? { headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } } : {}),
    content: { 'application/problem+json': { schema: writer.write(ProblemDocument, 'output') } },
  }
}

function failuresOf(facts: OperationFacts): [number, ProblemCode[]][] {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of facts.problems) {
    const { status } = problems[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return [...byStatus].sort(([a], [b]) => a - b)
}
