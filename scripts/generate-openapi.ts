import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi'
import { operations } from '../schemas/api.ts'
import type { Operation } from '../schemas/operation.ts'
import { type ProblemCode, ProblemDocument, problems } from '../schemas/problem.ts'

/** What any operation may answer, whatever its table row says. */
const always: readonly ProblemCode[] = [
  'malformed_request',
  'method_not_allowed',
  'internal_error',
  'database_unavailable',
]

/** Writes docs/openapi.json, the OpenAPI 3.1 document of the API, from the table of operations. */
export async function generateOpenApi(root: string): Promise<void> {
  await mkdir(join(root, 'docs'), { recursive: true })
  await writeFile(join(root, 'docs/openapi.json'), `${JSON.stringify(openApiDocument(), null, 2)}\n`)
}

/** The document as an object. */
export function openApiDocument() {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {}
  for (const [id, operation] of Object.entries(operations) as [string, Operation][]) {
    paths[operation.path] = { ...paths[operation.path], [operation.method.toLowerCase()]: describe(id, operation) }
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Mooring',
      version: 'v1',
      description: 'Connects infrastructure stacks to Bitbucket Data Center. Generated from schemas/api.ts.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: paths as ZodOpenApiPathsObject,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'From POST /api/v1/token.' },
      },
    },
  })
}

function describe(id: string, operation: Operation): ZodOpenApiOperationObject {
  const { response, status } = operation
  return {
    operationId: id,
    summary: operation.summary,
    description: `Permission: ${operation.permission}.`,
    security: operation.permission === 'anyone' ? [] : [{ token: [] }],
    ...(operation.params || operation.query
      ? {
          requestParams: {
            ...(operation.params ? { path: operation.params } : {}),
            ...(operation.query ? { query: operation.query } : {}),
          },
        }
      : {}),
    ...(operation.body
      ? { requestBody: { required: true, content: { 'application/json': { schema: operation.body } } } }
      : {}),
    responses: {
      [`${status}`]: {
        description: status === 204 ? 'Done.' : status === 201 ? 'Created.' : 'The answer.',
        ...(response ? { content: { 'application/json': { schema: response } } } : {}),
      },
      ...Object.fromEntries(failuresOf(operation).map(([code, codes]) => [code, failure(codes)])),
    },
  }
}

function failure(codes: readonly ProblemCode[]) {
  return {
    description: codes.map((code) => `\`${code}\`: ${problems[code].title}.`).join(' '),
    content: { 'application/problem+json': { schema: ProblemDocument } },
  }
}

function failuresOf(operation: Operation): [number, ProblemCode[]][] {
  const codes: ProblemCode[] = [
    ...always,
    'invalid_request', // an unknown query parameter, at least
    ...(operation.permission === 'anyone' ? [] : (['unauthenticated', 'forbidden'] as const)),
    ...(operation.params ? (['route_not_found'] as const) : []),
    ...(operation.body ? (['too_large', 'unsupported_media_type'] as const) : []),
    ...operation.problems,
  ]
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of new Set(codes)) {
    const { status } = problems[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return [...byStatus].sort(([a], [b]) => a - b)
}
