import type * as z from 'zod'
import type { Operation, OperationTable } from './operation.ts'
import type { ProblemCode } from './problem.ts'

/** What follows from the rows of the table of operations, for router, client and OpenAPI alike. */
export interface OperationFacts {
  readonly isWrite: boolean
  /** It answers page by page. */
  readonly isList: boolean
  /**
   * The field of the answer that holds a single object with a version of its own, the ETag (R203); `''` is the answer
   * itself, undefined none.
   */
  readonly objectField: string | undefined
  /** It changes one object that can be read at the same address: a stale If-Match is refused. */
  readonly takesIfMatch: boolean
  readonly takesIdempotencyKey: boolean
  /** Every problem that it can answer. */
  readonly problems: readonly ProblemCode[]
}

/** Gives the facts of every operation, by its name. */
export function operationFacts(operations: OperationTable): ReadonlyMap<string, OperationFacts> {
  const all = Object.values(operations)
  const objects = new Set(all.filter(isReadOfOne).map(({ response }) => nameOf(response)))
  const paths = new Set(all.filter(isReadOfOne).map(({ path }) => path))
  return new Map(Object.entries(operations).map(([id, operation]) => [id, factsOf(operation, objects, paths)]))
}

function factsOf(operation: Operation, objects: ReadonlySet<unknown>, paths: ReadonlySet<string>): OperationFacts {
  const isWrite = operation.method !== 'GET'
  const takesIfMatch = ['PUT', 'PATCH', 'DELETE'].includes(operation.method) && paths.has(operation.path)
  const takesIdempotencyKey = isWrite && !isOpen(operation) && operation.idempotency !== 'refused'
  const facts = {
    isWrite,
    isList: isList(operation),
    objectField: objectField(operation, objects),
    takesIfMatch,
    takesIdempotencyKey,
  }
  return { ...facts, problems: problemsOf(operation, facts) }
}

/** What the row says, and what the router itself answers. */
function problemsOf(
  operation: Operation,
  { isWrite, takesIfMatch, takesIdempotencyKey }: Omit<OperationFacts, 'problems'>,
): ProblemCode[] {
  const codes: ProblemCode[] = [
    'malformed_request',
    'invalid_request', // an unknown query parameter, at least
    'internal_error',
    'database_unavailable',
    'too_many_requests', // to whoever names nobody
    // Of a copy that keeps quiet: whatever would call Bitbucket, make a run or manage a webhook.
    ...(isOpen(operation) ? [] : (['unauthenticated', 'forbidden', 'copy_is_quiet'] as const)),
    ...(isOpen(operation) || !isWrite ? [] : (['foreign_origin', 'csrf_token_wrong', 'json_required'] as const)),
    ...(isWrite && operation.method !== 'DELETE' && !isOpen(operation) ? (['disk_space_low'] as const) : []),
    ...(operation.params ? (['route_not_found'] as const) : []),
    ...(operation.body ? (['too_large', 'unsupported_media_type'] as const) : []),
    ...(takesIfMatch ? (['precondition_failed'] as const) : []),
    ...(takesIdempotencyKey
      ? ([
          'request_in_progress',
          'idempotency_key_reused',
          'idempotency_roles_changed',
          'too_many_idempotency_keys',
        ] as const)
      : []),
    ...operation.problems,
  ]
  return [...new Set(codes)]
}

/** Whether it is called without a token, so that there is nobody whom it could be kept for. */
export function isOpen({ permission }: Operation): boolean {
  return permission === 'anyone' || permission === 'sign-in'
}

function isReadOfOne(operation: Operation): boolean {
  const { method, response, secretFields } = operation
  return method === 'GET' && response !== undefined && !secretFields && !isList(operation)
}

function isList({ response }: Operation): boolean {
  const shape = shapeOf(response)
  return shape !== undefined && 'items' in shape && 'nextCursor' in shape
}

function objectField({ response, secretFields }: Operation, objects: ReadonlySet<unknown>): string | undefined {
  if (response === undefined || secretFields) return undefined
  if (objects.has(nameOf(response))) return ''
  return Object.entries(shapeOf(response) ?? {}).find(([, schema]) => objects.has(nameOf(schema)))?.[0]
}

/** Two schemas with one id describe one thing. */
function nameOf(schema: z.ZodType | undefined): unknown {
  return schema?.meta()?.id ?? schema
}

function shapeOf(schema: z.ZodType | undefined): Readonly<Record<string, z.ZodType>> | undefined {
  return schema && 'shape' in schema ? (schema.shape as Record<string, z.ZodType>) : undefined
}
