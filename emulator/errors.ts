/** One entry of Bitbucket's `errors[]`. */
export interface ErrorEntry {
  readonly context: string | null
  readonly message: string
  readonly exceptionName: string | null
}

/** A failure that is answered in Bitbucket's own shape, `{"errors":[…]}`, with its status. */
export class BitbucketError extends Error {
  readonly status: number
  readonly errors: readonly ErrorEntry[]
  constructor(status: number, errors: readonly ErrorEntry[]) {
    super(errors.map((error) => error.message).join(' '))
    this.name = 'BitbucketError'
    this.status = status
    this.errors = errors
  }
}

const exceptions = 'com.atlassian.bitbucket'

function failure(status: number, exceptionName: string | null, message: string): BitbucketError {
  return new BitbucketError(status, [{ context: null, message, exceptionName }])
}

/** A field that was refused; Bitbucket names it in `context` and names no exception. */
export function invalidField(context: string, message: string): BitbucketError {
  return new BitbucketError(400, [{ context, message, exceptionName: null }])
}

/** Several refused fields, all named at once. */
export function invalidFields(
  fields: readonly { readonly context: string; readonly message: string }[],
): BitbucketError {
  return new BitbucketError(
    400,
    fields.map((field) => ({ ...field, exceptionName: null })),
  )
}

/** A refusal without a field and without an exception. */
export function badRequest(message: string): BitbucketError {
  return failure(400, null, message)
}

export function invalidArgument(message: string): BitbucketError {
  return failure(400, `${exceptions}.validation.ArgumentValidationException`, message)
}

export function duplicateRef(name: string): BitbucketError {
  return failure(400, `${exceptions}.repository.DuplicateRefException`, `A ref named "${name}" exists already.`)
}

/** The permission is missing. Bitbucket answers 401 here, not 403. */
export function notPermitted(): BitbucketError {
  return failure(401, `${exceptions}.AuthorisationException`, 'You are not permitted to access this resource')
}

/** The password or token is wrong, expired or revoked. */
export function wrongCredentials(): BitbucketError {
  return failure(
    401,
    `${exceptions}.auth.IncorrectPasswordAuthenticationException`,
    'Authentication failed. Please check your credentials and try again.',
  )
}

/** The user is known but not licensed, or inactive. */
export function noAccess(): BitbucketError {
  return failure(401, `${exceptions}.auth.NoAccessAuthenticationException`, 'This user has no access to Bitbucket.')
}

export function authenticationRequired(): BitbucketError {
  return failure(
    401,
    'com.atlassian.plugins.rest.api.security.exception.AuthenticationRequiredException',
    'Client must be authenticated to access this resource.',
  )
}

/** A project or repository token has no user, and the operation needs one. */
export function userRequired(): BitbucketError {
  return failure(403, null, 'This operation needs a user; project and repository access tokens have none.')
}

export function noSuchProject(key: string): BitbucketError {
  return failure(404, `${exceptions}.project.NoSuchProjectException`, `Project ${key} does not exist.`)
}

export function noSuchRepository(key: string, slug: string): BitbucketError {
  return failure(404, `${exceptions}.repository.NoSuchRepositoryException`, `Repository ${key}/${slug} does not exist.`)
}

export function noSuchCommit(commit: string, slug: string): BitbucketError {
  return failure(
    404,
    `${exceptions}.commit.NoSuchCommitException`,
    `Commit '${commit}' does not exist in repository '${slug}'.`,
  )
}

export function noDefaultBranch(slug: string): BitbucketError {
  return failure(
    404,
    `${exceptions}.repository.NoDefaultBranchException`,
    `The default branch of repository '${slug}' does not exist.`,
  )
}

export function noSuchPath(path: string, at: string): BitbucketError {
  return failure(404, `${exceptions}.content.NoSuchPathException`, `The path "${path}" does not exist at "${at}".`)
}

export function noSuchUser(name: string): BitbucketError {
  return failure(404, `${exceptions}.user.NoSuchUserException`, `User ${name} does not exist.`)
}

export function noSuchWebhook(id: string): BitbucketError {
  return failure(404, `${exceptions}.webhook.NoSuchWebhookException`, `Webhook ${id} does not exist.`)
}

export function noSuchBuildStatus(key: string, commit: string): BitbucketError {
  return failure(
    404,
    `${exceptions}.build.status.NoSuchBuildStatusException`,
    `Commit ${commit} has no build status with the key "${key}".`,
  )
}

export function noSuchToken(id: string): BitbucketError {
  return failure(404, null, `Access token ${id} does not exist.`)
}

export function conflict(message: string, context: string | null = null): BitbucketError {
  return new BitbucketError(409, [{ context, message, exceptionName: `${exceptions}.IntegrityException` }])
}

export function archived(slug: string): BitbucketError {
  return failure(409, null, `Repository '${slug}' is archived, so it cannot be changed.`)
}

export function tooManyRequests(): BitbucketError {
  return failure(429, null, 'Too many requests. Wait for the time that Retry-After names, then try again.')
}

/** What Bitbucket answers where it fails over an input that it should have refused. */
export function internalError(): BitbucketError {
  return failure(500, 'java.lang.IllegalArgumentException', 'Something went wrong while the request was processed.')
}
