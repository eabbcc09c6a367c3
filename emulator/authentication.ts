import { createHash, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { noAccess, wrongCredentials } from './errors.ts'
import type { Principal } from './permissions.ts'
import type { AccessToken, State, User } from './state.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+'

/** A new HTTP access token in Bitbucket's format, `BBDC-` and 44 characters. */
export function createTokenText(): string {
  // 252 is the largest multiple of the 63 characters in a byte; bytes above it would favour the first ones.
  let text = ''
  while (text.length < 44) {
    for (const byte of randomBytes(64)) {
      if (byte < 252 && text.length < 44) text += alphabet.charAt(byte % alphabet.length)
    }
  }
  return `BBDC-${text}`
}

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

export function hashPassword(password: string): string {
  const salt = randomBytes(16)
  return `${salt.toString('hex')}:${derive(password, salt).toString('hex')}`
}

function derive(password: string, salt: Buffer): Buffer {
  return scryptSync(password, salt, 32, { N: 1024 })
}

/**
 * Tells who sends this Authorization header. Throws Bitbucket's 401 for credentials that are wrong, expired, or a
 * project's or repository's token sent as Basic (which Bitbucket accepts as Bearer alone).
 */
export function authenticate(authorization: string | undefined, state: State, now: number): Principal {
  if (authorization === undefined || authorization === '') return { kind: 'anonymous' }
  const space = authorization.indexOf(' ')
  const scheme = authorization.slice(0, Math.max(0, space)).toLowerCase()
  const value = authorization.slice(space + 1).trim()
  if (scheme === 'bearer') return ofBearer(value, state, now)
  if (scheme === 'basic') return ofBasic(value, state, now)
  throw wrongCredentials()
}

function ofBearer(value: string, state: State, now: number): Principal {
  const token = findToken(value, state, now)
  if (!token) throw wrongCredentials()
  if (token.owner.kind !== 'user') return { kind: 'token', token }
  const user = state.users.find((candidate) => candidate.id === token.owner.id)
  if (!user) throw wrongCredentials()
  return licensed(user, token)
}

function ofBasic(value: string, state: State, now: number): Principal {
  const decoded = Buffer.from(value, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  const name = decoded.slice(0, Math.max(0, colon)).toLowerCase()
  const secret = decoded.slice(colon + 1)
  const user = state.users.find((candidate) => candidate.name.toLowerCase() === name)
  if (!user) throw wrongCredentials()
  const token = findToken(secret, state, now)
  if (token && token.owner.kind === 'user' && token.owner.id === user.id) return licensed(user, token)
  if (user.passwordHash !== null && matchesPassword(secret, user.passwordHash)) return licensed(user, null)
  throw wrongCredentials()
}

function findToken(text: string, state: State, now: number): AccessToken | undefined {
  const hash = hashToken(text)
  const token = state.tokens.find((candidate) => candidate.hash === hash)
  return token && (token.expiresAt === null || token.expiresAt > now) ? token : undefined
}

function matchesPassword(password: string, stored: string): boolean {
  const [salt = '', expected = ''] = stored.split(':')
  return timingSafeEqual(derive(password, Buffer.from(salt, 'hex')), Buffer.from(expected, 'hex'))
}

function licensed(user: User, token: AccessToken | null): Principal {
  if (!user.isActive || user.globalPermission === null) throw noAccess()
  return { kind: 'user', user, token }
}
