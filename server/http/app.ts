import express, { type ErrorRequestHandler, type Express } from 'express'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { Problem } from '../../schemas/problem.ts'
import { docsRoutes } from './api-docs/docs-routes.ts'
import { type Answering, apiRouter } from './api-router.ts'
import type { Authenticate } from './authenticate.ts'
import type { Handlers } from './handlers.ts'
import { type Health, healthRoutes } from './health.ts'
import { metricsRoute } from './metrics.ts'
import { sendProblem, toProblem } from './problem-answer.ts'
import type { RefusedRequest } from './refused-secrets.ts'
import { type HttpMetrics, logRequests } from './request-log.ts'
import { runPage } from './run-page.ts'
import { securityHeaders } from './security-headers.ts'

export interface AppParts {
  readonly handlers: Handlers
  readonly authenticate: Authenticate
  readonly health: Health
  readonly log: Logger
  readonly httpMetrics: HttpMetrics
  /** Hears of every request to the API that is answered with a problem. */
  readonly onRefused: (request: RefusedRequest) => void
  readonly answering: Answering
  /** What `/metrics` shows; undefined where it is closed. */
  readonly metrics: Registry | undefined
}

/** Puts the router together: everything that the port answers but the webhooks. */
export function createApp(parts: AppParts): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('case sensitive routing')
  app.enable('strict routing')
  app.use(logRequests(parts.log, parts.httpMetrics))
  app.use(securityHeaders)
  app.use(healthRoutes(parts.health))
  if (parts.metrics) app.use(metricsRoute(parts.metrics))
  app.use(runPage())
  app.use(docsRoutes())
  app.use(apiRouter(parts.handlers, parts.authenticate, parts.onRefused, parts.answering))
  app.use((request) => {
    throw new Problem('route_not_found', `There is nothing at ${request.method} ${request.path.slice(0, 200)}.`)
  })
  app.use(answerProblem)
  return app
}

/** Express's own handler would answer with the stack (S50). */
const answerProblem: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  const problem = toProblem(error, response.locals.log as Logger)
  if (response.headersSent) return next(error)
  sendProblem(response, problem)
}
