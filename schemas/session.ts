import * as z from 'zod'
import { Timestamp } from './text.ts'

/** The cookie of a browser that has signed in. */
export const sessionCookieName = '__Host-mooring'

/** The header in which a page of ours sends the CSRF token with each write. */
export const csrfHeaderName = 'x-csrf-token'

/** A sign-in of a browser (R206). The cookie alone opens it, and no page can read the cookie. */
export const Session = z
  .object({
    csrfToken: z.string().describe('To be sent as X-CSRF-Token with everything but GET.'),
    idleUntil: Timestamp.describe('When the session ends unless it is used.'),
    expiresAt: Timestamp.describe('When it ends in any case.'),
  })
  .meta({ id: 'Session' })
export type Session = z.infer<typeof Session>
