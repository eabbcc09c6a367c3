import { describe, expect, onTestFinished, test } from 'vitest'
import { type OperationId, operations } from '../../../schemas/api.ts'
import type { Operation } from '../../../schemas/operation.ts'
import { ProblemDocument } from '../../../schemas/problem.ts'
import { createAccount, createService } from '../../support/accounts.ts'
import { pageOrigin, signIn } from '../../support/browser-session.ts'
import { databases } from '../../support/databases.ts'
import { openTestServer, startTestServer, type TestServer } from '../../support/server.ts'

const minute = 60_000

for (const database of databases) {
  describe(database.name, () => {
    test('R206 S19 signing in sets a cookie that scripts cannot read and other sites cannot send', async () => {
      const server = await startTestServer(database)

      const { setCookie, csrfToken } = await signIn(server, server.rootKey)

      expect(setCookie).toMatch(/^__Host-mooring=ey[\w.-]+; Max-Age=1800; Path=\/; Secure; HttpOnly; SameSite=Strict$/)
      expect(csrfToken).toMatch(/^[\w-]{43}$/)
    })

    test('R206 S19 a page reads with the cookie alone, and writes with the CSRF token too', async () => {
      const server = await startTestServer(database)
      const { cookie, csrfToken, headers } = await signIn(server, server.rootKey)
      const send = (method: string, path: string, given: Record<string, string>, body?: object) =>
        server.request(method, path, { token: null, headers: given, ...(body ? { body } : {}) })

      const session = await send('GET', '/api/v1/session', { cookie })
      const me = await send('GET', '/api/v1/me', { cookie })
      const made = await send('POST', '/api/v1/spaces', headers, { name: 'Team' })
      const removed = await send('DELETE', '/api/v1/spaces/team', headers)

      expect(await session.json()).toMatchObject({ csrfToken })
      expect(await me.json()).toMatchObject({ surface: 'ui', isRootAdmin: true })
      expect([made.status, removed.status]).toEqual([201, 204])
    })

    test('S19 without our origin, the CSRF token or JSON nothing is written, and the answer names what is wrong', async () => {
      const server = await startTestServer(database)
      const { headers } = await signIn(server, server.rootKey)
      const other = await signIn(server, server.rootKey)
      const refuse = async (change: Record<string, string | undefined>) => {
        const given = Object.entries({ ...headers, ...change }).filter(([, value]) => value !== undefined)
        const answer = await server.request('POST', '/api/v1/spaces', {
          token: null,
          headers: Object.fromEntries(given) as Record<string, string>,
          text: '{"name":"Team"}',
        })
        return `${answer.status} ${ProblemDocument.parse(await answer.json()).code}`
      }

      expect(await refuse({ origin: undefined })).toBe('403 foreign_origin')
      expect(await refuse({ origin: 'null' })).toBe('403 foreign_origin')
      expect(await refuse({ origin: 'http://evil.test' })).toBe('403 foreign_origin')
      expect(await refuse({ origin: 'http://mooring.test.evil.test' })).toBe('403 foreign_origin')
      expect(await refuse({ 'sec-fetch-site': 'cross-site' })).toBe('403 foreign_origin')
      expect(await refuse({ 'content-type': 'text/plain' })).toBe('403 json_required')
      expect(await refuse({ 'x-csrf-token': undefined })).toBe('403 csrf_token_wrong')
      expect(await refuse({ 'x-csrf-token': '' })).toBe('403 csrf_token_wrong')
      expect(await refuse({ 'x-csrf-token': other.csrfToken })).toBe('403 csrf_token_wrong')
      expect((await server.root.call('listSpaces', { query: {} })).items).toHaveLength(1)
    })

    test('S19 from another site no operation changes anything, whatever it sends along', async () => {
      const server = await startTestServer(database)
      const { cookie, csrfToken } = await signIn(server, server.rootKey)
      const before = await worldOf(server)

      for (const [id, operation] of Object.entries(operations) as [OperationId, Operation][]) {
        const path = operation.path.replace('{id}', 'root')
        for (const headers of [
          { origin: 'http://evil.test', 'content-type': 'application/json', 'x-csrf-token': csrfToken },
          { origin: 'http://evil.test', 'content-type': 'text/plain' },
          { origin: 'null', 'content-type': 'application/x-www-form-urlencoded' },
          { 'content-type': 'application/json' },
        ]) {
          const answer = await server.request(operation.method, path, {
            token: null,
            headers: { cookie, ...headers } as Record<string, string>,
            ...(operation.body ? { text: '{"name":"Planted"}' } : {}),
          })
          if (operation.method !== 'GET' && id !== 'createToken') expect(answer.status, id).toBe(403)
          for (const name of answer.headers.keys()) expect(name, id).not.toMatch(/^access-control-/)
        }
        const preflight = await server.request('OPTIONS', path, {
          token: null,
          headers: { origin: 'http://evil.test', 'access-control-request-method': operation.method },
        })
        expect(preflight.status, id).toBe(405)
        expect(preflight.headers.get('access-control-allow-origin'), id).toBeNull()
      }

      expect(await worldOf(server)).toEqual(before)
    })

    test('S19 signing in asks for our origin and JSON as every write does, and takes no key of a service’s own role', async () => {
      const server = await startTestServer(database)
      const registrar = await createService(server, 'webhook-registrar', 'root')
      const worker = await createService(server, 'worker', 'root')
      const attempt = async (
        { keyId, keySecret }: { readonly keyId: string; readonly keySecret: string },
        headers: Record<string, string>,
      ) => {
        const body = JSON.stringify({ keyId, keySecret })
        const answer = await server.request('POST', '/api/v1/session', { token: null, headers, text: body })
        expect(answer.headers.get('set-cookie')).toBeNull()
        return `${answer.status} ${ProblemDocument.parse(await answer.json()).code}`
      }

      expect(await attempt(server.rootKey, {})).toBe('403 foreign_origin')
      expect(await attempt(server.rootKey, { origin: 'http://evil.test' })).toBe('403 foreign_origin')
      expect(await attempt(server.rootKey, { origin: pageOrigin, 'content-type': 'text/plain' })).toBe(
        '403 json_required',
      )
      expect(await attempt({ ...server.rootKey, keySecret: 'wrong' }, { origin: pageOrigin })).toBe(
        '401 invalid_api_key',
      )
      expect(await attempt(registrar, { origin: pageOrigin })).toBe('403 forbidden')
      expect(await attempt(worker, { origin: pageOrigin })).toBe('403 forbidden')
    })

    test('R206 S19 a session rests for half an hour at most, and lives for twelve hours at most', async () => {
      let now = Date.now()
      const server = await startTestServer(database, { clock: { now: () => now } })
      let { cookie } = await signIn(server, server.rootKey)
      const began = now
      const ask = async () => {
        const answer = await server.request('GET', '/api/v1/session', { token: null, headers: { cookie } })
        cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie
        return answer.status
      }

      now += 20 * minute
      const renewed = cookie
      expect(await ask()).toBe(200)
      expect(cookie).not.toBe(renewed)
      while (now < began + 12 * 60 * minute - 25 * minute) {
        now += 25 * minute
        expect(await ask()).toBe(200)
      }
      now = began + 12 * 60 * minute
      expect(await ask()).toBe(401)

      ;({ cookie } = await signIn(server, server.rootKey))
      now += 30 * minute
      expect(await ask()).toBe(401)
    })

    test('R206 signing out ends the session at once, and the cookie is of no more use', async () => {
      const server = await startTestServer(database)
      const { cookie, headers } = await signIn(server, server.rootKey)
      const other = await signIn(server, server.rootKey)
      const ask = async (given: string) =>
        (await server.request('GET', '/api/v1/me', { token: null, headers: { cookie: given } })).status
      expect(await ask(cookie)).toBe(200)

      const out = await server.request('DELETE', '/api/v1/session', { token: null, headers })

      expect(out.status).toBe(204)
      expect(out.headers.get('set-cookie')).toContain('__Host-mooring=; Max-Age=0')
      expect(await ask(cookie)).toBe(401)
      expect(await ask(other.cookie)).toBe(200)
    })

    test('S19 signing in again gives another id, and ends the session that was there', async () => {
      const server = await startTestServer(database)
      const first = await signIn(server, server.rootKey)

      const second = await signIn(server, server.rootKey, { cookie: first.cookie })

      expect(second.csrfToken).not.toBe(first.csrfToken)
      const ask = async (cookie: string) =>
        (await server.request('GET', '/api/v1/me', { token: null, headers: { cookie } })).status
      expect(await ask(first.cookie)).toBe(401)
      expect(await ask(second.cookie)).toBe(200)
    })

    test('S16 a session ends with its key, and its rights with its roles', async () => {
      const server = await startTestServer(database)
      const ada = await createAccount(server, { role: 'admin', spaceId: 'root' })
      const { headers } = await signIn(server, ada)
      const ask = async () => {
        const answer = await server.request('POST', '/api/v1/spaces', { token: null, headers, text: '{}' })
        return answer.status
      }
      expect(await ask()).toBe(422)

      await server.root.call('updateUser', { params: { id: ada.userId ?? '' }, body: { roles: [] } })
      const withoutRole = await ask()
      await server.root.call('revokeApiKey', { params: { id: ada.keyId } })

      expect(withoutRole).toBe(403)
      expect(await ask()).toBe(401)
    })

    test('S19 two cookies, half a cookie and another’s cookie are no session', async () => {
      const server = await startTestServer(database)
      const { cookie } = await signIn(server, server.rootKey)
      const token = await server.token()
      const ask = async (given: string) =>
        (await server.request('GET', '/api/v1/me', { token: null, headers: { cookie: given } })).status

      expect(await ask(`a=b; ${cookie}`)).toBe(200)
      expect(await ask(`${cookie}; ${cookie}`)).toBe(401)
      expect(await ask(cookie.slice(0, -2))).toBe(401)
      expect(await ask(`__Host-mooring=${token}`)).toBe(401)
      expect(await ask(cookie.replace('__Host-', ''))).toBe(401)
      expect(
        (await server.request('GET', '/api/v1/me', { token: cookie.slice('__Host-mooring='.length) })).status,
      ).toBe(401)
    })
  })
}

for (const database of databases.filter(({ name }) => name === 'postgres')) {
  test('S16 a session that one server ends is over in the other within five seconds', async () => {
    let now = Date.now()
    const options = { clock: { now: () => now }, encryptionKey: Buffer.alloc(32, 'two servers') }
    const first = await startTestServer(database, options)
    const second = await openTestServer(first.databaseUrl, { ...options, rootKey: first.rootKey })
    onTestFinished(() => second.close())
    const { cookie, headers } = await signIn(first, first.rootKey)
    const ask = async () => (await second.request('GET', '/api/v1/me', { token: null, headers: { cookie } })).status
    expect(await ask()).toBe(200)

    await first.request('DELETE', '/api/v1/session', { token: null, headers })
    now += 4_999

    expect(await ask()).toBe(401)
  })
}

/** What another site could want to change. */
async function worldOf(server: TestServer) {
  const { items } = await server.root.call('listSpaces', { query: {} })
  const keys = await server.db.selectFrom('api_key').select(['id', 'revoked_at', 'generation']).orderBy('id').execute()
  const sessions = await server.db.selectFrom('session').select(['id', 'created_at']).orderBy('id').execute()
  const users = await server.db.selectFrom('user_account').select('id').execute()
  return { items, keys, sessions, users }
}
