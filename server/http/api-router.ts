import express, { type NextFunction, type Request, type Response, Router } from 'express'
import type { Logger } from 'pino'
import { type OperationId, operations } from '../../schemas/api.ts'
import type { Operation } from '../../schemas/operation.ts'
import { Problem } from '../../schemas/problem.ts'
import { anonymous, authorise, type Caller } from '../core/authorise.ts'
import type { Handlers, RequestContext } from './handlers.ts'
import { validateInput } from './validate-input.ts'

/** Says who asks, from the Authorization header; throws the Problem `unauthenticated` when it names nobody. */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>

const bodyLimitBytes = 1024 * 1024

/**
 * Makes the routes of the API from the table of operations. The permission is checked here alone and before
 * anything else (S20): a caller without it learns nothing, and nothing of what he sent is parsed.
 */
export function apiRouter(handlers: Handlers, authenticate: Authenticate): Router {
  const router = Router({ caseSensitive: true, strict: true })
  const readBody = express.json({ limit: bodyLimitBytes, inflate: false, strict: false })
  const methods = new Map<string, string[]>()
  for (const id of Object.keys(operations) as OperationId[]) {
    const operation: Operation = operations[id]
    const path = operation.path.replace(/\{(\w+)\}/g, ':$1')
    methods.set(path, [...(methods.get(path) ?? []), operation.method])
    const route = router.route(path)
    const register = route[operation.method.toLowerCase() as 'get'].bind(route)
    register(
      async (request: Request, response: Response, next: NextFunction) => {
        const caller = operation.permission === 'anyone' ? anonymous : await authenticate(request.get('authorization'))
        requirePermission(caller, id, operation)
        response.locals.caller = caller
        response.locals.operation = id
        next()
      },
      (request: Request, response: Response, next: NextFunction) => {
        if (!operation.body) return next()
        requireJson(request)
        return readBody(request, response, next)
      },
      async (request: Request, response: Response) => {
        const handler = handlers[id] as (input: unknown, context: RequestContext) => Promise<unknown>
        const answer = await handler(validateInput(operation, request), contextOf(request, response))
        response.status(operation.status)
        if (operation.response) response.json(answer)
        else response.end()
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
  throw new Problem('forbidden', `The role ${caller.role} may not use ${id} (${operation.method} ${operation.path}).`)
}

/** The one answer for a missing, unreadable, expired or revoked token. */
export function unauthenticated(): Problem {
  return new Problem(
    'unauthenticated',
    'Send "Authorization: Bearer <token>" with a token from POST /api/v1/token that has not expired and whose API key is not revoked.',
  )
}

function requireJson(request: Request): void {
  const hasBody = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length']) > 0
  if (hasBody && !request.is('application/json')) {
    throw new Problem('unsupported_media_type', 'Send the body as application/json in UTF-8, without an encoding.')
  }
}

function contextOf(request: Request, response: Response): RequestContext {
  return {
    caller: response.locals.caller as Caller,
    requestId: response.locals.requestId as string,
    log: response.locals.log as Logger,
    remoteAddress: request.socket.remoteAddress ?? 'unknown',
  }
}
