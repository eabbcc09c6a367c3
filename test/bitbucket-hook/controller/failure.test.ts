import { expect, test } from 'vitest'
import { failureOf } from '../../../bitbucket-hook/controller/failure.ts'
import { errorOfResponse } from '../../../clients/bitbucket/errors.ts'
import { TransportError } from '../../../clients/transport.ts'

function bitbucketError(status: number, exceptionName?: string) {
  const body = exceptionName === undefined ? '<html>' : JSON.stringify({ errors: [{ exceptionName, message: 'x' }] })
  return errorOfResponse({ status, headers: {}, body: new TextEncoder().encode(body) }, 0)
}

const name = (simple: string) => `com.atlassian.bitbucket.${simple}`

test.for([
  {
    name: 'B21 a repository that is gone',
    error: bitbucketError(404, name('repository.NoSuchRepositoryException')),
    next: 'gone',
    credential: 'accepted',
  },
  {
    name: 'B21 a project that is gone',
    error: bitbucketError(404, name('project.NoSuchProjectException')),
    next: 'gone',
    credential: 'accepted',
  },
  {
    name: 'B21 a 404 that Bitbucket does not explain gives up no repository',
    error: bitbucketError(404),
    next: 'retry',
    credential: 'unknown',
  },
  {
    name: 'B22 a wrong password',
    error: bitbucketError(401, name('auth.IncorrectPasswordAuthenticationException')),
    next: 'terminal',
    credential: 'refused',
  },
  {
    name: 'B22 no token at all',
    error: bitbucketError(401, 'com.atlassian.plugins.rest.api.security.exception.AuthenticationRequiredException'),
    next: 'terminal',
    credential: 'refused',
  },
  {
    name: 'B22 a missing permission',
    error: bitbucketError(401, name('AuthorisationException')),
    next: 'terminal',
    credential: 'accepted',
  },
  { name: 'B22 forbidden', error: bitbucketError(403), next: 'terminal', credential: 'accepted' },
  {
    name: 'B22 an unlicensed user',
    error: bitbucketError(401, name('auth.NoAccessAuthenticationException')),
    next: 'terminal',
    credential: 'unclear',
  },
  { name: 'B22 a login page', error: bitbucketError(401), next: 'terminal', credential: 'unclear' },
  { name: 'B23 a conflict', error: bitbucketError(409), next: 'later', credential: 'accepted' },
  { name: 'B23 locked', error: bitbucketError(423), next: 'later', credential: 'accepted' },
  { name: 'B24 an invalid request', error: bitbucketError(400), next: 'terminal', credential: 'accepted' },
  { name: 'B24 a rate limit', error: bitbucketError(429), next: 'retry', credential: 'accepted' },
  { name: 'B24 a failing server', error: bitbucketError(500), next: 'retry', credential: 'unknown' },
  {
    name: 'B24 no answer',
    error: new TransportError('timeout', { nothingSent: false }),
    next: 'retry',
    credential: 'unknown',
  },
  {
    name: 'B24 a certificate that nobody trusts',
    error: new TransportError('tls', { nothingSent: true }),
    next: 'terminal',
    credential: 'unknown',
  },
])('$name', ({ error, next, credential }) => {
  expect(failureOf(error)).toMatchObject({ next, credential })
})

test('B13 the words of an unexpected error are not repeated', () => {
  expect(failureOf(new TypeError('planted-secret')).message).not.toContain('planted-secret')
})
