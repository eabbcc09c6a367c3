import type { Role } from '../../schemas/api-key.ts'
import type { Permission } from '../../schemas/operation.ts'

/** What a token is good for; each works on its own surface only (S15). */
export const audiences = ['api', 'ui', 'worker', 'registrar'] as const
export type Audience = (typeof audiences)[number]

/** What comes in an Authorization header; `ui` comes in a cookie, and the one is never taken for the other. */
export const bearerAudiences: readonly Audience[] = ['api', 'worker', 'registrar']

/** The audience of the tokens that a key is exchanged for. */
export function audienceOfKey(role: Role | 'user' | 'bootstrap'): Audience {
  if (role === 'worker') return 'worker'
  return role === 'webhook-registrar' ? 'registrar' : 'api'
}

/** The audiences whose tokens reach the operations with this permission; none where no token is looked at. */
export function surfacesOf(permission: Permission): readonly Audience[] {
  switch (permission) {
    case 'anyone':
    case 'sign-in':
      return []
    case 'self':
      return audiences
    case 'session':
      return ['ui']
    case 'work':
      return ['worker']
    case 'see-integrations':
    case 'webhooks':
      return ['api', 'ui', 'registrar']
    case 'account':
    case 'api-keys:create':
    case 'read':
    case 'write':
    case 'administer':
      return ['api', 'ui']
  }
}
