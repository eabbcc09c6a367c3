import * as z from 'zod'

/** Every failure a caller of the API can see. The key is the stable code; docs/problems.md is generated from this. */
export const problems = {
  invalid_request: { status: 422, title: 'The request is not valid' },
  malformed_request: { status: 400, title: 'The request cannot be read' },
  unauthenticated: { status: 401, title: 'A valid API token is needed' },
  invalid_api_key: { status: 401, title: 'The API key is not valid' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  route_not_found: { status: 404, title: 'There is nothing at this address' },
  method_not_allowed: { status: 405, title: 'The address does not know this method' },
  too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'The content type or encoding is not supported' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  space_not_found: { status: 404, title: 'Space not found' },
  integration_not_found: { status: 404, title: 'Integration not found' },
  stack_not_found: { status: 404, title: 'Stack not found' },
  attachment_not_found: { status: 404, title: 'The stack has no attachment' },
  run_not_found: { status: 404, title: 'Run not found' },
  delivery_not_found: { status: 404, title: 'Delivery not found' },
  registration_not_found: { status: 404, title: 'Registration not found' },
  api_key_not_found: { status: 404, title: 'API key not found' },
  name_taken: { status: 409, title: 'The name is taken' },
  name_immutable: { status: 422, title: 'The name cannot be changed' },
  default_integration_exists: { status: 409, title: 'A default integration exists already' },
  integration_protected: { status: 409, title: 'The integration is protected while stacks are attached' },
  would_detach: { status: 409, title: 'Attached stacks would lose their integration' },
  stack_already_attached: { status: 409, title: 'The stack is attached already' },
  stack_detached: { status: 409, title: 'The stack is detached' },
  space_not_empty: { status: 409, title: 'The space is not empty' },
  root_space: { status: 409, title: 'The root space stays as it is' },
  integration_not_usable: { status: 422, title: 'The integration cannot be used from this space' },
  token_required: { status: 422, title: 'The access token must be sent again' },
  public_url_required: { status: 422, title: 'The server does not know its own address' },
  repository_not_in_bitbucket: { status: 422, title: 'Bitbucket has no such repository' },
  bitbucket_refused: { status: 422, title: 'Bitbucket refused the request' },
  bitbucket_unreachable: { status: 502, title: 'Bitbucket cannot be reached' },
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
      .array(z.object({ pointer: z.string().describe('JSON pointer to the field.'), detail: z.string() }))
      .optional(),
    stacks: z.array(z.string()).optional().describe('The stacks that would lose their integration, by id.'),
  })
  .meta({ id: 'Problem' })
export type ProblemDocument = z.infer<typeof ProblemDocument>

export interface FieldError {
  /** JSON pointer into the request's body, or `?name` for a query parameter. */
  readonly pointer: string
  readonly detail: string
}

/** A failure that the caller may see: its detail says what, which one, and what to do; never a secret. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly errors: readonly FieldError[]
  readonly stacks: readonly string[]

  constructor(
    code: ProblemCode,
    detail: string,
    options: ErrorOptions & { readonly errors?: readonly FieldError[]; readonly stacks?: readonly string[] } = {},
  ) {
    super(detail, options)
    this.name = 'Problem'
    this.code = code
    this.status = problems[code].status
    this.errors = options.errors ?? []
    this.stacks = options.stacks ?? []
  }
}
