import { type NextFunction, type Request, type Response, Router } from 'express'
import type { Logger } from 'pino'
import { type OperationId, operations } from '../../schemas/api.ts'
import type { Operation } from '../../schemas/operation.ts'
import { type OperationFacts, operationFacts } from '../../schemas/operation-facts.ts'
import type { Page } from '../../schemas/page.ts'
import { Problem } from '../../schemas/problem.ts'
import { anonymous, authorise, type Caller } from '../core/authorise.ts'
import { unauthenticated } from '../services/callers.ts'
import type { Authenticate, Authenticated } from './authenticate.ts'
import type { CursorPlace, Cursors } from './cursor.ts'
import type { Handlers, RequestContext } from './handlers.ts'
import type { Answer, AnswerOnce } from './idempotency.ts'
import { readJson } from './read-json.ts'
import type { RefusedRequest } from './refused-secrets.ts'
import { readIdempotencyKey, readIfMatch, requireDecodable } from './request-headers.ts'
import { sendAnswer } from './send-answer.ts'
import type { SourceAddress } from './source-address.ts'
import { validateInput } from './validate-input.ts'

/** How requests are repeated, and lists are gone through. */
export interface Answering {
  readonly sourceAddress: SourceAddress
  /** Takes one of what a stranger at the address may cost; throws where nothing is left (S13). */
  readonly onStranger: (address: string) => void
  /** The id of the live session in the request's cookie. */
  readonly findSessionId: (request: Request) => Promise<string | undefined>
  readonly answerOnce: AnswerOnce
  readonly cursors: Cursors
}

/**
 * Makes the routes of the API from the table of operations. The permission is checked here alone and before
 * anything else (S20): a caller without it learns nothing, and nothing of what he sent is parsed. `onRefused` hears of
 * every request that is answered with a problem.
 */
export function apiRouter(
  handlers: Handlers,
  authenticate: Authenticate,
  onRefused: (request: RefusedRequest) => void,
  answering: Answering,
): Router {
  const router = Router({ caseSensitive: true, strict: true })
  const readBody = readJson()
  const factsOf = operationFacts(operations)
  const methods = new Map<string, string[]>()
  for (const id of Object.keys(operations) as OperationId[]) {
    const operation: Operation = operations[id]
    const facts = factsOf.get(id) as OperationFacts
    const path = operation.path.replace(/\{(\w+)\}/g, ':$1')
    methods.set(path, [...(methods.get(path) ?? []), operation.method])
    const route = router.route(path)
    const register = route[operation.method.toLowerCase() as 'get'].bind(route)
    register(
      async (request: Request, response: Response, next: NextFunction) => {
        const authenticated = await authenticate(request, response, operation)
        response.locals.authenticated = authenticated
        response.locals.caller = authenticated.caller
        requirePermission(authenticated.caller, id, operation)
        response.locals.operation = id
        next()
      },
      (request: Request, response: Response, next: NextFunction) => {
        if (!operation.body) return next()
        return readBody(request, response, next)
      },
      async (request: Request, response: Response) => {
        const handler = handlers[id] as (input: unknown, context: RequestContext) => Promise<unknown>
        const answer = await answerRequest({ id, operation, facts, handler }, request, response, answering).catch(
          (error: unknown) => {
            if (operation.permission === 'sign-in') answering.onStranger(answering.sourceAddress(request))
            throw error
          },
        )
        sendAnswer(request, response, answer, facts)
      },
      (error: unknown, request: Request, response: Response, next: NextFunction) => {
        if (error instanceof Problem) {
          if (!facts.problems.includes(error.code)) {
            const log = response.locals.log as Logger
            log.warn({ operation: id, code: error.code }, 'undeclared problem')
          }
          const { params, query, body } = request
          const caller = (response.locals.caller as Caller | undefined) ?? anonymous
          onRefused({ operation: id, caller, problem: error, params, query, body })
        }
        next(error)
      },
    )
  }
  for (const [path, allowed] of methods) {
    router.all(path, (request, response) => {
      response.set('allow', [...allowed, ...(allowed.includes('GET') ? ['HEAD'] : [])].join(', '))
      throw new Problem('method_not_allowed', `${request.method} is not among the methods of ${request.path}.`)
    })
  }
  return router
}

function requirePermission(caller: Caller, id: OperationId, operation: Operation): void {
  const decision = authorise(caller, operation.permission)
  if (decision === 'allowed') return
  if (decision === 'unauthenticated') throw unauthenticated()
  const roles = [...new Set(caller.grants.map(({ role }) => role))].join(', ') || caller.kind
  throw new Problem('forbidden', `Your roles (${roles}) do not allow ${id} (${operation.method} ${operation.path}).`)
}

interface Asked {
  readonly id: OperationId
  readonly operation: Operation
  readonly facts: OperationFacts
  readonly handler: (input: unknown, context: RequestContext) => Promise<unknown>
}

/** Validates the request, and answers it: once for each Idempotency-Key, a list's page with a signed cursor. */
async function answerRequest(
  { id, operation, facts, handler }: Asked,
  request: Request,
  response: Response,
  answering: Answering,
): Promise<Answer> {
  const { answerOnce, cursors } = answering
  requireDecodable(request)
  const input: { params?: unknown; query?: unknown; body?: unknown } = validateInput(operation, request)
  const key = readIdempotencyKey(request, facts)
  const context = { ...contextOf(request, response, answering), ifMatch: readIfMatch(request, facts) }
  const act = async (): Promise<Answer> => {
    const place = { operation: id, params: input.params, query: request.query }
    const body = await handler(facts.isList ? withOpenCursor(input, place, cursors) : input, context)
    const isPage = facts.isList && body !== undefined
    return { status: operation.status, body: isPage ? withSealedCursor(body, place, cursors) : body, isReplay: false }
  }
  if (key === undefined) return act()
  const { caller, log } = context
  const parts = { params: input.params, query: request.query, body: request.body as unknown }
  return answerOnce(key, { id, operation, caller, log, ...parts }, act)
}

function withOpenCursor(input: { readonly query?: unknown }, place: CursorPlace, cursors: Cursors): unknown {
  const query = input.query as { readonly cursor?: string | undefined }
  return query.cursor === undefined
    ? input
    : { ...input, query: { ...query, cursor: cursors.open(place, query.cursor) } }
}

function withSealedCursor(body: unknown, place: CursorPlace, cursors: Cursors): Page<unknown> {
  const page = body as Page<unknown>
  return page.nextCursor === null ? page : { ...page, nextCursor: cursors.seal(place, page.nextCursor) }
}

function contextOf(request: Request, response: Response, { sourceAddress, findSessionId }: Answering): RequestContext {
  const { caller, audience, session } = response.locals.authenticated as Authenticated
  return {
    caller,
    audience,
    session,
    requestId: response.locals.requestId as string,
    log: response.locals.log as Logger,
    remoteAddress: sourceAddress(request),
    findSessionId: () => findSessionId(request),
    setCookie: (cookie) => {
      response.append('set-cookie', cookie)
    },
  }
}
