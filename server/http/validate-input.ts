import type { Request } from 'express'
import * as z from 'zod'
import type { OperationId, OperationInput } from '../../schemas/api.ts'
import type { Operation } from '../../schemas/operation.ts'
import { type FieldError, Problem } from '../../schemas/problem.ts'

/** Writes where a field stands. */
type WritePointer = (path: readonly PropertyKey[]) => string

/**
 * Validates path, query and body by the operation's schemas. Every wrong field is named at once, unknown ones
 * included (R204): in the body by JSON pointer, in the query as `?name`.
 */
export function validateInput<Id extends OperationId>(operation: Operation, request: Request): OperationInput<Id> {
  const params = operation.params?.safeParse(request.params)
  if (params?.success === false) {
    const wrong = Object.values(request.params).join('/')
    throw new Problem('route_not_found', `"${wrong}" is no id: ${params.error.issues[0]?.message ?? 'wrong form'}.`)
  }
  const query = (operation.query ?? z.object({})).strict().safeParse({ ...request.query })
  const body = operation.body?.safeParse(request.body)
  const errors = onePerField([
    ...(query.error?.issues ?? []).flatMap((issue) => fieldErrors(issue, queryPointer)),
    ...(query.success ? unstorable(query.data, queryPointer) : []),
    ...(body?.error?.issues ?? []).flatMap((issue) => fieldErrors(issue, jsonPointer)),
    ...(body?.success ? unstorable(body.data, jsonPointer) : []),
  ])
  if (errors.length > 0) {
    const fields = errors.map(({ pointer, detail }) => `${pointer || 'body'}: ${detail}`).slice(0, 10)
    throw new Problem('invalid_request', `The request is not valid. ${fields.join('; ')}.`, { errors })
  }
  // The schemas that the type is made from have just been applied.
  return { params: params?.data, query: query.data, body: body?.data } as unknown as OperationInput<Id>
}

/**
 * Texts that no database keeps as they are: with a NUL, or half of a character. They are refused, not mended (R211).
 * It is asked of what the schemas have let through, which is never deep.
 */
function unstorable(value: unknown, write: WritePointer, path: readonly PropertyKey[] = []): FieldError[] {
  if (typeof value === 'string') {
    const isPlain = !/[\0\p{Cs}]/u.test(value)
    return isPlain ? [] : [{ pointer: write(path), detail: 'expected no NUL and no half of a character' }]
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, part]) => unstorable(part, write, [...path, key]))
}

/** A field that breaks several rules has one entry: the first tells what to put right. */
function onePerField(errors: readonly FieldError[]): FieldError[] {
  return [...new Map([...errors].reverse().map((error) => [error.pointer, error])).values()].reverse()
}

function fieldErrors(issue: z.core.$ZodIssue, write: WritePointer): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ pointer: write([...issue.path, key]), detail: 'unknown field' }))
  }
  return [{ pointer: write(issue.path), detail: issue.message }]
}

/** `?ids` for whatever is wrong in `ids`. */
function queryPointer([name]: readonly PropertyKey[]): string {
  return `?${String(name)}`
}

function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
