import { sessionCookieName } from '../../schemas/session.ts'
import { sessionIdleSeconds } from '../core/jwt.ts'

const attributes = 'Path=/; Secure; HttpOnly; SameSite=Strict'

/** The Set-Cookie header of a session. `__Host-` makes the browser demand Secure, Path=/ and no Domain (S19). */
export function sessionCookie(token: string): string {
  return `${sessionCookieName}=${token}; Max-Age=${sessionIdleSeconds}; ${attributes}`
}

/** The Set-Cookie header that takes it away. */
export const endedSessionCookie = `${sessionCookieName}=; Max-Age=0; ${attributes}`

/** The token in the request's cookies; undefined where there is none, or more than one to choose from. */
export function readSessionCookie(header: string | undefined): string | undefined {
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${sessionCookieName}=`))
    .map((pair) => pair.slice(sessionCookieName.length + 1))
  return values.length === 1 ? values[0] : undefined
}
