import { describe, expect, test } from 'vitest'
import { BitbucketError } from '../../../clients/bitbucket/errors.ts'
import { getApplicationProperties } from '../../../clients/bitbucket/repositories.ts'
import { answering } from './client-under-test.ts'

const json = { 'content-type': 'application/json' }

function errors(exceptionName: string | null, context: string | null = null) {
  return { errors: [{ context, message: 'planted-words-of-the-answer', exceptionName }] }
}

async function failureOf(status: number, body: unknown, headers: Readonly<Record<string, string>> = json) {
  const failure = await getApplicationProperties(answering(status, body, headers).client).catch(
    (error: unknown) => error,
  )
  expect(failure).toBeInstanceOf(BitbucketError)
  return failure as BitbucketError
}

describe('tells what went wrong', () => {
  const atlassian = 'com.atlassian.bitbucket'

  test.for([
    {
      name: 'B22 a wrong password',
      status: 401,
      exception: `${atlassian}.auth.IncorrectPasswordAuthenticationException`,
      code: 'bad_credential',
    },
    {
      name: 'B22 no credential',
      status: 401,
      exception: 'com.atlassian.plugins.rest.api.security.exception.AuthenticationRequiredException',
      code: 'bad_credential',
    },
    {
      name: 'B22 a missing permission',
      status: 401,
      exception: `${atlassian}.AuthorisationException`,
      code: 'missing_permission',
    },
    { name: 'B22 a missing permission said by 403', status: 403, exception: null, code: 'missing_permission' },
    {
      name: 'B22 an unlicensed user',
      status: 401,
      exception: `${atlassian}.auth.NoAccessAuthenticationException`,
      code: 'unauthorised',
    },
    { name: 'B22 a 401 that names nothing', status: 401, exception: null, code: 'unauthorised' },
    {
      name: 'B22 an exception of a similar name',
      status: 401,
      exception: `${atlassian}.NotAnAuthorisationException`,
      code: 'unauthorised',
    },
    {
      name: 'B21 a missing repository',
      status: 404,
      exception: `${atlassian}.repository.NoSuchRepositoryException`,
      code: 'not_found',
    },
    { name: 'B24 an invalid request', status: 400, exception: null, code: 'invalid' },
    { name: 'B23 an archived repository', status: 409, exception: `${atlassian}.IntegrityException`, code: 'conflict' },
    { name: 'B23 a locked repository', status: 423, exception: null, code: 'read_only' },
    { name: 'S34 a redirect', status: 307, exception: null, code: 'moved' },
    { name: 'B24 a failure of the server', status: 500, exception: null, code: 'unavailable' },
    { name: 'B24 a gateway', status: 503, exception: null, code: 'unavailable' },
    { name: 'an unexpected status', status: 406, exception: null, code: 'unexpected' },
  ])('$name is $code', async ({ status, exception, code }) => {
    const failure = await failureOf(status, errors(exception))

    expect(failure).toMatchObject({ code, status, exceptionName: exception ?? undefined })
  })

  test('B22 a login page in place of an error is an unauthorised request', async () => {
    expect(await failureOf(401, '<html>Sign in</html>', { 'content-type': 'text/html' })).toMatchObject({
      code: 'unauthorised',
    })
  })

  test('B24 a rate limit says how long', async () => {
    expect(await failureOf(429, errors(null), { ...json, 'retry-after': '3' })).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 3_000,
    })
    expect(await failureOf(429, errors(null))).toMatchObject({ code: 'rate_limited', retryAfterMs: undefined })
  })

  test('an invalid request names its fields', async () => {
    const failure = await failureOf(400, {
      errors: [{ context: 'url' }, { context: 'events', message: 'x' }, { context: null }],
    })

    expect(failure.fields).toEqual(['url', 'events'])
    expect(failure.message).toContain('fields: url, events')
  })

  test.for([
    { name: 'a page of HTML', body: '<html>Welcome</html>', type: 'text/html' },
    { name: 'JSON that says it is HTML', body: '{"version":"9"}', type: 'text/html' },
    { name: 'HTML that says it is JSON', body: '<html>', type: 'application/json' },
    { name: 'JSON of something else', body: '{"name":"Gitea"}', type: 'application/json' },
    { name: 'a field of another type', body: '{"version":9}', type: 'application/json' },
    { name: 'a version beyond measure', body: JSON.stringify({ version: '9'.repeat(101) }), type: 'application/json' },
    { name: 'nothing', body: '', type: 'application/json' },
    {
      name: 'JSON whose text is not UTF-8',
      body: new Uint8Array([...Buffer.from('{"version":"'), 0xff, ...Buffer.from('"}')]),
      type: 'application/json',
    },
  ])('S37 $name with 200 is not Bitbucket', async ({ body, type }) => {
    expect(await failureOf(200, body, { 'content-type': type })).toMatchObject({ code: 'not_bitbucket', status: 200 })
  })
})

describe('S37 carries nothing of the answer', () => {
  test.for([
    { name: 'words', body: errors('a.B') },
    { name: 'an exception that is no name', body: errors('planted words, not a class') },
    { name: 'a field that is no name', body: errors(null, 'planted field <b>') },
    { name: 'a page', body: '<html>planted</html>' },
    { name: 'errors that are no list', body: { errors: 'planted' } },
  ])('S37 $name', async ({ body }) => {
    for (const status of [400, 401, 404, 500]) {
      const failure = await failureOf(status, body, { 'content-type': 'application/json', 'x-planted': 'planted' })

      expect(`${failure.message} ${JSON.stringify(failure)} ${failure.stack} ${String(failure.cause)}`).not.toContain(
        'planted',
      )
    }
  })

  test('S37 an exception name of any length stays out when it is no class name of usual length', async () => {
    expect((await failureOf(404, errors('a'.repeat(201)))).exceptionName).toBeUndefined()
  })
})
