import type * as z from 'zod'
import type { ProblemCode } from './problem.ts'

/**
 * What a caller must be allowed to do, where the object lives (R24 to R28):
 *
 * - `anyone` needs no token, `sign-in` none either, but an API key in the body;
 * - `self` is any key's, `session` a browser's that has signed in;
 * - `account` is every user's and every service's with a person's role, `api-keys:create` the bootstrap key's too;
 * - `read`, `write` and `administer` are a Reader's, a Writer's and an Admin's;
 * - `see-integrations` is a Reader's and a webhook registrar's, for a default integration everybody's with an account;
 * - `webhooks` is a webhook registrar's and an Admin's, `work` a worker's.
 */
export type Permission =
  | 'anyone'
  | 'sign-in'
  | 'self'
  | 'session'
  | 'account'
  | 'api-keys:create'
  | 'read'
  | 'write'
  | 'administer'
  | 'see-integrations'
  | 'webhooks'
  | 'work'

/** One operation of the HTTP API: router, OpenAPI document and client are all made from it. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the server's address, parameters as `{id}`. */
  readonly path: string
  readonly summary: string
  /** What the summary leaves open, in whole sentences; Markdown. */
  readonly description?: string
  readonly permission: Permission
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  readonly status: 200 | 201 | 204
  readonly response?: z.ZodType
  /** The problems beyond those that every operation can answer. */
  readonly problems: readonly ProblemCode[]
  /** The fields of the answer, or of its items, that show a secret; such an answer has no ETag, and is repeated without them (S22, S50). */
  readonly secretFields?: readonly string[]
  /** `refused`: it takes no Idempotency-Key, since what it answers is never kept (R202). */
  readonly idempotency?: 'refused'
}

export type OperationTable = Readonly<Record<string, Operation>>
