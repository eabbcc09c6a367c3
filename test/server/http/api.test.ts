import { randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { describe, expect, test } from 'vitest'
import { type OperationId, operations } from '../../../schemas/api.ts'
import type { Operation } from '../../../schemas/operation.ts'
import { isOpen } from '../../../schemas/operation-facts.ts'
import { ProblemDocument } from '../../../schemas/problem.ts'
import { RowId } from '../../../schemas/text.ts'
import { surfacesOf } from '../../../server/core/audiences.ts'
import { databases } from '../../support/databases.ts'
import { startTestServer } from '../../support/server.ts'

for (const database of databases) {
  describe(database.name, () => {
    test('S20 every operation refuses a caller without its permission before it looks at anything else', async () => {
      const server = await startTestServer(database)
      const { id, secret } = await server.root.call('createApiKey', { body: { name: 'r', role: 'webhook-registrar' } })
      const registrar = await server.token({ keyId: id, keySecret: secret })

      for (const [name, operation] of Object.entries(operations) as [OperationId, Operation][]) {
        const path = operation.path.replace('{id}', 'nothing')
        const ask = async (token: string | null) =>
          (await server.request(operation.method, path, { token, ...(operation.body ? { text: 'no json' } : {}) }))
            .status

        const { permission } = operation
        if (isOpen(operation)) continue
        expect(await ask(null), name).toBe(401)
        if (surfacesOf(permission).includes('registrar')) {
          expect([200, 400, 404, 422], name).toContain(await ask(registrar))
        } else {
          expect(await ask(registrar), name).toBe(403)
        }
      }
    })

    test('S50 R204 whatever is wrong with a request is a problem, with no stack and no foreign words', async () => {
      const server = await startTestServer(database)
      const json = { 'content-type': 'application/json' }
      const cases = [
        { name: 'bad JSON', method: 'POST', path: '/api/v1/spaces', text: '{"name":', status: 400 },
        {
          name: 'a body of another type',
          method: 'POST',
          path: '/api/v1/spaces',
          text: 'a=b',
          headers: { 'content-type': 'text/plain' },
          status: 415,
        },
        {
          name: 'another character set',
          method: 'POST',
          path: '/api/v1/spaces',
          text: '{}',
          headers: { 'content-type': 'application/json; charset=latin1' },
          status: 415,
        },
        {
          name: 'an encoded body',
          method: 'POST',
          path: '/api/v1/spaces',
          text: '{}',
          headers: { ...json, 'content-encoding': 'gzip' },
          status: 415,
        },
        {
          name: 'too large a body',
          method: 'POST',
          path: '/api/v1/spaces',
          text: `{"name":"${'x'.repeat(1_100_000)}"}`,
          status: 413,
        },
        { name: 'no body', method: 'POST', path: '/api/v1/spaces', status: 422 },
        { name: 'a list as body', method: 'POST', path: '/api/v1/spaces', text: '[]', status: 422 },
        { name: 'a number as body', method: 'POST', path: '/api/v1/spaces', text: '1', status: 422 },
        {
          name: 'a prototype as field',
          method: 'POST',
          path: '/api/v1/spaces',
          text: '{"name":"x","__proto__":{"a":1}}',
          status: 422,
        },
        {
          name: 'a constructor as field',
          method: 'POST',
          path: '/api/v1/spaces',
          text: '{"name":"x","constructor":{"a":1}}',
          status: 422,
        },
        { name: 'a wrong percent-encoding', method: 'GET', path: '/api/v1/spaces/%ff', status: 400 },
        { name: 'a wrong percent-encoding in the query', method: 'GET', path: '/api/v1/spaces?ids=%ff', status: 400 },
        { name: 'half a percent-encoding in the query', method: 'GET', path: '/api/v1/spaces?ids=%4', status: 400 },
        { name: 'a field twice', method: 'POST', path: '/api/v1/spaces', text: '{"name":"x","name":"y"}', status: 400 },
        { name: 'a nest too deep', method: 'POST', path: '/api/v1/spaces', text: '['.repeat(100_000), status: 400 },
        { name: 'a number too large', method: 'POST', path: '/api/v1/spaces', text: '{"name":1e999}', status: 422 },
        {
          name: 'a prototype in the query',
          method: 'GET',
          path: '/api/v1/spaces?__proto__=x&__proto__[a]=1',
          status: 422,
        },
        { name: 'an unknown query parameter', method: 'GET', path: '/api/v1/spaces?colour=red', status: 422 },
        { name: 'a repeated query parameter', method: 'GET', path: '/api/v1/spaces?cursor=a&cursor=b', status: 422 },
        { name: 'a limit of zero', method: 'GET', path: '/api/v1/spaces?limit=0', status: 422 },
        { name: 'a limit beyond the most', method: 'GET', path: '/api/v1/spaces?limit=501', status: 422 },
        {
          name: 'too many ids',
          method: 'GET',
          path: `/api/v1/spaces?ids=${Array(201).fill('a').join(',')}`,
          status: 422,
        },
        { name: 'an id that is none', method: 'GET', path: '/api/v1/spaces/Not%20A%20Slug', status: 404 },
        { name: 'an unknown path', method: 'GET', path: '/api/v1/nothing', status: 404 },
        { name: 'another case', method: 'GET', path: '/API/v1/spaces', status: 404 },
        { name: 'a slash at the end', method: 'GET', path: '/api/v1/spaces/', status: 404 },
        { name: 'another method', method: 'PUT', path: '/api/v1/spaces', text: '{}', status: 405 },
        { name: 'a method of no route', method: 'OPTIONS', path: '/api/v1/spaces', status: 405 },
      ]

      for (const { name, method, path, text, headers, status } of cases) {
        const answer = await server.request(method, path, {
          ...(text === undefined ? {} : { text }),
          ...(headers ? { headers } : {}),
        })
        const body = await answer.text()
        expect(answer.status, name).toBe(status)
        expect(answer.headers.get('content-type'), name).toMatch(/^application\/problem\+json/)
        expect(ProblemDocument.safeParse(JSON.parse(body)).success, body).toBe(true)
        expect(body, name).not.toMatch(/node_modules|\.ts:|SyntaxError|Unexpected token/)
      }
    })

    test('R204 R211 what a database cannot keep or compare is refused by name, and is no failure of the server', async () => {
      const server = await startTestServer(database)
      const integration = { name: 'VCS', apiHost: 'https://bitbucket.example.com', accessToken: 'x' }
      await server.root.call('createIntegration', { body: integration })
      const registration = {
        integrationId: 'vcs',
        projectKey: 'INFRA',
        repositorySlug: 'network',
        repositoryId: 7,
        webhookId: null,
        secretVersion: 2 ** 40,
        observed: 'in_sync',
        managedBy: 'service',
      }
      const cursor = (...parts: string[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')
      const send = async (method: string, path: string, body?: object) => {
        const answer = await server.request(method, path, body === undefined ? {} : { body })
        const { errors } = ProblemDocument.parse(await answer.json())
        return `${answer.status} ${errors?.map(({ pointer }) => pointer).join()}`
      }

      expect(await send('POST', '/api/v1/spaces', { name: 'a\0b' })).toBe('422 /name')
      expect(await send('POST', '/api/v1/spaces', { name: 'x', labels: ['a', '\ud800'] })).toBe('422 /labels/1')
      expect(await send('PUT', '/api/v1/registrations', registration)).toBe('422 /secretVersion')
      expect(await send('GET', `/api/v1/runs?cursor=${cursor('runs', 'no id')}`)).toBe('422 ?cursor')
      expect(await send('GET', `/api/v1/spaces?cursor=${cursor('spaces', 'a\0')}`)).toBe('422 ?cursor')
      expect(await send('GET', '/api/v1/stacks?ids=a,%00')).toBe('422 ?ids')
      for (const list of ['api-keys', 'registrations', 'runs']) {
        const answer = await server.request('GET', `/api/v1/${list}?ids=no-id,a`)
        expect(await answer.json(), list).toMatchObject({ items: [], nextCursor: null })
      }
    })

    test('R204 R211 a body that is no UTF-8 is refused, and never mended', async () => {
      const server = await startTestServer(database)
      const body = Buffer.concat([Buffer.from('{"name":"a'), Buffer.from([0xff]), Buffer.from('"}')])

      const answer = await fetch(`${server.url}/api/v1/spaces`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await server.token()}`, 'content-type': 'application/json' },
        body,
      })

      expect([answer.status, ProblemDocument.parse(await answer.json()).code]).toEqual([400, 'malformed_request'])
    })

    test('S72 __proto__, constructor and toString are unknown as fields, and pollute nothing', async () => {
      const server = await startTestServer(database)
      const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']
      const bodies = (Object.entries(operations) as [OperationId, Operation][]).filter(([, { body }]) => body)
      const ofObjects = Object.getOwnPropertyNames(Object.prototype).sort()

      for (const [id, operation] of bodies) {
        for (const name of names) {
          const path = operation.path.replace('{id}', operation.params?.shape.id === RowId ? randomUUID() : 'root')
          const answer = await server.request(operation.method, path, {
            text: `{${JSON.stringify(name)}:{"polluted":1}}`,
            ...(isOpen(operation)
              ? { headers: { origin: 'http://mooring.test', 'sec-fetch-site': 'same-origin' } }
              : {}),
          })
          const { errors } = ProblemDocument.parse(await answer.json())
          expect([answer.status, errors?.map(({ pointer }) => pointer)], `${id} ${name}`).toEqual([
            422,
            expect.arrayContaining([`/${name}`]),
          ])
        }
      }
      for (const name of names) {
        const answer = await server.request('GET', `/api/v1/spaces?${name}=1&${name}[polluted]=1`)
        const { errors } = ProblemDocument.parse(await answer.json())
        expect(errors?.map(({ pointer }) => pointer)).toContain(`?${name}`)
      }
      expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(ofObjects)
      expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    })

    test('S72 __proto__, constructor and toString are names and labels like any other', async () => {
      const { root, request } = await startTestServer(database)
      const labels = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
      for (const name of labels) {
        const { id } = await root.call('createSpace', { body: { name, labels } })
        const made = await root.call('createIntegration', {
          body: {
            name,
            labels,
            spaceId: id,
            apiHost: 'https://bitbucket.invalid',
            accessToken: 'x',
            description: name,
          },
        })
        await root.call('createStack', { query: {}, body: { name, branch: name, projectRoot: name, labels } })

        expect(await root.call('getSpace', { params: { id } })).toMatchObject({ name, labels })
        expect(await root.call('getIntegration', { params: { id: made.id } })).toMatchObject({ name, labels })
        expect(await root.call('getStack', { params: { id } })).toMatchObject({ name, branch: name, labels })
      }
      const keyed = await request('POST', '/api/v1/spaces', {
        body: { name: 'x' },
        headers: { 'idempotency-key': '__proto__' },
      })
      expect(keyed.status).toBe(201)
      expect((await request('GET', '/api/v1/spaces/__proto__')).status).toBe(404)
      expect((await request('GET', '/api/v1/__proto__')).status).toBe(404)
      expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    })

    test('S72 a field named __proto__ is named by its pointer', async () => {
      const server = await startTestServer(database)

      const answer = await server.request('POST', '/api/v1/spaces', { text: '{"name":"x","__proto__":{"polluted":1}}' })

      expect(ProblemDocument.parse(await answer.json()).errors).toEqual([
        { pointer: '/__proto__', detail: 'unknown field' },
      ])
      expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    })

    test('S50 the method that an address knows is told with 405', async () => {
      const server = await startTestServer(database)

      const answer = await server.request('PATCH', '/api/v1/spaces', { text: '{}' })

      expect(answer.headers.get('allow')).toBe('POST, GET, HEAD')
    })

    test('S49 S50 every answer carries the security headers, is not to be stored, and does not say what made it', async () => {
      const server = await startTestServer(database)

      for (const path of ['/api/v1/meta', '/api/v1/spaces', '/api/v1/nothing', '/runs/x', '/healthz', '/%ff']) {
        const { headers } = await server.request('GET', path)
        expect(headers.get('cache-control'), path).toBe('no-store')
        expect(headers.get('content-security-policy'), path).toContain("default-src 'none'")
        expect(headers.get('x-content-type-options'), path).toBe('nosniff')
        expect(headers.get('x-powered-by'), path).toBeNull()
        if (path !== '/api/v1/meta') expect(headers.get('etag'), path).toBeNull()
        expect(headers.get('x-request-id'), path).toMatch(/^[0-9a-f-]{36}$/)
      }
    })

    test('S14 a missing, wrong or misplaced token is one and the same 401', async () => {
      const server = await startTestServer(database)
      const token = await server.token()
      const headers = [
        {},
        { authorization: token },
        { authorization: `Basic ${token}` },
        { authorization: 'Bearer x' },
        { authorization: `Bearer ${token} x` },
        { authorization: `Bearer ${token.slice(0, -2)}` },
        { cookie: `token=${token}` },
      ]

      const answers = await Promise.all(
        headers.map(async (one) => {
          const answer = await server.request('GET', '/api/v1/spaces', { token: null, headers: one })
          return { status: answer.status, challenge: answer.headers.get('www-authenticate'), body: await answer.text() }
        }),
      )

      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
      expect(answers[0]).toMatchObject({ status: 401, challenge: 'Bearer' })
    })

    test('R90 a run’s address answers 200 with one page for every id', async () => {
      const server = await startTestServer(database)

      const [one, two] = await Promise.all(
        ['0190a0a0-0000-7000-8000-000000000001', 'anything'].map((id) =>
          server.request('GET', `/runs/${id}`, { token: null }),
        ),
      )

      expect(one?.status).toBe(200)
      const [page, other] = [await one?.text(), await two?.text()]
      expect(page).toContain('sign in')
      expect(other).toBe(page)
    })

    test('R207 healthz, readyz and metrics answer, the metrics with the oldest delivery’s age', async () => {
      const server = await startTestServer(database)

      const metrics = await (await server.request('GET', '/metrics', { token: null })).text()

      expect((await server.request('GET', '/healthz', { token: null })).status).toBe(200)
      expect((await server.request('GET', '/readyz', { token: null })).status).toBe(200)
      expect(metrics).toContain('mooring_oldest_unprocessed_delivery_seconds 0')
      expect(metrics).toContain('mooring_http_request_seconds_count{operation="createApiKey",status="201"} 1')
    })

    test('S75 the metrics are closed unless they are opened', async () => {
      const server = await startTestServer(database, { metrics: 'closed' })

      expect((await server.request('GET', '/metrics', { token: null })).status).toBe(404)
    })

    test('S8 the router knows nothing below /webhooks, in any spelling', async () => {
      const server = await startTestServer(database)
      const { hostname, port } = new URL(server.url)

      for (const path of [
        '//webhooks/bitbucket-datacenter/x',
        '/WEBHOOKS/bitbucket-datacenter/x',
        '/%77ebhooks/bitbucket-datacenter/x',
        '/webhooks',
      ]) {
        const status = await new Promise((resolve, reject) => {
          httpRequest({ hostname, port, path, method: 'POST' }, (response) => {
            response.resume()
            resolve(response.statusCode)
          })
            .on('error', reject)
            .end()
        })
        expect(status, path).toBe(404)
      }
    })
  })
}
