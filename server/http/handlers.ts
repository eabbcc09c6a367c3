import type { Logger } from 'pino'
import type { OperationId, OperationInput, OperationOutput } from '../../schemas/api.ts'
import type { Audience } from '../core/audiences.ts'
import type { Caller } from '../core/authorise.ts'
import type { SessionRow } from '../store/sessions.ts'

/** What a handler knows of its request beyond the validated input. */
export interface RequestContext {
  /** Already allowed to use the operation; what an object's space adds is the service's to check. */
  readonly caller: Caller
  readonly requestId: string
  /** Carries the request id. */
  readonly log: Logger
  /** Where the request comes from: the socket's address, or what a trusted proxy says (S13). */
  readonly remoteAddress: string
  /** What the caller's token is good for; null where none was looked at. */
  readonly audience: Audience | null
  /** The browser's session; null for every other caller. */
  readonly session: SessionRow | null
  /** The id of the live session in the request's cookie, whoever the operation takes the caller for. */
  readonly findSessionId: () => Promise<string | undefined>
  readonly setCookie: (cookie: string) => void
  /** Names the version that the caller has read: for `requireMatch`, inside the write transaction (R203). */
  readonly ifMatch?: string | undefined
}

/**
 * One operation of `schemas/api.ts`: validated input in, the answer's body out. Throws a `Problem` for what the
 * caller may see; anything else is answered 500 and logged.
 */
export type Handler<Id extends OperationId> = (
  input: OperationInput<Id>,
  context: RequestContext,
) => Promise<OperationOutput<Id>>

/**
 * Every operation's handler. Each resource gives its part, as
 * `runHandlers(db: Database): Pick<Handlers, 'listRuns' | 'getRun'>`, and `app.ts` puts them together.
 */
export type Handlers = { readonly [Id in OperationId]: Handler<Id> }
