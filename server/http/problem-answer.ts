import type { Response } from 'express'
import type { Logger } from 'pino'
import { Problem, type ProblemDocument, problems } from '../../schemas/problem.ts'
import { isDatabaseUnavailable } from '../store/dialect/database-unavailable.ts'

/** Answers a failure as RFC 9457 problem+json (R204); never a stack, never a foreign message (S50). */
export function sendProblem(response: Response, problem: Problem): void {
  if (problem.status === 401) response.set('www-authenticate', 'Bearer')
  if (problem.retryAfterSeconds !== undefined) response.set('retry-after', `${problem.retryAfterSeconds}`)
  sendDocument(response, problemDocument(problem))
}

/** Answers a problem document that was made before. */
export function sendDocument(response: Response, document: ProblemDocument): void {
  response.status(document.status).type('application/problem+json').send(JSON.stringify(document))
}

export function problemDocument(problem: Problem): ProblemDocument {
  return {
    type: `urn:mooring:problem:${problem.code}`,
    title: problems[problem.code].title,
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    ...(problem.errors.length > 0 ? { errors: [...problem.errors] } : {}),
    ...(problem.stacks.length > 0 ? { stacks: [...problem.stacks] } : {}),
    ...(problem.modules.length > 0 ? { modules: [...problem.modules] } : {}),
  }
}

/** Reads any thrown value as the problem that the caller is shown; what is our own bug is logged and hidden. */
export function toProblem(error: unknown, log: Logger): Problem {
  if (error instanceof Problem) {
    if (error.cause !== undefined) log.info({ err: error }, 'request failed')
    return error
  }
  const known = expressProblem(error)
  if (known) return known
  if (isDatabaseUnavailable(error)) {
    log.error({ err: error }, 'database unavailable')
    return new Problem('database_unavailable', 'The database does not answer. Try again in some seconds.', {
      retryAfterSeconds: 5,
    })
  }
  log.error({ err: error }, 'request failed by a bug')
  return new Problem('internal_error', 'The server failed; its log has the reason under this answer’s X-Request-Id.')
}

/** What Express and its body parser throw, by the status and type that they give. */
function expressProblem(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined
  const type = 'type' in error ? error.type : undefined
  if (error.status === 413) return new Problem('too_large', 'The body is larger than 1 MiB.')
  if (error.status === 415) {
    return new Problem('unsupported_media_type', 'Send the body as application/json in UTF-8, without an encoding.')
  }
  if (error.status >= 500) return undefined
  return new Problem(
    'malformed_request',
    type === 'entity.parse.failed'
      ? 'The body is not JSON.'
      : error instanceof URIError
        ? 'The address holds a wrong percent-encoding.'
        : 'The request ended early, or its length is not the one it names.',
  )
}
