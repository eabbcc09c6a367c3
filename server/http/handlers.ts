import type { Logger } from 'pino'
import type { OperationId, OperationInput, OperationOutput } from '../../schemas/api.ts'
import type { Caller } from '../core/authorise.ts'

/** What a handler knows of its request beyond the validated input. */
export interface RequestContext {
  /** Already allowed to use the operation; what an object's space adds is the service's to check. */
  readonly caller: Caller
  readonly requestId: string
  /** Carries the request id. */
  readonly log: Logger
  /** Who is connected: with a proxy in front, the proxy. */
  readonly remoteAddress: string
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
