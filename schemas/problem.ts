import * as z from 'zod'

/** Every failure a caller of the API can see. The key is the stable code; docs/problems.md is generated from this. */
export const problems = {
  invalid_request: { status: 422, title: 'The request is not valid' },
  malformed_request: { status: 400, title: 'The request cannot be read' },
  unauthenticated: { status: 401, title: 'A valid API token is needed' },
  invalid_api_key: { status: 401, title: 'The API key is not valid' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  foreign_origin: { status: 403, title: 'The request comes from the page of another site' },
  csrf_token_wrong: { status: 403, title: 'The CSRF token of the session is missing or wrong' },
  json_required: { status: 403, title: 'A page writes with application/json' },
  route_not_found: { status: 404, title: 'There is nothing at this address' },
  method_not_allowed: { status: 405, title: 'The address does not know this method' },
  request_in_progress: { status: 409, title: 'The same request is being worked on' },
  idempotency_roles_changed: { status: 409, title: 'The caller’s roles have changed since the first request' },
  precondition_failed: { status: 412, title: 'The object has changed since it was read' },
  too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'The content type or encoding is not supported' },
  idempotency_key_reused: { status: 422, title: 'The idempotency key belongs to another request' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  too_many_idempotency_keys: { status: 429, title: 'Too many idempotency keys' },
  space_not_found: { status: 404, title: 'Space not found' },
  integration_not_found: { status: 404, title: 'Integration not found' },
  vcs_agent_pool_not_found: { status: 404, title: 'VCS agent pool not found' },
  stack_not_found: { status: 404, title: 'Stack not found' },
  module_not_found: { status: 404, title: 'Module not found' },
  attachment_not_found: { status: 404, title: 'There is no attachment' },
  run_not_found: { status: 404, title: 'Run not found' },
  delivery_not_found: { status: 404, title: 'Delivery not found' },
  registration_not_found: { status: 404, title: 'Registration not found' },
  api_key_not_found: { status: 404, title: 'API key not found' },
  user_not_found: { status: 404, title: 'User not found' },
  identity_taken: { status: 409, title: 'The Bitbucket user is linked already' },
  name_taken: { status: 409, title: 'The name is taken' },
  name_immutable: { status: 422, title: 'The name cannot be changed' },
  default_integration_exists: { status: 409, title: 'A default integration exists already' },
  integration_protected: { status: 409, title: 'The integration is protected while stacks are attached' },
  would_detach: { status: 409, title: 'Attached stacks would lose their integration' },
  stack_already_attached: { status: 409, title: 'The stack or module is attached already' },
  copy_is_quiet: { status: 409, title: 'The server works on a copy and keeps quiet' },
  stack_detached: { status: 409, title: 'The stack is detached' },
  vcs_agent_pool_in_use: { status: 409, title: 'Integrations use the VCS agent pool' },
  space_not_empty: { status: 409, title: 'The space is not empty' },
  root_space: { status: 409, title: 'The root space stays as it is' },
  repository_not_allowed: { status: 403, title: 'The integration does not lend this repository' },
  no_bitbucket_access: { status: 403, title: 'The person has not shown access to the repository' },
  integration_not_usable: { status: 422, title: 'The integration cannot be used from this space' },
  token_required: { status: 422, title: 'The access token must be sent again' },
  public_url_required: { status: 422, title: 'The server does not know its own address' },
  repository_not_in_bitbucket: { status: 422, title: 'Bitbucket has no such repository' },
  branch_not_in_bitbucket: { status: 422, title: 'Bitbucket has no such branch' },
  path_not_in_bitbucket: { status: 422, title: 'Bitbucket has no such path' },
  bitbucket_refused: { status: 422, title: 'Bitbucket refused the request' },
  bitbucket_unreachable: { status: 502, title: 'Bitbucket cannot be reached' },
  vcs_agent_unavailable: { status: 503, title: 'No VCS agent of the pool is connected' },
  disk_space_low: { status: 503, title: 'The disk under the database is nearly full' },
  database_unavailable: { status: 503, title: 'The database cannot be reached' },
  internal_error: { status: 500, title: 'The server failed' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof problems

const codes = Object.keys(problems) as [ProblemCode, ...ProblemCode[]]

/** An error as RFC 9457 describes it, with our stable `code`, and one entry for each wrong field (R204). */
export const ProblemDocument = z
  .object({
    type: z.string().describe('Where the code is explained.'),
    title: z.string(),
    status: z.int(),
    code: z.enum(codes),
    detail: z.string().describe('What is wrong, with which object, and what to do.'),
    errors: z
      .array(
        z.object({
          pointer: z.string().describe('JSON pointer into the body, ?name for the query, Name: for a header.'),
          detail: z.string(),
        }),
      )
      .optional(),
    stacks: z.array(z.string()).optional().describe('The stacks that would lose their integration, by id.'),
    modules: z.array(z.string()).optional().describe('The modules that would, by id.'),
  })
  .meta({ id: 'Problem' })
export type ProblemDocument = z.infer<typeof ProblemDocument>

export interface FieldError {
  /** JSON pointer into the request's body, `?name` for a query parameter, `Name:` for a header. */
  readonly pointer: string
  readonly detail: string
}

export interface ProblemOptions extends ErrorOptions {
  readonly errors?: readonly FieldError[]
  readonly stacks?: readonly string[]
  readonly modules?: readonly string[]
  readonly retryAfterSeconds?: number
}

/** A failure that the caller may see: its detail says what, which one, and what to do; never a secret. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly errors: readonly FieldError[]
  readonly stacks: readonly string[]
  readonly modules: readonly string[]
  /** When to try again, in seconds; undefined where that would not help. */
  readonly retryAfterSeconds: number | undefined

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options)
    this.name = 'Problem'
    this.code = code
    this.status = problems[code].status
    this.errors = options.errors ?? []
    this.stacks = options.stacks ?? []
    this.modules = options.modules ?? []
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}
