import { BitbucketError } from '../../clients/bitbucket/errors.ts'
import { UnsafePathError } from '../../clients/bitbucket/paths.ts'
import { ServerProblem, UnexpectedAnswer } from '../../clients/server/problem.ts'
import { TransportError } from '../../clients/transport.ts'
import type { CredentialVerdict } from './credential-gate.ts'

/** Why a repository was not looked after, in words for people, and what to do about it. */
export interface Failure {
  /** Stable, for reports and metrics. */
  readonly code: string
  /** Never a secret, and nothing that a stranger wrote. */
  readonly message: string
  /** `gone`: the repository does not exist (B21). `later`: in an hour (B23). `terminal`: not before the next sweep. */
  readonly next: 'retry' | 'later' | 'gone' | 'terminal'
  readonly credential: CredentialVerdict
}

/** Says what an error means for the repository and for the credential (B21 to B24). */
export function failureOf(error: unknown): Failure {
  if (error instanceof BitbucketError) return failureOfBitbucket(error)
  if (error instanceof TransportError) {
    const isLasting = error.code === 'tls' || error.code === 'blocked' || error.code === 'too_large'
    return failure(error.code, error.message, isLasting ? 'terminal' : 'retry', 'unknown')
  }
  if (error instanceof ServerProblem || error instanceof UnexpectedAnswer) {
    const code = error instanceof ServerProblem ? error.code : 'unexpected_answer'
    return failure(`server_${code}`, error.message, isPassing(error.status) ? 'retry' : 'terminal', 'unknown')
  }
  if (error instanceof UnsafePathError) return failure('unsafe_name', error.message, 'terminal', 'unknown')
  return failure(
    'internal',
    `An error of bitbucket-hook itself (${error instanceof Error ? error.name : typeof error}).`,
    'retry',
    'unknown',
  )
}

function failureOfBitbucket(error: BitbucketError): Failure {
  const { code, message, exceptionName } = error
  switch (code) {
    case 'bad_credential':
      return failure(code, message, 'terminal', 'refused')
    case 'unauthorised':
      return failure(code, message, 'terminal', 'unclear')
    case 'missing_permission':
      return failure('needs_repo_admin', `The access token needs REPO_ADMIN on this repository. ${message}`, 'terminal')
    case 'not_found':
      // A webhook that somebody deleted meanwhile, or a proxy in the way, is no reason to give a repository up.
      return /NoSuch(Repository|Project)Exception$/.test(exceptionName ?? '')
        ? failure('gone', 'The repository does not exist, or the token may not see it.', 'gone')
        : failure(code, message, 'retry', 'unknown')
    case 'conflict':
    case 'read_only':
      return failure('read_only', message, 'later')
    case 'invalid':
    case 'moved':
    case 'bad_paging':
      return failure(code, message, 'terminal')
    case 'rate_limited':
      return failure(code, message, 'retry')
    default:
      return failure(code, message, 'retry', 'unknown')
  }
}

function failure(
  code: string,
  message: string,
  next: Failure['next'],
  credential: CredentialVerdict = 'accepted',
): Failure {
  return { code, message, next, credential }
}

function isPassing(status: number): boolean {
  return status === 429 || status >= 500
}
