import { createSession, deleteSession, type SessionDependencies, toSession } from '../../services/sessions.ts'
import type { TokenDependencies } from '../../services/tokens.ts'
import type { SessionRow } from '../../store/sessions.ts'
import type { Handlers, RequestContext } from '../handlers.ts'
import { endedSessionCookie, sessionCookie } from '../session-cookie.ts'

export function sessionHandlers(
  sessions: SessionDependencies,
  tokens: TokenDependencies,
): Pick<Handlers, 'createSession' | 'getSession' | 'deleteSession'> {
  return {
    createSession: async ({ body }, { remoteAddress, findSessionId, setCookie }) => {
      const opened = await createSession(sessions, tokens, remoteAddress, body, await findSessionId())
      setCookie(sessionCookie(opened.token))
      return toSession(sessions, opened.session)
    },
    getSession: async (_input, context) => toSession(sessions, sessionOf(context)),
    deleteSession: async (_input, context) => {
      await deleteSession(sessions, sessionOf(context))
      context.setCookie(endedSessionCookie)
      return undefined
    },
  }
}

/** The permission of these operations lets nobody in without one. */
function sessionOf({ session }: RequestContext): SessionRow {
  if (!session) throw new Error('The caller has no session.')
  return session
}
