import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { authenticate } from './authentication.ts'
import type { Answer, Emulator } from './call.ts'
import { answerControl } from './control.ts'
import { authenticationRequired, BitbucketError, badRequest, notPermitted, tooManyRequests } from './errors.ts'
import type { Fault } from './faults.ts'
import { answerGit, ask } from './git-route.ts'
import { operations } from './operations.ts'
import { hasGlobalPermission, type Principal } from './permissions.ts'
import { createRateLimit } from './rate-limit.ts'
import { createRouter, perform, type Route } from './router.ts'

/** As much as a JSON body may have. */
const bodyLimit = 10 * 1024 * 1024

/** An answer of one of Bitbucket's operations, as it was about to be sent. */
export interface Exchange {
  /** The row of the table, `GET /rest/api/latest/repos`. */
  readonly operation: string
  readonly status: number
  readonly body: unknown
}

/** What becomes known of a request while it is answered; kept in the request log. */
interface Progress {
  readonly method: string
  readonly path: string
  readonly query: string
  principal: Principal | 'rejected'
  operation: string | null
}

/** Answers everything: Bitbucket's REST, git, and the emulator's own routes. */
export function createHandler(
  emulator: Emulator,
  contextPath: string,
  observe: (exchange: Exchange) => void,
): RequestListener {
  const findRoute = createRouter(operations, emulator.settings.version)
  const takeRequest = createRateLimit(emulator.settings)

  async function answer(request: IncomingMessage, response: ServerResponse, progress: Progress): Promise<void> {
    const { method, path } = progress
    if (path.startsWith('/emulator/')) return answerOwn(request, response, progress)
    const met = emulator.faults.takeForRequest(method, path)
    for (const fault of met) if (fault.kind === 'latency') await wait(fault.ms)
    if (met.some((fault) => fault.kind === 'reset')) {
      request.socket.destroy()
      return
    }
    const isGit = path.startsWith('/scm/')
    const route = isGit ? 'no-route' : findRoute(method, path)
    if (typeof route !== 'string') progress.operation = `${route.operation.method} ${route.operation.path}`
    const failure = met.find((fault) => fault.kind === 'status')
    try {
      progress.principal = authenticated(request, progress)
      if (progress.principal.kind === 'user') {
        // As Bitbucket names, in every answer, the user that it takes the caller for.
        response.setHeader('X-AUSERNAME', encodeURIComponent(progress.principal.user.name))
      }
      if (failure) return sendFailure(response, failure)
      if (isGit) return await answerGit(emulator, request, response, progress, progress.principal)
      if (typeof route === 'string') return sendEmpty(response, route === 'no-route' ? 404 : 405)
      limit(response, progress.principal)
      deliver(await performRoute(request, progress, progress.principal, route))
    } catch (error) {
      if (!(error instanceof BitbucketError)) throw error
      if (isGit) return ask(response)
      deliver({ status: error.status, body: { errors: error.errors } })
    }

    function deliver(answered: Answer): void {
      tell(progress, answered)
      if (met.some((fault) => fault.kind === 'drop-answer')) request.socket.destroy()
      else send(response, answered)
    }
  }

  function tell(progress: Progress, { status, body }: Answer): void {
    if (progress.operation !== null) observe({ operation: progress.operation, status, body })
  }

  function authenticated(request: IncomingMessage, progress: Progress): Principal {
    progress.principal = 'rejected'
    return authenticate(request.headers.authorization, emulator.store.state, emulator.settings.now())
  }

  async function performRoute(request: IncomingMessage, progress: Progress, principal: Principal, route: Route) {
    const body = progress.method === 'GET' ? undefined : await readBody(request)
    return perform(emulator, route, principal, new URLSearchParams(progress.query), body)
  }

  function limit(response: ServerResponse, principal: Principal): void {
    if (principal.kind === 'anonymous') return
    const user = principal.kind === 'user' ? `user ${principal.user.id}` : `token ${principal.token.id}`
    const seconds = takeRequest(user)
    if (seconds === undefined) return
    response.setHeader('Retry-After', String(seconds))
    throw tooManyRequests()
  }

  async function answerOwn(request: IncomingMessage, response: ServerResponse, progress: Progress): Promise<void> {
    try {
      progress.principal = authenticated(request, progress)
      if (progress.principal.kind === 'anonymous') throw authenticationRequired()
      if (!hasGlobalPermission(progress.principal, 'SYS_ADMIN')) throw notPermitted()
      const query = new URLSearchParams(progress.query)
      const answered = answerControl(emulator, progress.method, progress.path, query, await readBody(request))
      if (answered) send(response, answered)
      else sendEmpty(response, 404)
    } catch (error) {
      if (!(error instanceof BitbucketError)) throw error
      send(response, { status: error.status, body: { errors: error.errors } })
    }
  }

  return (request, response) => {
    const startedAt = emulator.settings.now()
    const [fullPath = '', query = ''] = splitOnce(request.url ?? '/', '?')
    const isBelow = fullPath === contextPath || fullPath.startsWith(`${contextPath}/`)
    const path = isBelow ? fullPath.slice(contextPath.length) : ''
    const progress: Progress = {
      method: request.method ?? 'GET',
      path,
      query,
      principal: { kind: 'anonymous' },
      operation: null,
    }
    response.on('close', () =>
      record(emulator, progress, startedAt, response.writableFinished ? response.statusCode : 0),
    )
    answer(request, response, progress).catch((error: unknown) => {
      process.stderr.write(`The emulator failed at ${progress.method} ${path}: ${describe(error)}\n`)
      if (response.headersSent) response.destroy()
      else sendEmpty(response, 500)
    })
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function record(emulator: Emulator, progress: Progress, startedAt: number, status: number): void {
  const { method, path, query, principal, operation } = progress
  if (path.startsWith('/emulator/')) return
  const token = principal === 'rejected' || principal.kind === 'anonymous' ? null : principal.token
  const scope =
    principal === 'rejected' ? 'rejected' : principal.kind === 'token' ? principal.token.owner.kind : principal.kind
  emulator.requests.add({
    at: startedAt,
    method,
    path: query === '' ? path : `${path}?${query}`,
    operation,
    status,
    durationMs: emulator.settings.now() - startedAt,
    user: principal !== 'rejected' && principal.kind === 'user' ? principal.user.name : null,
    scope,
    token: token?.id ?? null,
  })
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > bodyLimit) throw badRequest(`The body has more than ${bodyLimit} bytes.`)
    chunks.push(chunk)
  }
  if (length === 0) return undefined
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw badRequest('The body is not JSON.')
  }
}

function send(response: ServerResponse, answer: Answer): void {
  if (answer.bytes) {
    response.writeHead(answer.status, { 'Content-Type': answer.bytes.contentType })
    response.end(answer.bytes.content)
  } else if (answer.body === undefined) {
    sendEmpty(response, answer.status)
  } else {
    response.writeHead(answer.status, { 'Content-Type': 'application/json;charset=UTF-8' })
    response.end(JSON.stringify(answer.body))
  }
}

function sendEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status)
  response.end()
}

function sendFailure(response: ServerResponse, fault: Extract<Fault, { kind: 'status' }>): void {
  if (fault.retryAfterSeconds !== undefined) response.setHeader('Retry-After', String(fault.retryAfterSeconds))
  if (fault.body !== undefined) {
    response.writeHead(fault.status, { 'Content-Type': fault.contentType ?? 'text/html' })
    response.end(fault.body)
    return
  }
  const message = 'A fault of the emulator asked for this answer.'
  send(response, { status: fault.status, body: { errors: [{ context: null, message, exceptionName: null }] } })
}
