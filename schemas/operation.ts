import type * as z from 'zod'
import type { ProblemCode } from './problem.ts'

/**
 * What a caller must be allowed to do. `anyone` needs no token; `api-keys:create` is the bootstrap key's
 * one right; `webhooks` is the registrar's, in the spaces of its role; `administer` is a root admin's.
 * A root admin may do everything.
 */
export type Permission = 'anyone' | 'api-keys:create' | 'webhooks' | 'administer'

/** One operation of the HTTP API: router, OpenAPI document and client are all made from it. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the server's address, parameters as `{id}`. */
  readonly path: string
  readonly summary: string
  readonly permission: Permission
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  readonly status: 200 | 201 | 204
  readonly response?: z.ZodType
  /** The problems beyond those that every operation can answer. */
  readonly problems: readonly ProblemCode[]
}
