import type { Session } from '../../schemas/session.ts'
import type { TestServer } from './server.ts'

export interface BrowserSession {
  /** The Cookie header. */
  readonly cookie: string
  readonly csrfToken: string
  /** The whole Set-Cookie header. */
  readonly setCookie: string
  /** The headers with which a page of ours writes. */
  readonly headers: Readonly<Record<string, string>>
}

export const pageOrigin = 'http://mooring.test'

/** Signs in as a page of ours does, with the key. */
export async function signIn(
  server: TestServer,
  { keyId, keySecret }: { readonly keyId: string; readonly keySecret: string },
  headers: Readonly<Record<string, string>> = {},
): Promise<BrowserSession> {
  const answer = await server.request('POST', '/api/v1/session', {
    token: null,
    headers: { origin: pageOrigin, ...headers },
    body: { keyId, keySecret },
  })
  if (answer.status !== 201) throw new Error(`Signing in was answered ${answer.status}: ${await answer.text()}`)
  const { csrfToken } = (await answer.json()) as Session
  const setCookie = answer.headers.get('set-cookie') ?? ''
  const cookie = setCookie.split(';')[0] ?? ''
  return {
    cookie,
    csrfToken,
    setCookie,
    headers: { cookie, origin: pageOrigin, 'content-type': 'application/json', 'x-csrf-token': csrfToken },
  }
}
