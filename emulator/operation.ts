import type { paths } from '@coderabbitai/bitbucket/server/openapi'
import type { Answer, Call, ProjectCall, RepositoryCall } from './call.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

type InstancePermission = 'ANONYMOUS' | 'AUTHENTICATED' | 'LICENSED_USER' | 'PROJECT_CREATE' | 'ADMIN'
type InProjectPermission = 'PROJECT_VIEW' | 'PROJECT_READ' | 'PROJECT_ADMIN'
type InRepositoryPermission = 'REPO_READ' | 'REPO_WRITE' | 'REPO_ADMIN'

/** One row of the table of operations. */
export type Operation = {
  readonly method: Method
  /** Below the context path, with its parameters in braces; `{path}` takes the rest. */
  readonly path: string
  /** Where this operation is written down. SPEC names the operation of Atlassian's OpenAPI for 9.4. */
  readonly source: string
  /** The first version that has it. */
  readonly since?: string
} & (
  | { readonly permission: InstancePermission; readonly handle: Handler<Call> }
  | { readonly permission: InProjectPermission; readonly handle: Handler<ProjectCall> }
  | { readonly permission: InRepositoryPermission; readonly handle: Handler<RepositoryCall> }
)

type Handler<Given> = (call: Given) => Answer | Promise<Answer>

/** The paths for which Atlassian's OpenAPI declares this method, so that the compiler checks every row. */
type Declared<M extends Method> = {
  [P in keyof paths]: undefined extends paths[P][Lowercase<M>] ? never : P
}[keyof paths]

export function onInstance<M extends Method, P extends Declared<M>>(
  method: M,
  path: P,
  permission: InstancePermission,
  handle: Handler<Call>,
  source: string,
): Operation {
  return { method, path: `/rest${path}`, permission, handle, source }
}

export function inProject<M extends Method, P extends Declared<M>>(
  method: M,
  path: P,
  permission: InProjectPermission,
  handle: Handler<ProjectCall>,
  source: string,
  since?: string,
): Operation {
  return { method, path: `/rest${path}`, permission, handle, source, ...(since === undefined ? {} : { since }) }
}

export function inRepository<M extends Method, P extends Declared<M>>(
  method: M,
  path: P,
  permission: InRepositoryPermission,
  handle: Handler<RepositoryCall>,
  source: string,
  since?: string,
): Operation {
  return { method, path: `/rest${path}`, permission, handle, source, ...(since === undefined ? {} : { since }) }
}
